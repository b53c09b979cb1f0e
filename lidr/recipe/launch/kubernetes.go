package launch

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"lidrlab/lidr/durable"
)

// Kubernetes says how jobs run on Kubernetes, by kubectl with the context that it has.
type Kubernetes struct {
	Namespace string `json:"namespace"` // "" is that of kubectl's context
	Image     string `json:"image"`     // with the server or the trainer, or with lidr for the driver
	Claim     string `json:"claim"`     // a PersistentVolumeClaim, for all machines at once
	Mount     string `json:"mount"`     // its path in every job, below which the run folder is
	Resource  string `json:"resource"`  // that GPUs are counted as
	Account   string `json:"account"`   // of service, which a driver needs to start jobs
	// TrainJob trains by a TrainJob of Kubeflow's trainer, on Runtime, in the place of a plain Job.
	TrainJob bool   `json:"train_job"`
	Runtime  string `json:"runtime"`
}

// ids say what a job is: job/NAME, trainjob/NAME or deployment/NAME, as kubectl takes it.
func (k Kubernetes) id(j Job) string {
	switch {
	case j.Serves:
		return "deployment/" + j.Name
	case k.trainJob(j):
		return "trainjob/" + j.Name
	}
	return "job/" + j.Name
}

// selector is the label of a job's pods: Kubeflow's trainer gives them one of its own.
func (k Kubernetes) selector(j Job) string {
	if k.trainJob(j) {
		return "--selector=jobset.sigs.k8s.io/jobset-name=" + j.Name
	}
	return "--selector=lidr-job=" + j.Name
}

// kubectl runs kubectl in the namespace.
func (k Kubernetes) kubectl(ctx context.Context, args ...string) (string, error) {
	if k.Namespace != "" {
		args = append(args, "--namespace="+k.Namespace)
	}
	return call(ctx, "kubectl", args...)
}

// Start implements [Launcher]. Of a job that has ended, what is left is removed first: a Job cannot be changed.
func (k Kubernetes) Start(ctx context.Context, j Job) (string, error) {
	text, err := documents(k.objects(j)...)
	if err != nil {
		return "", err
	}
	if err := k.Stop(ctx, j, k.id(j)); err != nil {
		return "", err
	}
	path := j.file(".yaml")
	if err := durable.WriteFile(path, text); err != nil {
		return "", err
	}
	_, err = k.kubectl(ctx, "apply", "--filename="+path)
	switch {
	case refused(err, "exceeded quota"):
		return "", fmt.Errorf("%w: %w; wait until other jobs are over, and run the same command again", ErrFull, err)
	case err != nil:
		return "", fmt.Errorf("%w; correct launch.kubernetes, which %s has, and run the same command again", err, path)
	}
	return k.id(j), nil
}

// Find implements [Launcher].
func (k Kubernetes) Find(ctx context.Context, j Job) (string, error) {
	status, err := k.State(ctx, j, k.id(j))
	if err != nil || status.State > Running {
		return "", err
	}
	return k.id(j), nil
}

// object is what kubectl says of a job, as far as it is read.
type object struct {
	Status struct {
		Conditions []struct{ Type, Status, Reason, Message string }
		Active     int
		Ready      int
		JobsStatus []struct{ Ready, Active int } // of a TrainJob

		ReadyReplicas int `json:"readyReplicas"` // of a Deployment
	}
	Spec struct { // of a Service
		ClusterIP string `json:"clusterIP"`
	}
}

// pods are those of a job.
type pods struct {
	Items []struct {
		Status struct {
			Conditions        []struct{ Type, Status, Reason, Message string }
			ContainerStatuses []struct {
				RestartCount int `json:"restartCount"`
				State        containerState
				LastState    containerState `json:"lastState"`
			} `json:"containerStatuses"`
		}
	}
}

type containerState struct {
	Waiting, Terminated *struct {
		Reason, Message string
		ExitCode        int `json:"exitCode"`
	}
}

// State implements [Launcher].
func (k Kubernetes) State(ctx context.Context, j Job, id string) (Status, error) {
	out, err := k.kubectl(ctx, "get", id, "--output=json")
	see := "kubectl logs " + k.selector(j)
	if refused(err, "(NotFound)") {
		return Status{Lost, "not found", see}, nil
	} else if err != nil {
		return Status{}, err
	}
	status, err := jobStatus(out)
	if err != nil || status.State == Done || status.State == Running {
		status.See = see
		return status, err
	}
	if out, err = k.kubectl(ctx, "get", "pods", k.selector(j), "--output=json"); err != nil {
		return Status{}, err
	}
	why, fatal, err := podsSay(out)
	if why != "" {
		status.Said += " (" + why + ")"
	}
	if fatal {
		status.State = Failed
	}
	status.See = see
	return status, err
}

// jobStatus reads what kubectl prints of a Job, a TrainJob or a Deployment.
func jobStatus(out string) (Status, error) {
	var o object
	if err := json.Unmarshal([]byte(out), &o); err != nil {
		return Status{}, fmt.Errorf("kubectl get printed %.80q, expected JSON: %w", out, err)
	}
	s := Status{State: Waiting, Said: "waiting"}
	ready := o.Status.Ready + o.Status.ReadyReplicas
	for _, part := range o.Status.JobsStatus {
		ready += part.Ready
	}
	if ready > 0 {
		s = Status{State: Running, Said: "running"}
	}
	for _, c := range o.Status.Conditions {
		switch {
		case c.Status != "True":
		case c.Type == "Complete":
			return Status{State: Done, Said: "complete"}, nil
		case c.Type == "Failed" && c.Reason == "DeadlineExceeded":
			return Status{State: Lost, Said: "its time was over"}, nil
		case c.Type == "Failed":
			return Status{State: Failed, Said: strings.TrimSpace("failed: " + c.Reason + " " + c.Message)}, nil
		}
	}
	return s, nil
}

// endlessly is how often a container may end before it is believed to do so for ever.
const endlessly = 3

// podsSay says why a job does not run, and whether it never will.
func podsSay(out string) (why string, fatal bool, err error) {
	var p pods
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		return "", false, fmt.Errorf("kubectl get pods printed %.80q, expected JSON: %w", out, err)
	}
	for _, pod := range p.Items {
		for _, c := range pod.Status.Conditions {
			if c.Type == "PodScheduled" && c.Status == "False" {
				why = c.Reason + ": " + c.Message
			}
		}
		for _, c := range pod.Status.ContainerStatuses {
			for _, state := range []containerState{c.LastState, c.State} {
				if t := state.Terminated; t != nil && t.ExitCode != 0 {
					why = fmt.Sprintf("%s, exit code %d", t.Reason, t.ExitCode)
				}
			}
			if w := c.State.Waiting; w != nil && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
				why = strings.TrimSuffix(why+", "+w.Reason+": "+w.Message, ": ")
				switch w.Reason {
				case "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError":
					fatal = true
				case "CrashLoopBackOff":
					fatal = c.RestartCount >= endlessly
				}
			}
		}
	}
	return strings.TrimPrefix(why, ", "), fatal, nil
}

// Address implements [Launcher]: that of the Service, which nodes and pods of the cluster reach.
func (k Kubernetes) Address(ctx context.Context, j Job, _ string) (string, error) {
	out, err := k.kubectl(ctx, "get", "service/"+j.Name, "--output=json")
	if err != nil {
		return "", err
	}
	var o object
	if err := json.Unmarshal([]byte(out), &o); err != nil {
		return "", fmt.Errorf("kubectl get service printed %.80q, expected JSON: %w", out, err)
	}
	if o.Spec.ClusterIP == "" {
		return "", nil
	}
	return fmt.Sprintf("http://%s:%d/v1", o.Spec.ClusterIP, j.Port), nil
}

// gone is how long the pods of a job may take to end.
const gone = "10m"

// Stop implements [Launcher]. Of two trainings one would write into the checkpoints of the other, so that the pods of
// the first are waited for.
func (k Kubernetes) Stop(ctx context.Context, j Job, id string) error {
	args := []string{"delete", id, "--ignore-not-found", "--wait=true"}
	if !j.Serves {
		args = append(args, "--cascade=foreground", "--timeout="+gone)
	}
	if j.Serves || j.Nodes > 1 {
		args = append(args[:2], append([]string{"service/" + j.Name}, args[2:]...)...)
	}
	_, err := k.kubectl(ctx, args...)
	return err
}

// Reaches implements [Launcher].
func (k Kubernetes) Reaches(dir string) error { return below(dir, "launch.kubernetes.mount", k.Mount) }

// Announces implements [Launcher].
func (Kubernetes) Announces() bool { return false }
