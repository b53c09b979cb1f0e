package launch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lidrlab/lidr/durable"
)

// SkyPilot says how jobs are started by SkyPilot: each on a cluster of its own, which goes by the job's name.
type SkyPilot struct {
	Infra        string            `json:"infra"`        // aws, gcp/us-central1, k8s/CONTEXT; "" is SkyPilot's choice
	Accelerators string            `json:"accelerators"` // the kind of GPU, A100-80GB; the number is the stage's
	Spot         bool              `json:"spot"`         // may be preempted
	Image        string            `json:"image"`        // docker:vllm/vllm-openai:v0.11.0
	Mounts       map[string]string `json:"mounts"`       // path to the name of a volume, or to a bucket for data, s3://…
	Setup        string            `json:"setup"`        // lines of shell before the command: pip install vllm
}

// idleMinutes is how long a cluster whose job has ended waits for its driver before it takes itself down.
const idleMinutes = 60

// task is a job as sky launch reads it.
func (s SkyPilot) task(j Job) map[string]any {
	resources := map[string]any{}
	set := func(is bool, key string, value any) {
		if is {
			resources[key] = value
		}
	}
	set(s.Infra != "", "infra", s.Infra)
	set(s.Spot, "use_spot", true)
	set(s.Image != "", "image_id", s.Image)
	set(j.GPUs > 0, "accelerators", fmt.Sprintf("%s:%d", s.Accelerators, j.GPUs))
	set(j.CPUs > 0, "cpus", fmt.Sprintf("%d+", j.CPUs))
	set(j.Memory > 0, "memory", fmt.Sprintf("%d+", j.Memory))
	set(j.Serves, "ports", []int{j.Port})
	run := quoted(j.Command)
	if j.Serves && j.Minutes > 0 { // else it would outlive a driver that was killed; 124 is timeout's own exit status
		run = fmt.Sprintf("timeout --foreground %dm %s || [ $? -eq 124 ]", j.Minutes, run)
	}
	task := map[string]any{"name": j.Name, "num_nodes": j.Nodes, "run": run + "\n"}
	if s.Setup != "" {
		task["setup"] = s.Setup
	}
	if len(resources) > 0 {
		task["resources"] = resources
	}
	buckets, volumes := map[string]any{}, map[string]any{}
	for path, source := range s.Mounts {
		if strings.Contains(source, "://") {
			buckets[path] = map[string]any{"source": source, "mode": "MOUNT"}
		} else {
			volumes[path] = source
		}
	}
	if len(buckets) > 0 {
		task["file_mounts"] = buckets
	}
	if len(volumes) > 0 {
		task["volumes"] = volumes
	}
	return task
}

// Start implements [Launcher].
func (s SkyPilot) Start(ctx context.Context, j Job) (string, error) {
	if j.GPUs > 0 && s.Accelerators == "" {
		return "", fmt.Errorf("launch.skypilot.accelerators is empty, expected the kind of %d GPUs, such as A100", j.GPUs)
	}
	text, err := documents(s.task(j))
	if err != nil {
		return "", err
	}
	path := j.file(".yaml")
	if err := durable.WriteFile(path, text); err != nil {
		return "", err
	}
	_, err = call(ctx, "sky", "launch", "--yes", "--detach-run", "--cluster", j.Name, "--down",
		"--idle-minutes-to-autostop", fmt.Sprint(idleMinutes), path)
	switch {
	case refused(err, "quota", "ResourcesUnavailableError", "out of capacity", "no capacity"):
		return "", fmt.Errorf("%w: %w; run the same command again later, or change launch.skypilot", ErrFull, err)
	case err != nil:
		return "", fmt.Errorf("%w; correct launch.skypilot, which %s has, and run the same command again", err, path)
	}
	return j.Name, nil
}

// Find implements [Launcher]. A cluster without a job has failed between the two, and is started again.
func (s SkyPilot) Find(ctx context.Context, j Job) (string, error) {
	status, err := s.State(ctx, j, j.Name)
	if err != nil || status.State > Running {
		return "", err
	}
	return j.Name, nil
}

// skyStates are those of sky queue.
var skyStates = map[string]State{
	"INIT": Waiting, "PENDING": Waiting, "SETTING_UP": Waiting, "RUNNING": Running, "SUCCEEDED": Done,
	"FAILED_DRIVER": Lost, // of SkyPilot's own process, as where a machine is lost
}

// State implements [Launcher].
func (s SkyPilot) State(ctx context.Context, j Job, id string) (Status, error) {
	see := "sky logs " + id
	out, err := call(ctx, "sky", "status", "--output", "json", "--refresh", id)
	if refused(err, "not found", "does not exist") {
		return Status{Lost, "no cluster", see}, nil
	} else if err != nil {
		return Status{}, err
	}
	cluster, err := skyClusters(out, id)
	if err != nil {
		return Status{}, err
	}
	switch cluster {
	case "UP":
	case "INIT":
		return Status{Waiting, "cluster INIT", see}, nil
	default: // gone, stopped, preempted
		return Status{Lost, "cluster " + cluster, see}, nil
	}
	out, err = call(ctx, "sky", "queue", "--output", "json", id)
	if err != nil {
		return Status{}, err
	}
	word, err := skyJob(out, id)
	if err != nil {
		return Status{}, err
	}
	state, known := skyStates[word]
	switch {
	case !known:
		state = Failed // FAILED, FAILED_SETUP, CANCELLED
	case state == Done && j.Serves: // as it does when its time is over
		state = Lost
	}
	return Status{state, word, see}, nil
}

// jsonIn is the JSON that a command prints behind lines of its own.
func jsonIn(out, opening string, v any) error {
	at := max(0, strings.Index(out, opening))
	return json.NewDecoder(strings.NewReader(out[at:])).Decode(v)
}

// skyClusters is the status of a cluster in what sky status prints, "gone" where it is not there.
func skyClusters(out, name string) (string, error) {
	var clusters []struct{ Name, Status string }
	if err := jsonIn(out, "[", &clusters); err != nil {
		return "", fmt.Errorf("sky status --output json printed %.80q, expected clusters, as SkyPilot 0.14 prints: "+
			"%w", out, err)
	}
	for _, c := range clusters {
		if c.Name == name {
			return c.Status, nil
		}
	}
	return "gone", nil
}

// skyJob is the status of the last job in what sky queue prints; a cluster without one has lost it.
func skyJob(out, name string) (string, error) {
	var jobs map[string][]struct {
		ID     int `json:"job_id"`
		Status string
	}
	if err := jsonIn(out, "{", &jobs); err != nil {
		return "", fmt.Errorf("sky queue --output json printed %.80q, expected a cluster's jobs, as SkyPilot 0.14 prints: %w",
			out, err)
	}
	last, word := -1, "FAILED_DRIVER"
	for _, job := range jobs[name] {
		if job.ID > last {
			last, word = job.ID, job.Status
		}
	}
	return word, nil
}

// Address implements [Launcher].
func (SkyPilot) Address(ctx context.Context, j Job, id string) (string, error) {
	out, err := call(ctx, "sky", "status", "--endpoint", fmt.Sprint(j.Port), id)
	if errors.As(err, new(*refusal)) {
		return "", nil // its ports are not open yet
	} else if err != nil {
		return "", err
	}
	words := strings.Fields(out)
	if len(words) == 0 {
		return "", nil
	}
	return "http://" + strings.TrimPrefix(words[len(words)-1], "http://") + "/v1", nil
}

// Stop implements [Launcher]: the job first, whose machine may take minutes to go.
func (SkyPilot) Stop(ctx context.Context, _ Job, id string) error {
	_, _ = call(ctx, "sky", "cancel", "--yes", "--all", id) // down ends it too
	_, err := call(ctx, "sky", "down", "--yes", id)
	if refused(err, "not found", "does not exist") {
		return nil
	}
	return err
}

// Reaches implements [Launcher]. A bucket has neither locks nor renames, and so no run folder.
func (s SkyPilot) Reaches(dir string) error {
	var paths []string
	for path, source := range s.Mounts {
		if !strings.Contains(source, "://") {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return fmt.Errorf("launch.skypilot.mounts has buckets alone, expected a volume for the run folder %s, such as "+
			"{/data: VOLUME}: a bucket has no locks", dir)
	}
	slices.Sort(paths)
	return below(dir, "launch.skypilot.mounts", paths...)
}

// Announces implements [Launcher].
func (SkyPilot) Announces() bool { return false }
