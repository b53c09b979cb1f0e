package recipe

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"lidrlab/lidr"
	"lidrlab/lidr/handoff"
	"lidrlab/lidr/recipe/launch"
)

// trains starts trainings as a cluster's jobs. A nil one does not: they are processes of this machine.
type trains struct {
	launcher launch.Launcher
	stage    launch.Stage
	dir      string // of the jobs' files, absolute
}

func newTrains(r Recipe, dir string) (*trains, error) {
	if !r.Launch.Train.Elsewhere() {
		return nil, nil
	}
	if r.Trainer.Program == own || r.Trainer.Program == none {
		return nil, fmt.Errorf("launch.train.on is %s with trainer.program %s, expected llama-factory or trl",
			r.Launch.Train.On, r.Trainer.Program)
	}
	launcher, err := r.Launch.Open(r.Launch.Train)
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return &trains{launcher, r.Launch.Train, filepath.Join(dir, launchFolder)}, launcher.Reaches(dir)
}

// job is a round's train.sh. The check of what is installed comes first.
func (t *trains) job(trainer handoff.Trainer, next, script, key string) (launch.Job, error) {
	script, err := filepath.Abs(script)
	job := launch.Job{
		Name: jobName("train-"+next, t.stage.On, script, key, trainer), Dir: t.dir, Nodes: trainer.Nodes, Stage: t.stage,
		Command: []string{"sh", "-c", `sh "$0" --check && exec sh "$0"`, script},
	}
	job.GPUs = trainer.GPUs
	return job, err
}

// forget ends what is left of the job of a training that is taken back, such as of one that ended while no driver was
// there.
func (t *trains) forget(ctx context.Context, run *lidr.Run, trainer handoff.Trainer, next string) error {
	var done lidr.Training
	if err := run.ReadJSON(run.Path(next, "training.json"), &done); err != nil {
		return err
	}
	job, err := t.job(trainer, next, run.Path(next, "handoff", "train.sh"), done.Key)
	if err != nil {
		return err
	}
	return halt(ctx, t.launcher, job)
}

// train runs a round's train.sh on the cluster until it has ended.
func (t *trains) train(ctx context.Context, run *lidr.Run, trainer handoff.Trainer, next, script, key string) error {
	job, err := t.job(trainer, next, script, key)
	if err != nil {
		return err
	}
	id, err := ensure(ctx, t.launcher, job)
	if err != nil {
		return err
	}
	lost, before := 0, handoff.Checkpoint(run, next)
	for {
		status, err := t.wait(ctx, run, job, id)
		if err != nil {
			return err
		}
		if status.State == launch.Done || status.State == launch.Failed {
			if status.State == launch.Failed { // what is left of it has its log, and goes when it is started again
				return errors.Join(failed("the training of "+next, job, status), over(job))
			}
			return errors.Join(t.launcher.Stop(ctx, job, id), over(job))
		}
		if now := handoff.Checkpoint(run, next); now != before {
			lost, before = 0, now
		}
		if lost++; lost > restarts {
			err := fmt.Errorf("%w; it got no further in %d times: raise launch.train.minutes",
				failed("the training of "+next, job, status), restarts)
			if status.State == launch.Waiting {
				err = errors.Join(err, t.launcher.Stop(ctx, job, id))
			}
			return errors.Join(err, over(job))
		}
		if status.State == launch.Waiting {
			continue // Slurm starts it again itself
		}
		run.Note("the training of %s: job %s is %s; it is started again and goes on from its last checkpoint", next, id,
			status.Said)
		if err := t.launcher.Stop(ctx, job, id); err != nil {
			return err
		}
		if id, err = begin(ctx, t.launcher, job); err != nil {
			return err
		}
	}
}

// requeued are the first letters of what Slurm says of a job that it has queued again, as at the end of its time; not
// of one that it has suspended.
var requeued = regexp.MustCompile("^(PENDING|REQUEUE)")

// wait returns when a job is over, or waits again after it ran.
func (t *trains) wait(ctx context.Context, run *lidr.Run, job launch.Job, id string) (launch.Status, error) {
	told, unseen, ran := "", 0, false
	for wait := soon; ; wait = min(wait*5/4, seldom) {
		status, err := t.launcher.State(ctx, job, id)
		if ctx.Err() != nil {
			run.Note("job %s of %s goes on, and the same command waits for it", id, job.Name)
			return status, context.Cause(ctx)
		}
		if err != nil {
			if unseen++; unseen > unheard {
				return status, fmt.Errorf("job %s cannot be looked at: %w; it goes on, and the same command waits for it", id, err)
			}
		} else {
			if unseen = 0; status.Said != told {
				run.Note("job %s of %s is %s", id, job.Name, status.Said)
				told = status.Said
			}
			if status.State > launch.Running || ran && requeued.MatchString(status.Said) {
				return status, nil
			}
			ran = ran || status.State == launch.Running
		}
		if pause(ctx, wait) != nil {
			run.Note("job %s of %s goes on, and the same command waits for it", id, job.Name)
			return status, context.Cause(ctx)
		}
	}
}

// Submit has the driver itself run as a job of the recipe's launch.drive, and returns its id. One that waits or runs
// already is not started again. command is lidr drive without --submit, with paths that the job sees.
func Submit(ctx context.Context, r Recipe, dir string, command []string) (id string, err error) {
	if !r.Launch.Drive.Elsewhere() {
		return "", fmt.Errorf("launch.drive.on is %q, expected slurm, kubernetes or skypilot for --submit", r.Launch.Drive.On)
	}
	places := r.Launch
	if r.Launch.Serve.Elsewhere() || r.Launch.Train.Elsewhere() {
		places.Slurm.Container = "" // it has no sbatch, which that driver calls
	}
	l, err := places.Open(r.Launch.Drive)
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	if err := l.Reaches(dir); err != nil {
		return "", err
	}
	singles, err := r.singles() // what is wrong with the recipe is said now, and not when the job has waited for hours
	if err != nil {
		return "", err
	}
	job := launch.Job{
		Name: jobName("drive", r.Launch.Drive.On, dir), Command: command, Dir: filepath.Join(dir, launchFolder), Nodes: 1,
		Stage: r.Launch.Drive,
	}
	if id, err = l.Find(ctx, job); err != nil || id != "" {
		return id, err // it may have locked the folder
	}
	for _, one := range singles {
		run, err := open(one.Recipe, filepath.Join(dir, one.name), nil)
		if err == nil {
			err = run.Close()
		}
		if err != nil {
			return "", in(one.name, err)
		}
	}
	return working(ctx, l, job)
}
