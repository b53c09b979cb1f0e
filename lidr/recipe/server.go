package recipe

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/lm/remote"
	"lidrlab/lidr/recipe/launch"
)

// server serves one model of a run at a time, by jobs of a launcher. A nil one does nothing: somebody else serves.
type server struct {
	launcher launch.Launcher
	stage    launch.Stage
	command  []string // with {path} and {name}
	dir      string   // of the jobs' files, absolute
	clients  string   // what clients are given: an address, or the folder of announcements
	note     func(format string, args ...any)

	serving string // the name of its first job
	jobs    []launch.Job
	stopped context.CancelFunc
	watched sync.WaitGroup

	mu    sync.Mutex
	ids   map[string]string // of the jobs that it has started or found, by their names
	wrong error             // why it will not answer
}

// newServer returns the server of a recipe's models, nil where they are loaded here. dir is the recipe's folder.
func newServer(r Recipe, dir string, keep []string) (*server, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &server{stage: r.Launch.Serve, dir: filepath.Join(dir, launchFolder), ids: map[string]string{}}
	if s.stage.Elsewhere() {
		return s, s.onCluster(r, dir)
	}
	m := r.Model
	if len(m.Endpoints) == 0 {
		return nil, nil
	}
	if len(m.Endpoints) > 1 {
		return nil, fmt.Errorf("model.endpoints are %d, expected one for a server on this machine", len(m.Endpoints))
	}
	u, err := url.Parse(m.Endpoints[0])
	if err != nil || u.Hostname() == "" || u.Port() == "" {
		return nil, fmt.Errorf("model.endpoints is %s, expected an address of this machine such as http://127.0.0.1:8000/v1",
			m.Endpoints[0])
	}
	s.clients = m.Endpoints[0]
	s.launcher = &launch.Machine{Endpoint: s.clients, Keep: keep, Log: filepath.Join(dir, "serve.log")}
	template := m.Serve
	if len(template) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		template = []string{self, "serve", "{path}", "--name", "{name}", "--listen", "{host}:{port}"}
	}
	s.command = fill(template, "{host}", u.Hostname(), "{port}", u.Port())
	if _, err := exec.LookPath(s.command[0]); err != nil {
		return nil, fmt.Errorf("%s, which serves the models, is not installed; install it, or set model.serve", s.command[0])
	}
	return s, nil
}

// onCluster sets up servers that are a cluster's jobs.
func (s *server) onCluster(r Recipe, dir string) (err error) {
	if len(r.Model.Endpoints) > 0 {
		return fmt.Errorf("model.endpoints and launch.serve.on: %s are both set, expected one of them", s.stage.On)
	}
	if len(r.Model.Serve) == 0 {
		return fmt.Errorf("model.serve is empty, expected the command that serves on the cluster, such as [vllm, serve, "+
			"\"{path}\", --served-model-name, \"{name}\", --host, \"{host}\", --port, \"{port}\"], for launch.serve.on: %s",
			s.stage.On)
	}
	if s.launcher, err = r.Launch.Open(s.stage); err != nil {
		return err
	}
	if err := s.launcher.Reaches(dir); err != nil {
		return err
	}
	s.clients = filepath.Join(s.dir, "endpoints")
	if s.launcher.Announces() {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		s.command = append([]string{self, "announce", "--folder", s.clients, "--as", "{job}", "--model", "{name}", "--"},
			r.Model.Serve...)
	} else {
		s.command = fill(r.Model.Serve, "{host}", "0.0.0.0", "{port}", fmt.Sprint(s.stage.Port))
	}
	return nil
}

// fill puts values into the words of a command.
func fill(words []string, pairs ...string) (filled []string) {
	for _, word := range words {
		filled = append(filled, strings.NewReplacer(pairs...).Replace(word))
	}
	return filled
}

// here tells whether the servers are processes of this machine.
func (s *server) here() bool { return !s.stage.Elsewhere() }

// start serves the model at path under a name, and returns once it answers. key tells the model from another one that
// was served under the same name and path.
func (s *server) start(ctx context.Context, name, path, key string) error {
	if s == nil {
		return nil
	}
	path, err := absolute(path)
	if err != nil {
		return err
	}
	var jobs []launch.Job
	for replica := range s.stage.Replicas {
		job := launch.Job{
			Name: jobName(fmt.Sprintf("serve-%s-%d", name, replica), s.stage.On, s.dir, name, path, key, s.command, replica),
			Dir:  s.dir, Nodes: 1, Serves: true, Stage: s.stage,
		}
		job.Command = fill(s.command, "{path}", path, "{name}", name, "{job}", job.Name)
		jobs = append(jobs, job)
	}
	if s.serving != jobs[0].Name {
		if s.serving != "" {
			if err := s.stop(); err != nil {
				return err
			}
		}
		if s.here() {
			if theirs, err := s.free(ctx, name); theirs || err != nil {
				return err
			}
		}
		if err := s.serve(ctx, jobs, name); err != nil {
			return errors.Join(err, s.stop())
		}
	}
	if err := s.ready(ctx, name); err != nil {
		return errors.Join(err, s.stop())
	}
	return nil
}

// free waits until no server answers at this machine's address: what an earlier process had started may be about to
// end. theirs says that one of the user's serves the model.
func (s *server) free(ctx context.Context, name string) (theirs bool, err error) {
	for deadline := time.Now().Add(2 * leaving); s.answers(ctx, s.clients, "") == nil; {
		if time.Now().After(deadline) {
			if s.answers(ctx, s.clients, name) == nil {
				return true, nil
			}
			return false, fmt.Errorf("another server than that of %s answers at %s; stop it, or set model.endpoints", name,
				s.clients)
		}
		if err := pause(ctx, soon); err != nil {
			return false, err
		}
	}
	return false, nil
}

// serve has the jobs of a model started and watched.
func (s *server) serve(ctx context.Context, jobs []launch.Job, name string) error {
	if err := s.sweep(ctx, jobs); err != nil {
		return err
	}
	if !s.here() { // not before: a run folder that is new is to be empty
		if err := durable.MkdirAll(s.clients); err != nil {
			return err
		}
	}
	s.serving, s.jobs, s.wrong = jobs[0].Name, jobs, nil
	for _, job := range jobs {
		start := working
		if s.here() { // where nothing outlives its driver
			start = func(ctx context.Context, l launch.Launcher, j launch.Job) (string, error) { return l.Start(ctx, j) }
		}
		id, err := start(ctx, s.launcher, job)
		if err != nil {
			return fmt.Errorf("serve %s: %w", name, err)
		}
		s.ids[job.Name] = id
	}
	watching, stopped := context.WithCancel(context.WithoutCancel(ctx))
	s.stopped = stopped
	for _, job := range jobs {
		s.watched.Go(func() {
			if err := s.watch(watching, job, name); err != nil && watching.Err() == nil {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.wrong = err
			}
		})
	}
	return nil
}

// watch announces a server that answers, and starts it again where it was lost, until it has failed.
func (s *server) watch(ctx context.Context, job launch.Job, name string) error {
	var announced, told string
	wait, unseen, lost := soon, 0, 0
	for ; ; wait = min(wait*5/4, seldom) {
		if err := pause(ctx, wait); err != nil {
			return err
		}
		s.mu.Lock()
		id := s.ids[job.Name]
		s.mu.Unlock()
		status, err := s.launcher.State(ctx, job, id)
		if err != nil {
			if unseen++; unseen > unheard {
				return fmt.Errorf("the server of %s (job %s) cannot be looked at: %w", name, job.Name, err)
			}
			continue
		}
		unseen = 0
		if said := status.Said; said != told && !s.here() && s.note != nil {
			s.note("the server of %s: job %s is %s", name, id, said)
			told = said
		}
		switch status.State {
		case launch.Waiting:
		case launch.Running:
			if _, err := os.Stat(filepath.Join(s.clients, job.Name+".json")); err == nil && s.launcher.Announces() {
				lost = 0 // again has withdrawn what an earlier one announced
			}
			address, err := s.launcher.Address(ctx, job, id)
			if err != nil || address == "" || address == announced || s.here() || s.answers(ctx, address, name) != nil {
				continue // it is looked at again
			}
			a := remote.Announcement{URL: address, Model: name}
			if err := remote.Announce(s.clients, job.Name, a); err != nil {
				return err
			}
			announced, lost = address, 0
		case launch.Lost:
			if lost++; lost > restarts {
				return failed("the server of "+name, job, status)
			}
			if err := s.again(ctx, job, id); err != nil {
				return fmt.Errorf("serve %s again: %w", name, err)
			}
			announced, wait = "", soon
		default: // a server does not end by itself
			return errors.Join(failed("the server of "+name, job, status), over(job))
		}
	}
}

// again starts a lost server again.
func (s *server) again(ctx context.Context, job launch.Job, id string) error {
	if err := errors.Join(remote.Withdraw(s.clients, job.Name), s.launcher.Stop(ctx, job, id)); err != nil {
		return err
	}
	id, err := begin(ctx, s.launcher, job)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ids[job.Name] = id
	}
	return err
}

// ready waits until a server of the model answers. A job may wait in its queue as long as it takes; one that runs has
// half an hour to load the model.
func (s *server) ready(ctx context.Context, name string) error {
	var since time.Time
	for wait := soon; ; wait = min(wait*5/4, seldom) {
		err := s.answers(ctx, s.clients, name)
		if err == nil {
			return nil
		}
		s.mu.Lock()
		wrong, id := s.wrong, s.ids[s.jobs[0].Name]
		s.mu.Unlock()
		if wrong != nil {
			return wrong
		}
		status, seen := s.launcher.State(ctx, s.jobs[0], id)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case seen != nil || status.State != launch.Running:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > loading:
			return fmt.Errorf("the server of %s runs and does not answer after %s: %w; see %s", name, loading, err, status.See)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// answers is an error unless a model is served at an address or in a folder of announcements, or any where name is "".
func (s *server) answers(ctx context.Context, where, name string) error {
	_, err := remote.Open(ctx, remote.Options{Model: name, Endpoints: []string{where}})
	return err
}

// sweep ends the servers on a cluster that a driver which was killed has left, but for some that are to serve on.
func (s *server) sweep(ctx context.Context, but []launch.Job) error {
	if s.here() {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "lidr-*-serve-*.id"))
	var wrong []error
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".id")
		if slices.ContainsFunc(but, func(j launch.Job) bool { return j.Name == name }) {
			continue
		}
		job := launch.Job{Name: name, Dir: s.dir, Nodes: 1, Serves: true, Stage: s.stage}
		wrong = append(wrong, remote.Withdraw(s.clients, name), halt(ctx, s.launcher, job))
	}
	return errors.Join(append(wrong, err)...)
}

// stop ends what start has started, and returns when it has ended.
func (s *server) stop() error {
	if s == nil {
		return nil
	}
	if s.serving == "" && s.note == nil {
		return nil // no run was opened and locked, so what serves here may be another driver's
	}
	if s.serving == "" {
		ctx, cancel := ender()
		defer cancel()
		return s.sweep(ctx, nil)
	}
	if s.stopped != nil {
		s.stopped()
		s.watched.Wait()
		s.stopped = nil
	}
	ctx, cancel := ender()
	defer cancel()
	var wrong []error
	for _, job := range s.jobs {
		if id := s.ids[job.Name]; id != "" {
			wrong = append(wrong, s.launcher.Stop(ctx, job, id))
			delete(s.ids, job.Name)
		}
		if !s.here() {
			wrong = append(wrong, remote.Withdraw(s.clients, job.Name))
		}
	}
	s.serving, s.jobs = "", nil
	return errors.Join(append(wrong, s.sweep(ctx, nil))...) // one that was just being started has no id yet
}
