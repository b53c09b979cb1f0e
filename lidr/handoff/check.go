package handoff

import (
	"context"
	_ "embed" // for check.py
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"

	"lidrlab/lidr/processes"
)

// checkPy is what train.sh --check runs.
//
//go:embed check.py
var checkPy []byte

// writeCheck writes check.py, and check.json with what it is to find.
func (j *job) writeCheck() error {
	data := "pairs.jsonl"
	if j.trainer.Program == programTRL {
		data = "data/train.jsonl"
	}
	s := j.run.Settings.Train
	want := map[string]any{
		"program": j.trainer.Program, "config": j.config(), "script": j.script(), "data": data, "pairs": len(j.pairs),
		"gpus": j.trainer.GPUs, "zero3": j.trainer.GPUs > 0 && s.LoRA.Rank == 0, "hub": isHubName(j.base.path),
		"prompt": j.first.Prompt, "answer": j.first.Chosen,
	}
	text, err := json.Marshal(want)
	return errors.Join(err, j.run.Write(j.path("check.py"), checkPy),
		j.run.Write(j.path("check.json"), append(text, '\n')))
}

// check runs train.sh --check, which finds in seconds what would end a training after its model is loaded.
func (j *job) check(ctx context.Context) error {
	command := exec.CommandContext(ctx, "sh", j.path("train.sh"), "--check")
	processes.Lead(command)
	command.Cancel = func() error { return processes.End(command) }
	command.WaitDelay = grace
	said, err := command.CombinedOutput()
	switch {
	case errors.Is(err, fs.ErrPermission):
		return j.elsewhere("an interpreted script starts no program")
	case ctx.Err() != nil:
		processes.Kill(command, grace)
		return context.Cause(ctx)
	case err != nil:
		lines := strings.Split(strings.TrimSpace(string(said)), "\n")
		return fmt.Errorf("the %s that is installed does not take %s (%w): %s",
			j.trainer.Program, j.path(), err, lines[len(lines)-1])
	}
	return nil
}
