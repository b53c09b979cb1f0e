package recipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/input"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/recipe/launch"
)

// launchFolder has, below a recipe's folder, the scripts and manifests of jobs, their logs, the ids of those that are
// not over, and where servers answer. It depends on the clock, and is no part of what a run computes.
const launchFolder = "launch"

// jobName names a job by what it does, so that it is found again, and another model's is not taken for it.
func jobName(what string, parts ...any) string {
	return fmt.Sprintf("lidr-%.8s-%s", ledger.Key(parts...), strings.ToLower(what))
}

// ensure returns the id of a job that waits or runs: the one written down, or found by the job's name, or a new one. It
// is written down before anything is waited for. A job that was written down and is over is returned too.
func ensure(ctx context.Context, l launch.Launcher, j launch.Job) (id string, err error) {
	data, err := input.ReadFile(idFile(j))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if id = strings.TrimSpace(string(data)); id != "" {
		return id, nil
	}
	if id, err = l.Find(ctx, j); err != nil {
		return "", err
	}
	if id == "" {
		return begin(ctx, l, j)
	}
	return id, durable.WriteFile(idFile(j), []byte(id+"\n"))
}

// working is [ensure] for a job that is to be at work: one that was written down and has ended since is started again.
func working(ctx context.Context, l launch.Launcher, j launch.Job) (id string, err error) {
	_, unwritten := os.Stat(idFile(j))
	if id, err = ensure(ctx, l, j); err != nil || unwritten != nil {
		return id, err
	}
	status, err := l.State(ctx, j, id)
	if err != nil || status.State <= launch.Running {
		return id, err
	}
	if err := l.Stop(ctx, j, id); err != nil {
		return "", err
	}
	return begin(ctx, l, j)
}

// begin starts a job and writes its id down, and before that the intent: a driver that is killed between the two looks
// for the job by its name.
func begin(ctx context.Context, l launch.Launcher, j launch.Job) (id string, err error) {
	if err := durable.MkdirAll(j.Dir); err != nil {
		return "", err
	}
	if err := durable.WriteFile(idFile(j), nil); err != nil {
		return "", err
	}
	if id, err = l.Start(ctx, j); err != nil {
		if ctx.Err() != nil {
			return "", err // the cluster may have taken it: it is looked for by its name
		}
		return "", errors.Join(err, over(j))
	}
	return id, durable.WriteFile(idFile(j), []byte(id+"\n"))
}

// halt ends what is left of a job whose id, or intent, was written down, and forgets it.
func halt(ctx context.Context, l launch.Launcher, j launch.Job) error {
	data, err := input.ReadFile(idFile(j))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was ended
	}
	id := strings.TrimSpace(string(data))
	if err == nil && id == "" {
		id, err = l.Find(ctx, j)
	}
	if err == nil && id != "" {
		err = l.Stop(ctx, j, id)
	}
	if err != nil {
		return err
	}
	return over(j)
}

// over forgets a job's id.
func over(j launch.Job) error { return durable.Remove(idFile(j)) }

func idFile(j launch.Job) string { return filepath.Join(j.Dir, j.Name+".id") }

// ender stops what a driver has started when its own context may have ended.
func ender() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 5*time.Minute)
}

// Waits between two looks at a job: a scheduler is not to be asked all the time.
const (
	soon     = 200 * time.Millisecond
	seldom   = 10 * time.Second
	unheard  = 30               // looks in a row that fail before the driver gives up
	loading  = 30 * time.Minute // a running server may take to load its model
	leaving  = 15 * time.Second // a server may take to end
	restarts = 3                // of a job that was lost and did not get further
)

func pause(ctx context.Context, wait time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(wait):
		return nil
	}
}

// failed says what became of a job, with the end of what it printed where that is here.
func failed(what string, j launch.Job, s launch.Status) error {
	said := ""
	if _, err := os.Stat(s.See); err == nil {
		said = fmt.Sprintf(", which ends with: %s", endOf(s.See))
	}
	advice := "correct it and run the same command again"
	if strings.Contains(s.Said, "OUT_OF_ME") || strings.Contains(s.Said, "OOMKilled") {
		advice = "give it more by launch's memory, or take less by trainer.per_device, and run the same command again"
	}
	return fmt.Errorf("%s (job %s) has ended: %s; see %s%s; %s", what, j.Name, s.Said, s.See, said, advice)
}

// endOf is the end of a log on one line.
func endOf(path string) string {
	data, err := input.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	text := strings.Join(strings.Fields(string(data)), " ")
	return text[max(0, len(text)-300):]
}

// absolute is a path as a job sees it: a file's whole, the name of a model on the hub as it is.
func absolute(path string) (string, error) {
	if _, err := os.Stat(path); err != nil {
		return path, nil
	}
	return filepath.Abs(path)
}
