// Manifests decodes the objects in YAML files strictly, with unknown and repeated fields refused, into the Go types of
// Kubernetes and of Kubeflow's trainer.
//
//	go run . ../../lidr/recipe/launch/testdata/kube*.yaml
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	trainer "github.com/kubeflow/trainer/v2/pkg/apis/trainer/v1alpha1"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	failed, count := len(os.Args) < 2, 0
	for _, file := range os.Args[1:] {
		text, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for i, document := range bytes.Split(text, []byte("---\n")) {
			if err := check(document); err != nil {
				failed = true
				fmt.Printf("%s: object %d: %v\n", file, i, err)
			}
			count++
		}
	}
	fmt.Println(count, "objects")
	if failed {
		os.Exit(1)
	}
}

// check decodes an object, and compares the labels by which its parts find each other.
func check(document []byte) error {
	var kind meta.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	types := map[string]any{
		"batch/v1 Job": &batch.Job{}, "apps/v1 Deployment": &apps.Deployment{}, "v1 Service": &core.Service{},
		trainer.GroupVersion.String() + " TrainJob": &trainer.TrainJob{},
	}
	into := types[kind.APIVersion+" "+kind.Kind]
	if into == nil {
		return fmt.Errorf("%s %s is no kind that is known", kind.APIVersion, kind.Kind)
	}
	if err := yaml.UnmarshalStrict(document, into); err != nil {
		return fmt.Errorf("%s: %s", kind.Kind, strings.Join(strings.Fields(err.Error()), " "))
	}
	if d, ok := into.(*apps.Deployment); ok {
		for key, value := range d.Spec.Selector.MatchLabels {
			if d.Spec.Template.Labels[key] != value {
				return fmt.Errorf("the selector %s=%s does not select the template", key, value)
			}
		}
	}
	return nil
}
