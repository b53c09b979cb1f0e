package handoff

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// launchHead is the head of train.sh: its arguments are the program, what is said of several machines, the program's
// command and the folder of its checkpoints.
const launchHead = `#!/bin/sh
# Trains the round with %s and leaves the checkpoint in ../model. With --check it trains nothing, and says in its
# last line whether the program that is installed takes these files.
%sset -e
cd "$(dirname "$0")"
if [ "$1" = --check ]; then # by the Python that the program names in its first line, or the one beside it
	program=$(command -v %[3]s) || { echo "check: %[3]s is not installed here, or not in PATH"; exit 1; }
	python=$(sed -n '1s/^#! *\(.*python[0-9.]*\)$/\1/p' "$program" 2>/dev/null || :)
	case $python in */env\ *) python=${python#*/env } ;; esac
	exec "${python:-$(dirname "$program")/python}" check.py
fi
export PYTHONUNBUFFERED=1 # a step is printed when it is taken
for folder in ../%[4]s/checkpoint-*; do # one that a kill has cut short lacks its last file
	[ ! -d "$folder" ] || [ -f "$folder/trainer_state.json" ] || rm -rf "$folder"
done
`

// writeLaunch writes train.sh, which runs commands in its own folder, and what its --check needs.
func (j *job) writeLaunch(commands ...string) error {
	machines := ""
	if nodes := j.trainer.Nodes; nodes > 1 {
		machines = fmt.Sprintf("# Run it on each of the %d machines, which share this folder: NODE_RANK is 0 to %d, "+
			"MASTER_ADDR the address of the first.\n", nodes, nodes-1)
		commands = append([]string{": ${NODE_RANK:?} ${MASTER_ADDR:?} ${MASTER_PORT:=29500}"}, commands...)
	}
	head := fmt.Sprintf(launchHead, j.trainer.Program, machines, j.trainer.command(),
		filepath.Base(logFolder(j.run, j.next)))
	text := head + strings.Join(commands, "\n") + "\n"
	return errors.Join(j.writeCheck(), j.run.Write(j.path("train.sh"), []byte(text)))
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
