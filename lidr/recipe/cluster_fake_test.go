//go:build unix

package recipe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// A cluster of one machine: the test binary under the names of Slurm's, Kubernetes' and SkyPilot's commands. What they
// are told to run they run as processes, which outlive whoever started them. $FAKE_CLUSTER has a folder for each job,
// started.txt with the name of each that was started, and preempt, by which the next training is preempted once.
const fakeVariable = "FAKE_CLUSTER"

var fakes = map[string]func(args []string) error{
	"sbatch": fakeSbatch, "squeue": fakeSqueue, "sacct": fakeSacct, "scontrol": fakeScontrol, "scancel": fakeScancel,
	"srun": fakeSrun, "kubectl": fakeKubectl, "sky": fakeSky, "supervise": supervise,
}

// fakeCluster puts the commands before those of PATH.
func fakeCluster(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name := range fakes {
		if err := os.Symlink(os.Args[0], filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv(fakeVariable, folder)
	t.Cleanup(func() {
		for _, j := range fakeJobs() {
			j.end("CANCELLED")
		}
	})
	return folder
}

// fakeJob is the folder of a job.
type fakeJob struct{ dir string }

func (j fakeJob) id() string           { return filepath.Base(j.dir)[len("job-"):] }
func (j fakeJob) path(f string) string { return filepath.Join(j.dir, f) }
func (j fakeJob) read(f string) string { data, _ := os.ReadFile(j.path(f)); return string(data) }
func (j fakeJob) active() bool         { s := j.read("state"); return s == "PENDING" || s == "RUNNING" }
func (j fakeJob) is(f, text string) error {
	if err := os.WriteFile(j.path(f+".new"), []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(j.path(f+".new"), j.path(f))
}

// end ends a job's processes.
func (j fakeJob) end(state string) {
	if !j.active() {
		return
	}
	_ = j.is("state", state)
	if pid, err := strconv.Atoi(j.read("pid")); err == nil {
		_ = syscall.Kill(-pid, syscall.SIGTERM)
		for range 100 {
			if syscall.Kill(-pid, 0) != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

func fakeJobs() (all []fakeJob) {
	dirs, _ := filepath.Glob(filepath.Join(os.Getenv(fakeVariable), "job-*"))
	slices.SortFunc(dirs, func(a, b string) int { return len(a) - len(b) })
	for _, dir := range dirs {
		all = append(all, fakeJob{dir})
	}
	return all
}

// named is the last job of a name.
func named(name string) (fakeJob, bool) {
	all := fakeJobs()
	slices.Reverse(all)
	for _, j := range all {
		if j.read("name") == name {
			return j, true
		}
	}
	return fakeJob{}, false
}

// fakeStart starts a job. Two of one name at once are an error: it was started twice.
func fakeStart(name, log string, env []string, words ...string) (fakeJob, error) {
	if j, found := named(name); found && j.active() {
		return j, fmt.Errorf("a job %s is there already: submitted twice", name)
	}
	root := os.Getenv(fakeVariable)
	var j fakeJob
	for n := 1; ; n++ {
		j = fakeJob{filepath.Join(root, fmt.Sprint("job-", n))}
		if err := os.Mkdir(j.dir, 0o755); err == nil {
			break
		} else if !errors.Is(err, os.ErrExist) {
			return j, err
		}
	}
	started, err := os.OpenFile(filepath.Join(root, "started.txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return j, err
	}
	fmt.Fprintln(started, name)
	started.Close()
	out, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return j, err
	}
	if err := errors.Join(j.is("state", "PENDING"), j.is("name", name)); err != nil {
		return j, err
	}
	command := exec.Command(filepath.Join(root, "supervise"), append([]string{j.dir}, words...)...)
	command.Env = append(os.Environ(), append(env, "SLURM_JOB_ID="+j.id())...)
	command.Stdout, command.Stderr = out, out
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return j, command.Start()
}

// supervise runs a job's command and writes down how it ended.
func supervise(args []string) error {
	j := fakeJob{args[0]}
	if strings.Contains(j.read("name"), "-train-") && os.Remove(filepath.Join(j.dir, "..", "preempt")) == nil {
		return j.is("state", "PREEMPTED")
	}
	time.Sleep(50 * time.Millisecond) // it waits in a queue
	if j.read("state") != "PENDING" {
		return nil
	}
	command := exec.Command(args[1], args[2:]...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return errors.Join(err, j.is("state", "FAILED"))
	}
	if err := errors.Join(j.is("pid", fmt.Sprint(command.Process.Pid)), j.is("state", "RUNNING")); err != nil {
		return err
	}
	state := "COMPLETED"
	if command.Wait() != nil {
		state = "FAILED"
	}
	if j.read("state") == "RUNNING" {
		return j.is("state", state)
	}
	return nil
}

func fakeSbatch(args []string) error {
	path := args[len(args)-1]
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	options := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		if option, ok := strings.CutPrefix(line, "#SBATCH --"); ok {
			key, value, _ := strings.Cut(option, "=")
			options[key] = value
		}
	}
	if options["dependency"] != "singleton" || options["partition"] != "gpu" {
		return fmt.Errorf("sbatch: error: options %v", options)
	}
	j, err := fakeStart(options["job-name"], options["output"], []string{"SLURM_JOB_NODELIST=localhost",
		"SLURM_JOB_NUM_NODES=" + options["nodes"]}, "sh", path)
	if err == nil {
		fmt.Println(j.id())
	}
	return err
}

// option is the value of --NAME=VALUE among arguments.
func option(args []string, name string) string {
	for _, a := range args {
		if value, ok := strings.CutPrefix(a, "--"+name+"="); ok {
			return value
		}
	}
	return ""
}

func fakeSqueue(args []string) error {
	id, name := option(args, "jobs"), option(args, "name")
	found := false
	for _, j := range fakeJobs() {
		if j.active() && (id == j.id() || name != "" && name == j.read("name")) {
			found = true
			line := strings.NewReplacer("%i", j.id(), "%T", j.read("state"), "%r", "None").Replace(option(args, "format"))
			fmt.Println(line)
		}
	}
	if id != "" && !found {
		return errors.New("slurm_load_jobs error: Invalid job id specified")
	}
	return nil
}

func fakeSacct(args []string) error {
	for _, j := range fakeJobs() {
		if j.id() == option(args, "jobs") {
			fmt.Println(j.read("state") + "|0:0")
		}
	}
	return nil
}

func fakeScontrol(args []string) error {
	if len(args) != 3 || args[1] != "hostnames" {
		return fmt.Errorf("scontrol %q", args)
	}
	fmt.Println(args[2])
	return nil
}

func fakeScancel(args []string) error {
	for _, j := range fakeJobs() {
		if j.id() == args[0] {
			j.end("CANCELLED")
			return nil
		}
	}
	return errors.New("scancel: error: Kill job error on job id: Invalid job id specified")
}

func fakeSrun(args []string) error {
	for strings.HasPrefix(args[0], "--") {
		args = args[1:]
	}
	program, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	env := append(os.Environ(), "SLURM_STEP_NUM_NODES="+os.Getenv("SLURM_JOB_NUM_NODES"), "SLURM_NODEID=0")
	return syscall.Exec(program, args, env)
}

// manifest is what the fake reads of an object.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Command        []string
					ReadinessProbe struct {
						HTTPGet struct {
							Path string
							Port int
						} `yaml:"httpGet"`
					} `yaml:"readinessProbe"`
				}
			}
		}
	}
}

func fakeKubectl(args []string) error {
	root := os.Getenv(fakeVariable)
	switch args[0] {
	case "apply":
		text, err := os.ReadFile(option(args, "filename"))
		if err != nil {
			return err
		}
		for _, document := range strings.Split(string(text), "---\n") {
			var m manifest
			if err := yaml.Unmarshal([]byte(document), &m); err != nil {
				return err
			}
			if m.Kind != "Job" && m.Kind != "Deployment" {
				continue
			}
			container := m.Spec.Template.Spec.Containers[0]
			get := container.ReadinessProbe.HTTPGet
			probe := fmt.Sprintf("http://127.0.0.1:%d%s", get.Port, get.Path)
			j, err := fakeStart(m.Metadata.Name, filepath.Join(root, m.Metadata.Name+".log"), []string{"JOB_COMPLETION_INDEX=0"},
				container.Command...)
			if err != nil {
				return err
			}
			if err := j.is("probe", probe); err != nil {
				return err
			}
		}
		return nil
	case "get", "delete":
		kind, name, _ := strings.Cut(args[1], "/")
		if kind == "pods" {
			fmt.Println(`{"items": []}`)
			return nil
		}
		if kind == "service" {
			fmt.Println(`{"spec": {"clusterIP": "127.0.0.1"}}`)
			return nil
		}
		j, found := named(name)
		if args[0] == "delete" {
			if found {
				j.end("CANCELLED")
				return j.is("name", "deleted")
			}
			return nil
		}
		if !found {
			return fmt.Errorf("Error from server (NotFound): %s not found", args[1])
		}
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"status": kubeStatus(kind, j)})
	}
	return fmt.Errorf("kubectl %q", args)
}

func kubeStatus(kind string, j fakeJob) map[string]any {
	ready := map[string]any{"ready": 1, "readyReplicas": 1, "active": 1}
	ended := func(condition, reason string) map[string]any {
		return map[string]any{"conditions": []any{map[string]any{"type": condition, "status": "True", "reason": reason}}}
	}
	switch j.read("state") {
	case "RUNNING":
		if kind == "job" {
			return ready
		}
		if res, err := http.Get(j.read("probe")); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return ready
			}
		}
	case "COMPLETED":
		return ended("Complete", "")
	case "PREEMPTED":
		return ended("Failed", "DeadlineExceeded")
	case "FAILED":
		return ended("Failed", "BackoffLimitExceeded")
	}
	return map[string]any{"active": 1}
}

func fakeSky(args []string) error {
	value := func(name string) string {
		if at := slices.Index(args, "--"+name); at >= 0 {
			return args[at+1]
		}
		return ""
	}
	last := args[len(args)-1]
	j, found := named(last)
	switch args[0] {
	case "launch":
		text, err := os.ReadFile(last)
		if err != nil {
			return err
		}
		var task struct {
			Run   string
			Nodes int `yaml:"num_nodes"`
		}
		if err := yaml.Unmarshal(text, &task); err != nil {
			return err
		}
		name := value("cluster")
		_, err = fakeStart(name, filepath.Join(os.Getenv(fakeVariable), name+".log"), []string{
			fmt.Sprint("SKYPILOT_NUM_NODES=", task.Nodes), "SKYPILOT_NODE_RANK=0", "SKYPILOT_NODE_IPS=127.0.0.1"},
			"sh", "-c", task.Run)
		return err
	case "status":
		if port := value("endpoint"); port != "" {
			fmt.Println("127.0.0.1:" + port)
			return nil
		}
		clusters := []any{}
		if found && j.read("state") != "PREEMPTED" {
			clusters = append(clusters, map[string]any{"name": last, "status": "UP"})
		}
		return json.NewEncoder(io.MultiWriter(os.Stdout)).Encode(clusters)
	case "queue":
		word := strings.NewReplacer("COMPLETED", "SUCCEEDED", "PREEMPTED", "FAILED_DRIVER").Replace(j.read("state"))
		return json.NewEncoder(os.Stdout).Encode(map[string]any{last: []any{map[string]any{"job_id": 1, "status": word}}})
	case "cancel", "down":
		if found {
			j.end("CANCELLED")
			return j.is("name", "deleted")
		}
		return errors.New("Cluster(s) not found: " + last)
	}
	return fmt.Errorf("sky %q", args)
}
