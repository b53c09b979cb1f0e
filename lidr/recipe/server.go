package recipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/input"
	"lidrlab/lidr/lm/remote"
	"lidrlab/lidr/processes"
)

// server serves one model of a run at a time, by a command on this machine. A nil one does nothing: somebody else
// serves.
type server struct {
	endpoint string
	command  []string // with {path}, {name}, {host} and {port}
	keep     []string
	log      string

	serving string // name and path of the model
	process *exec.Cmd
	stdin   io.Closer     // closed to end the process
	ended   chan struct{} // closed when it has ended
}

const (
	loading = 30 * time.Minute // a server may take to load its model
	leaving = 15 * time.Second // a server may take to end
	asking  = 200 * time.Millisecond
)

// newServer returns the server of a recipe's models, nil where they are loaded here.
func newServer(m Model, log string, keep []string) (*server, error) {
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
	s := &server{endpoint: m.Endpoints[0], keep: keep, log: log}
	template := m.Serve
	if len(template) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		template = []string{self, "serve", "{path}", "--name", "{name}", "--listen", "{host}:{port}"}
	}
	for _, word := range template {
		s.command = append(s.command, strings.NewReplacer("{host}", u.Hostname(), "{port}", u.Port()).Replace(word))
	}
	if _, err := exec.LookPath(s.command[0]); err != nil {
		return nil, fmt.Errorf("%s, which serves the models, is not installed; install it, or set model.serve", s.command[0])
	}
	return s, nil
}

// start serves the model at path under a name, and returns once it answers.
func (s *server) start(ctx context.Context, name, path string) error {
	if s == nil || s.serving == name+" "+path && s.alive() {
		return nil
	}
	if err := s.stop(); err != nil {
		return err
	}
	// What an earlier process had started may be about to end.
	for deadline := time.Now().Add(2 * leaving); s.answers(ctx, "") == nil; {
		if time.Now().After(deadline) {
			if s.answers(ctx, name) == nil {
				return nil // a server of the user's
			}
			return fmt.Errorf("another server than that of %s answers at %s; stop it, or set model.endpoints", name, s.endpoint)
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	if err := s.begin(name, path); err != nil {
		return err
	}
	for deadline := time.Now().Add(loading); ; {
		err := s.answers(ctx, name)
		if err == nil {
			return nil
		}
		if !s.alive() {
			return fmt.Errorf("the server of %s (%s) has ended; %s ends with: %s", name, s.command[0], s.log, s.said())
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server of %s does not answer after %s: %w; see %s", name, loading, err, s.log)
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// answers is an error unless the endpoint serves the model, or any where name is "".
func (s *server) answers(ctx context.Context, name string) error {
	_, err := remote.Open(ctx, remote.Options{Model: name, Endpoints: []string{s.endpoint}})
	return err
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(asking):
		return nil
	}
}

// begin starts the command.
func (s *server) begin(name, path string) error {
	command := append([]string{}, s.keep...)
	for _, word := range s.command {
		command = append(command, strings.NewReplacer("{path}", path, "{name}", name).Replace(word))
	}
	if err := durable.MkdirAll(filepath.Dir(s.log)); err != nil {
		return err
	}
	log, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer log.Close()
	process := exec.Command(command[0], command[1:]...)
	process.Stdout, process.Stderr = log, log
	processes.Lead(process) // an interrupt from the terminal is for the driver, which lets go of the server
	stdin, err := process.StdinPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return fmt.Errorf("serve %s: %w", name, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = process.Wait() // how it ended is in the log
	}()
	s.serving, s.process, s.stdin, s.ended = name+" "+path, process, stdin, ended
	return nil
}

func (s *server) alive() bool {
	if s.process == nil {
		return false
	}
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// stop ends what start has started, and returns when it has ended.
func (s *server) stop() error {
	if s == nil || s.process == nil {
		return nil
	}
	err := s.stdin.Close()
	select {
	case <-s.ended:
	case <-time.After(2 * leaving):
		err = errors.Join(err, fmt.Errorf("the server with process id %d does not end; kill it", s.process.Process.Pid))
	}
	s.process, s.serving = nil, ""
	return err
}

// said is the end of the log on one line.
func (s *server) said() string {
	data, err := input.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	text := strings.Join(strings.Fields(string(data)), " ")
	return text[max(0, len(text)-300):]
}
