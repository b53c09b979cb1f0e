// Package launch starts the servers and the trainings of a run where they are to run: on this machine, by Slurm, on
// Kubernetes or by SkyPilot. It describes a job, has the cluster's own commands start it, and asks them what became of
// it; it schedules nothing itself. Each launcher is one small file behind [Launcher].
//
//	launch:
//	  serve: {on: slurm, gpus: 1, replicas: 2, minutes: 240}
//	  train: {on: slurm, minutes: 1440}
//	  slurm: {options: [--partition=gpu, --account=x], container: apptainer exec --nv vllm.sif}
//
// Every job is a script or manifest in the run's folder launch, to be read, and its log beside it. Its name is made of
// what it does, so that a driver that was killed finds it again by that name, or by the id that it has written down.
// The run folder is on a disk that the driver and all jobs see under the same path.
//
// Examples, one recipe each, are in the folder examples. On Kubernetes a server is a Deployment with a Service, which
// is asked once its readiness probe has passed, and a training a Job, or a TrainJob of Kubeflow's trainer. By SkyPilot
// every job has machines of its own, which take themselves down an hour after its end if no driver does.
// A server that a killed driver has left ends with launch.serve.minutes; on Kubernetes the next driver, or kubectl, has
// to end it.
//
// The states are the scheduler's own, in five groups: one that waits, runs, is done, has failed, or was lost through no
// fault of its own (preempted, its node failed, its time was over), which the driver starts again.
package launch

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Settings say where a run's servers and trainings run, and what these places need to know.
type Settings struct {
	Serve      Stage      `json:"serve"`
	Train      Stage      `json:"train"`
	Drive      Stage      `json:"drive"` // the driver itself, where it is submitted too
	Slurm      Slurm      `json:"slurm"`
	Kubernetes Kubernetes `json:"kubernetes"`
	SkyPilot   SkyPilot   `json:"skypilot"`
}

// Stage is where the jobs of one kind run, and what each takes. Zero is the cluster's own default.
type Stage struct {
	On       string `json:"on"`       // here, slurm, kubernetes or skypilot; "" is here
	Replicas int    `json:"replicas"` // servers of one model, each a job of its own
	GPUs     int    `json:"gpus"`     // of a server; a training's are trainer.gpus
	CPUs     int    `json:"cpus"`
	Memory   int    `json:"memory"` // GiB
	Port     int    `json:"port"`   // of a server on Kubernetes or SkyPilot
	// Minutes are until the cluster ends a job; a longer training goes on from its last checkpoint. They bound neither a
	// server on Kubernetes, nor a TrainJob, nor a training by SkyPilot.
	Minutes int `json:"minutes"`
}

// The places.
const (
	Here           = "here"
	onSlurm        = "slurm"
	onKubernetes   = "kubernetes"
	onSkyPilot     = "skypilot"
	defaultPort    = 8000
	defaultMount   = "/data"
	defaultRuntime = "torch-distributed"
	defaultMinutes = 24 * 60
)

// Defaults run everything on this machine.
func Defaults() Settings {
	stage := Stage{On: Here, Replicas: 1, Port: defaultPort, Minutes: defaultMinutes}
	s := Settings{Serve: stage, Train: stage, Drive: stage}
	s.Kubernetes = Kubernetes{Mount: defaultMount, Resource: "nvidia.com/gpu", Runtime: defaultRuntime}
	return s
}

// Elsewhere tells whether a stage is not on this machine.
func (s Stage) Elsewhere() bool { return s.On != Here && s.On != "" }

// Check is an error that names the key which cannot work, and what was expected.
func (s Settings) Check() error {
	bad := func(field string, value any, expected string) error {
		return fmt.Errorf("launch.%s is %v, expected %s", field, value, expected)
	}
	places := []string{"", Here, onSlurm, onKubernetes, onSkyPilot}
	for _, stage := range []struct {
		name string
		Stage
	}{{"serve", s.Serve}, {"train", s.Train}, {"drive", s.Drive}} {
		if !slices.Contains(places, stage.On) {
			return bad(stage.name+".on", fmt.Sprintf("%q", stage.On), "here, slurm, kubernetes or skypilot")
		}
		for _, count := range []struct {
			field string
			n     int
		}{{"gpus", stage.GPUs}, {"cpus", stage.CPUs}, {"memory", stage.Memory}, {"minutes", stage.Minutes}} {
			if count.n < 0 {
				return bad(stage.name+"."+count.field, count.n, "0 or more")
			}
		}
		switch {
		case stage.Replicas < 1 || stage.Replicas > 1 && (stage.name != "serve" || !stage.Elsewhere()):
			return bad(stage.name+".replicas", stage.Replicas, "1, or more for servers on a cluster")
		case stage.Port < 1 || stage.Port > 65535:
			return bad(stage.name+".port", stage.Port, "1 to 65535")
		case stage.name == "train" && stage.GPUs != 0:
			return bad("train.gpus", stage.GPUs, "none: a training's GPUs are trainer.gpus")
		case stage.On == onKubernetes && s.Kubernetes.Image == "":
			return bad("kubernetes.image", "empty", "the image of launch."+stage.name+", such as vllm/vllm-openai:v0.11.0")
		case stage.On == onKubernetes && s.Kubernetes.Claim == "":
			return bad("kubernetes.claim", "empty", "the PersistentVolumeClaim that the run folder is on")
		case stage.On == onSkyPilot && len(s.SkyPilot.Mounts) == 0:
			return bad("skypilot.mounts", "empty", "the disk that the run folder is on, such as {/data: VOLUME}")
		}
	}
	return nil
}

// Job is a command that runs somewhere.
type Job struct {
	Name    string   // of small letters, digits and -, at most 40; no two jobs of a user have the same
	Command []string // words
	Dir     string   // absolute; of its script or manifest, and of its log
	Nodes   int      // machines; the command runs once on each
	Serves  bool     // it answers at Stage.Port until it is stopped
	Stage
}

// State is what became of a job.
type State int

// The states. A Lost job was ended through no fault of its own and can be started again.
const (
	Waiting State = iota
	Running
	Done
	Failed
	Lost
)

// Status is the state of a job, in the words of whoever runs it, and where to read what it printed.
type Status struct {
	State
	Said string // "PENDING (Priority)", "OUT_OF_MEMORY"
	See  string
}

// Launcher starts jobs somewhere.
type Launcher interface {
	// Start starts a job and returns the id by which it is known.
	Start(ctx context.Context, j Job) (id string, err error)
	// Find returns the id of a job that waits or runs under the name, "" where there is none.
	Find(ctx context.Context, j Job) (id string, err error)
	State(ctx context.Context, j Job, id string) (Status, error)
	// Address returns where a running server answers, http://HOST:PORT/v1; "" where it announces that itself, or where
	// it is not known yet.
	Address(ctx context.Context, j Job, id string) (string, error)
	// Stop ends a job and removes what belongs to it. One that is gone is no error.
	Stop(ctx context.Context, j Job, id string) error
	// Reaches is an error where jobs would not see a folder of this machine.
	Reaches(dir string) error
	// Announces tells whether a server is started by lidr announce, which finds a free port and writes down where it is.
	Announces() bool
}

// Open returns the launcher of a stage on a cluster.
func (s Settings) Open(stage Stage) (Launcher, error) {
	var l Launcher
	program := ""
	switch stage.On {
	case onSlurm:
		l, program = s.Slurm, "sbatch"
	case onKubernetes:
		l, program = s.Kubernetes, "kubectl"
	case onSkyPilot:
		l, program = s.SkyPilot, "sky"
	default:
		return nil, fmt.Errorf("launch: %q is no cluster", stage.On)
	}
	if _, err := exec.LookPath(program); err != nil {
		return nil, missing(program)
	}
	return l, nil
}

func missing(program string) error {
	where := map[string]string{
		"sbatch":  "run lidr drive on a machine of the cluster, such as its login node",
		"kubectl": "install it and let it reach the cluster",
		"sky":     "pip install skypilot, and sky check",
	}
	advice := where[program]
	if advice == "" {
		advice = "it belongs to the same package as the others"
	}
	return fmt.Errorf("%s is not installed here, or not in PATH; %s, or set launch's on: here", program, advice)
}

// ErrFull is wrapped by the error of a cluster that takes no further job of the user's now.
var ErrFull = errors.New("the queue is full")

// refusal is what a command of the cluster's said when it failed.
type refusal struct {
	command string
	said    string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s says: %s", r.command, r.said) }

func (r *refusal) has(words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return strings.Contains(strings.ToLower(r.said), strings.ToLower(w))
	})
}

// refused tells whether an error is a command's that said one of some words.
func refused(err error, words ...string) bool {
	var r *refusal
	return errors.As(err, &r) && r.has(words...)
}

// call runs a command of the cluster's and returns what it printed.
func call(ctx context.Context, program string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, program, args...)
	var out, said strings.Builder
	command.Stdout, command.Stderr = &out, &said
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case errors.Is(err, exec.ErrNotFound):
		return "", missing(program)
	case errors.As(err, &exit):
		line := strings.Join(strings.Fields(said.String()+" "+out.String()), " ")
		const most = 400
		if line == "" {
			line = exit.String()
		}
		name := strings.Join(append([]string{program}, args[:min(2, len(args))]...), " ")
		return "", &refusal{name, line[:min(most, len(line))]}
	}
	return out.String(), err
}

// below is an error unless dir is in one of some folders.
func below(dir, key string, folders ...string) error {
	for _, folder := range folders {
		if inside, err := filepath.Rel(folder, dir); err == nil && filepath.IsLocal(inside) {
			return nil
		}
	}
	return fmt.Errorf("the run folder is %s, expected one below %s, which %s mounts in every job under the same path; "+
		"choose it by --dir, or change the key", dir, strings.Join(folders, " or "), key)
}

// file is the path of a job's file.
func (j Job) file(ending string) string { return filepath.Join(j.Dir, j.Name+ending) }

var plain = regexp.MustCompile(`^[\w+=./:,@%-]+$`)

// quoted is a command as a shell reads it.
func quoted(words []string) string {
	var all []string
	for _, word := range words {
		if plain.MatchString(word) {
			all = append(all, word)
		} else {
			all = append(all, "'"+strings.ReplaceAll(word, "'", `'\''`)+"'")
		}
	}
	return strings.Join(all, " ")
}
