package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/processes"
)

// Machine starts servers as processes of this machine. They end with this process, however it ends: what starts them is
// held by its standard input.
type Machine struct {
	Endpoint string   // the server's
	Keep     []string // a command that starts another one, and ends it when its standard input does
	Log      string   // of the last server

	mu      sync.Mutex
	running map[string]*process // by id
}

type process struct {
	command *exec.Cmd
	stdin   io.Closer
	ended   chan struct{} // closed when it has ended
}

// ending is how long a server may take to end.
const ending = 30 * time.Second

// Start implements [Launcher].
func (m *Machine) Start(_ context.Context, j Job) (string, error) {
	words := append(append([]string{}, m.Keep...), j.Command...)
	if err := durable.MkdirAll(filepath.Dir(m.Log)); err != nil {
		return "", err
	}
	log, err := os.Create(m.Log)
	if err != nil {
		return "", err
	}
	defer log.Close()
	command := exec.Command(words[0], words[1:]...)
	command.Stdout, command.Stderr = log, log
	processes.Lead(command) // an interrupt from the terminal is for the driver, which lets go of the server
	stdin, err := command.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := command.Start(); err != nil {
		return "", err
	}
	p := &process{command, stdin, make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = command.Wait() // how it ended is in the log
	}()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running == nil {
		m.running = map[string]*process{}
	}
	id := fmt.Sprint(command.Process.Pid)
	m.running[id] = p
	return id, nil
}

// Find implements [Launcher]: what another process has started ends with it.
func (m *Machine) Find(context.Context, Job) (string, error) { return "", nil }

func (m *Machine) process(id string) *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running[id]
}

// State implements [Launcher].
func (m *Machine) State(_ context.Context, _ Job, id string) (Status, error) {
	p := m.process(id)
	if p == nil {
		return Status{Lost, "of another process", m.Log}, nil
	}
	select {
	case <-p.ended:
		return Status{Failed, p.command.ProcessState.String(), m.Log}, nil
	default:
		return Status{Running, "running", m.Log}, nil
	}
}

// Address implements [Launcher].
func (m *Machine) Address(context.Context, Job, string) (string, error) { return m.Endpoint, nil }

// Stop implements [Launcher].
func (m *Machine) Stop(_ context.Context, _ Job, id string) error {
	p := m.process(id)
	if p == nil {
		return nil
	}
	err := p.stdin.Close()
	select {
	case <-p.ended:
	case <-time.After(ending):
		err = errors.Join(err, fmt.Errorf("the server with process id %s does not end; kill it", id))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.running, id)
	return err
}

// Reaches implements [Launcher].
func (*Machine) Reaches(string) error { return nil }

// Announces implements [Launcher].
func (*Machine) Announces() bool { return false }
