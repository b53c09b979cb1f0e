package handoff

import (
	"fmt"
	"path/filepath"
	"strings"
)

// writeLaunch writes train.sh, which runs commands in its own folder.
func (j *job) writeLaunch(commands ...string) error {
	var text strings.Builder
	text.WriteString("#!/bin/sh\n")
	fmt.Fprintf(&text, "# Trains the round with %s and leaves the checkpoint in ../model.\n", j.trainer.Program)
	if nodes := j.trainer.Nodes; nodes > 1 {
		fmt.Fprintf(&text, "# Run it on each of the %d machines, which share this folder: NODE_RANK is 0 to %d, "+
			"MASTER_ADDR the address of the first.\n", nodes, nodes-1)
		text.WriteString(": ${NODE_RANK:?} ${MASTER_ADDR:?} ${MASTER_PORT:=29500}\n")
	}
	text.WriteString("set -e\ncd \"$(dirname \"$0\")\"\n")
	text.WriteString(strings.Join(commands, "\n") + "\n")
	return j.run.Write(j.path("train.sh"), []byte(text.String()))
}

// launch says in words what to run on which machine.
func (j *job) launch() string {
	script := "sh " + j.path("train.sh")
	if j.trainer.Nodes == 1 {
		return script
	}
	lines := make([]string, j.trainer.Nodes)
	for rank := range lines {
		lines[rank] = fmt.Sprintf("NODE_RANK=%d MASTER_ADDR=… %s", rank, script)
	}
	return strings.Join(lines, " and ")
}

// path joins parts below M<t+1>/handoff.
func (j *job) path(parts ...string) string {
	return filepath.Join(j.run.Path(j.next, "handoff"), filepath.Join(parts...))
}
