package lidr

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
)

// grace is how long a cancelled trainer has to end by itself.
const grace = 10 * time.Second

// startTrainer runs train.sh to its end. What it prints goes to handoff/trainer.log, which the program and all that it starts
// hold locked, so that one which outlives this process is not joined by a second.
func startTrainer(ctx context.Context, run *Run, from, name string, t Trainer, steps int) error {
	elsewhere := func(reason string) error {
		return fmt.Errorf("%s is written and not trained: %s; where it can run: %s; %w", name, reason, t.commands(run, name), ErrHandedOff)
	}
	program := map[string]string{"llama-factory": "llamafactory-cli", "trl": "trl"}[t.Program]
	if _, err := exec.LookPath(program); err != nil {
		return elsewhere(program + " is not installed here")
	}
	if t.Nodes > 1 {
		return elsewhere(fmt.Sprintf("it takes %d machines", t.Nodes))
	}
	path := run.path(name, "handoff", "trainer.log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	if free, err := lockFile(log); err != nil {
		return err
	} else if !free {
		return fmt.Errorf("%s is being trained already, as %s shows; wait for it, or end it", name, path)
	}
	if err := errors.Join(log.Truncate(0), forgetLog(logFolder(run, name))); err != nil {
		return err
	}

	command := exec.CommandContext(ctx, "sh", run.path(name, "handoff", "train.sh"))
	command.Stdout, command.Stderr = log, log
	ownGroup(command)
	command.Cancel = func() error { return endGroup(command) }
	command.WaitDelay = grace
	if err := command.Start(); errors.Is(err, fs.ErrPermission) {
		return elsewhere("an interpreted script starts no program")
	} else if err != nil {
		return err
	}
	ended := make(chan struct{})
	meter := run.meter(from+" train", "steps", steps, 0)
	following := make(chan struct{})
	go func() {
		defer close(following)
		for {
			follow(meter, logFolder(run, name), path)
			select {
			case <-ended:
				follow(meter, logFolder(run, name), path)
				return
			case <-time.After(time.Second / 2):
			}
		}
	}()
	err = command.Wait()
	close(ended)
	<-following
	if ctx.Err() != nil {
		killGroup(command, grace)
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s failed (%w), as %s shows, which ends with: %s; correct it and run again", t.Program, err, path, lastLines(path))
	}
	if err := unfinished(run, name, t); err != nil {
		return fmt.Errorf("%s ended well, but %w; look into %s", t.Program, err, path)
	}
	return meter.end()
}

// forgetLog removes the log of an attempt that left no checkpoint to go on from: LLaMA-Factory would add to it.
func forgetLog(folder string) error {
	checkpoints, err := filepath.Glob(filepath.Join(folder, "checkpoint-*"))
	if err != nil || len(checkpoints) > 0 {
		return err
	}
	if err := os.Remove(filepath.Join(folder, "trainer_log.jsonl")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// lastLines is the end of a program's output, which says best what went wrong.
func lastLines(path string) string {
	text, err := readForeign(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(bytes.ToValidUTF8(text, []byte("\uFFFD")))), "\n")
	tail := strings.Join(lines[max(0, len(lines)-5):], " | ")
	return tail[max(0, len(tail)-1000):]
}
