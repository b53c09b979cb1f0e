package handoff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"lidrlab/lidr/processes"
)

// grace is how long a cancelled program has to end by itself.
const grace = 10 * time.Second

// elsewhere returns an error that says what to run where the program can run.
func (j *job) elsewhere(reason string) error {
	return fmt.Errorf("%w: %s; %s is written and %s is not trained: run %s where it can run, and the same command "+
		"again here once the checkpoint is in %s",
		ErrElsewhere, reason, j.path(), j.next, j.launch(), j.run.Path(j.next, "model"))
}

// start runs train.sh to its end. What it prints goes to handoff/trainer.log, which the program and all that it starts
// hold locked, so that a program which outlives this process is not joined by a second one.
func (j *job) start(ctx context.Context) error {
	if _, err := exec.LookPath(j.trainer.command()); err != nil {
		return j.elsewhere(j.trainer.command() + " is not installed")
	}
	if j.trainer.Nodes > 1 {
		return j.elsewhere(fmt.Sprintf("it takes %d machines", j.trainer.Nodes))
	}
	output, err := j.openOutput()
	if err != nil {
		return err
	}
	defer output.Close()
	if err := j.check(ctx); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "sh", j.path("train.sh"))
	command.Stdout, command.Stderr = output, output
	processes.Lead(command)
	command.Cancel = func() error { return processes.End(command) }
	command.WaitDelay = grace
	if err := command.Start(); errors.Is(err, fs.ErrPermission) {
		return j.elsewhere("an interpreted script starts no program")
	} else if err != nil {
		return err
	}
	err = j.wait(ctx, command.Wait)
	if ctx.Err() != nil {
		processes.Kill(command, grace)
		return context.Cause(ctx)
	}
	return err
}

// wait follows the program while end waits for its end.
func (j *job) wait(ctx context.Context, end func() error) error {
	meter := j.run.Meter(j.model.Name()+" train", "steps", j.steps, 0)
	defer meter.Stop()
	ended, followed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(followed)
		j.follow(meter, ended)
	}()
	err := end()
	close(ended)
	<-followed
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	printed := j.path("trainer.log")
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return fmt.Errorf("%s failed (%w), as %s shows, which ends with: %s; correct it and run again",
			j.trainer.Program, err, printed, lastLines(printed))
	} else if err != nil {
		return err
	}
	if err := checkTrained(j.run, j.next, j.trainer); err != nil {
		return fmt.Errorf("%s ended well, but %w; look into %s", j.trainer.Program, err, printed)
	}
	return meter.End()
}

// openOutput opens and locks the file that the program prints to, and clears what earlier attempts have left.
func (j *job) openOutput() (*os.File, error) {
	output, err := os.OpenFile(j.path("trainer.log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	free, err := lockFile(output)
	if err == nil && !free {
		err = fmt.Errorf("%s: %w, as %s shows; wait for it, or end it", j.next, ErrTraining, output.Name())
	}
	if err == nil {
		err = errors.Join(output.Truncate(0), forgetLog(logFolder(j.run, j.next)))
	}
	if err != nil {
		return nil, errors.Join(err, output.Close())
	}
	return output, nil
}

// forgetLog removes the log of an attempt that left no checkpoint to continue from: LLaMA-Factory would add to it.
func forgetLog(folder string) error {
	if lastCheckpoint(folder) != "" {
		return nil
	}
	if err := os.Remove(filepath.Join(folder, "trainer_log.jsonl")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// lastLines returns the end of a program's output, which says best what went wrong.
func lastLines(path string) string {
	text, err := readForeign(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(bytes.ToValidUTF8(text, []byte("\uFFFD")))), "\n")
	tail := strings.Join(lines[max(0, len(lines)-5):], " | ")
	return tail[max(0, len(tail)-1000):]
}
