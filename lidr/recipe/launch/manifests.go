package launch

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/goccy/go-yaml"
)

// fields are those of an object of Kubernetes or SkyPilot.
type fields = map[string]any

// documents are objects as YAML, one after the other.
func documents(objects ...map[string]any) ([]byte, error) {
	var all [][]byte
	for _, o := range objects {
		text, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		if text, err = yaml.JSONToYAML(text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return bytes.Join(all, []byte("---\n")), nil
}

// trainJob tells whether a job is one of Kubeflow's.
func (k Kubernetes) trainJob(j Job) bool { return k.TrainJob && !j.Serves && j.GPUs > 0 }

// objects are a job as kubectl apply takes it.
func (k Kubernetes) objects(j Job) []fields {
	switch {
	case j.Serves:
		return []fields{k.deployment(j), k.service(j, fields{
			"ports": []any{fields{"name": "http", "port": j.Port, "targetPort": j.Port}},
		})}
	case k.trainJob(j):
		return []fields{k.kubeflow(j)}
	case j.Nodes > 1: // whose pods find the first by its name
		return []fields{k.job(j), k.service(j, fields{"clusterIP": "None", "publishNotReadyAddresses": true})}
	}
	return []fields{k.job(j)}
}

func (k Kubernetes) object(j Job, version, kind string, spec fields) fields {
	meta := fields{"name": j.Name, "labels": fields{"lidr-job": j.Name}}
	if k.Namespace != "" {
		meta["namespace"] = k.Namespace
	}
	return fields{"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}
}

// resources are asked for as limits, which are requests too.
func (k Kubernetes) resources(j Job) fields {
	limits := fields{}
	for _, r := range []struct {
		n            int
		name, format string
	}{{j.GPUs, k.Resource, "%d"}, {j.CPUs, "cpu", "%d"}, {j.Memory, "memory", "%dGi"}} {
		if r.n > 0 {
			limits[r.name] = fmt.Sprintf(r.format, r.n)
		}
	}
	return fields{"limits": limits}
}

func (k Kubernetes) mounts() []any {
	return []any{
		fields{"name": "data", "mountPath": k.Mount},
		fields{"name": "shm", "mountPath": "/dev/shm"},
	}
}

// volumes are the claim and shared memory, of which PyTorch and vLLM need more than a container has.
func (k Kubernetes) volumes() []any {
	return []any{
		fields{"name": "data", "persistentVolumeClaim": fields{"claimName": k.Claim}},
		fields{"name": "shm", "emptyDir": fields{"medium": "Memory"}},
	}
}

// pod is the template of a job's pods.
func (k Kubernetes) pod(j Job, restart string, more fields) fields {
	container := fields{
		"name": "lidr", "image": k.Image, "command": j.Command, "resources": k.resources(j), "volumeMounts": k.mounts(),
	}
	for key, value := range more {
		container[key] = value
	}
	spec := fields{"restartPolicy": restart, "containers": []any{container}, "volumes": k.volumes()}
	if k.Account != "" {
		spec["serviceAccountName"] = k.Account
	}
	if j.Nodes > 1 {
		spec["subdomain"] = j.Name
	}
	return fields{"metadata": fields{"labels": fields{"lidr-job": j.Name}}, "spec": spec}
}

// job is a training, or the driver. A pod that was preempted, or whose node is drained, does not count as failed.
func (k Kubernetes) job(j Job) fields {
	more := fields{}
	if j.Nodes > 1 {
		more["env"] = []any{fields{"name": "MASTER_ADDR", "value": j.Name + "-0." + j.Name}}
	}
	spec := fields{
		"completions": j.Nodes, "parallelism": j.Nodes, "completionMode": "Indexed", "backoffLimit": 2 * j.Nodes,
		"podFailurePolicy": fields{"rules": []any{fields{
			"action": "Ignore", "onPodConditions": []any{fields{"type": "DisruptionTarget", "status": "True"}},
		}}},
		"template": k.pod(j, "Never", more),
	}
	if j.Minutes > 0 {
		spec["activeDeadlineSeconds"] = 60 * j.Minutes
	}
	return k.object(j, "batch/v1", "Job", spec)
}

// kubeflow is a training by Kubeflow's trainer, whose runtime sets torchrun's variables.
func (k Kubernetes) kubeflow(j Job) fields {
	override := fields{"volumes": k.volumes(), "containers": []any{fields{"name": "node", "volumeMounts": k.mounts()}}}
	if k.Account != "" {
		override["serviceAccountName"] = k.Account
	}
	return k.object(j, "trainer.kubeflow.org/v1alpha1", "TrainJob", fields{
		"runtimeRef": fields{"name": k.Runtime},
		"labels":     fields{"lidr-job": j.Name},
		"trainer": fields{
			"image": k.Image, "command": j.Command, "numNodes": j.Nodes, "resourcesPerNode": k.resources(j),
		},
		"podTemplateOverrides": []any{fields{"targetJobs": []any{fields{"name": "node"}}, "spec": override}},
	})
}

// loadingChecks are how often, ten seconds apart, a server may be asked before it has loaded its model.
const loadingChecks = 180

// deployment is a server, which gets requests once it says that it is healthy.
func (k Kubernetes) deployment(j Job) fields {
	health := func(every, failures int) fields {
		return fields{
			"httpGet": fields{"path": "/health", "port": j.Port}, "periodSeconds": every, "failureThreshold": failures,
		}
	}
	return k.object(j, "apps/v1", "Deployment", fields{
		"replicas": 1, "strategy": fields{"type": "Recreate"},
		"selector": fields{"matchLabels": fields{"lidr-job": j.Name}},
		"template": k.pod(j, "Always", fields{
			"ports":          []any{fields{"containerPort": j.Port}},
			"startupProbe":   health(10, loadingChecks),
			"readinessProbe": health(5, 3),
		}),
	})
}

func (k Kubernetes) service(j Job, spec fields) fields {
	spec["selector"] = fields{"lidr-job": j.Name}
	return k.object(j, "v1", "Service", spec)
}
