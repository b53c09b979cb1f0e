package recipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	"lidrlab/lidr/lm/remote"
	"lidrlab/lidr/processes"
)

// hostVariable has the address at which clients reach a machine's servers, where that is not its host name.
const hostVariable = "LIDR_HOST"

// Attend runs a server's command, with {host} and a free {port}, and announces it in a folder under a name once it
// serves the model. When the server ends, or ctx does, the announcement is withdrawn and all that was started is ended.
func Attend(ctx context.Context, folder, as, model string, command []string, out io.Writer) (err error) {
	if len(command) == 0 {
		return errors.New("no command, expected one that serves at {host} and {port}")
	}
	host := os.Getenv(hostVariable)
	if host == "" {
		if host, err = os.Hostname(); err != nil {
			return err
		}
	}
	port, err := freePort(ctx, host)
	if err != nil {
		return fmt.Errorf("%s is no address of this machine (%w); set %s to one that clients reach", host, err, hostVariable)
	}
	words := fill(command, "{host}", host, "{port}", port)
	process := exec.Command(words[0], words[1:]...)
	process.Stdout, process.Stderr = out, out
	processes.Lead(process)
	if err := process.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	here := remote.Announcement{URL: "http://" + net.JoinHostPort(host, port) + "/v1", Model: model}
	asking, stop := context.WithCancel(ctx)
	announced := make(chan error, 1)
	go func() { announced <- announceWhenReady(asking, folder, as, here) }()
	waiting := announced
	for over := false; !over; {
		select {
		case err = <-ended:
			err, over = fmt.Errorf("%s has ended (%w)", words[0], orNone(err)), true
			ended <- nil
		case err = <-waiting:
			over, waiting = err != nil, nil
		case <-ctx.Done():
			err, over = nil, true
		}
	}
	stop()
	if waiting != nil {
		<-announced
	}
	err = errors.Join(err, remote.Withdraw(folder, as))
	_ = processes.End(process) // fails where none is left
	processes.Kill(process, leaving)
	<-ended
	return err
}

// orNone is an error in any case.
func orNone(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// announceWhenReady announces a server once it serves its model.
func announceWhenReady(ctx context.Context, folder, as string, a remote.Announcement) error {
	for {
		_, err := remote.Open(ctx, remote.Options{Model: a.Model, Endpoints: []string{a.URL}})
		if err == nil {
			return remote.Announce(folder, as, a)
		}
		if pause(ctx, time.Second) != nil {
			return nil
		}
	}
}

// freePort is one that nobody listens at now.
func freePort(ctx context.Context, host string) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
