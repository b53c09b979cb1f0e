//go:build unix

package launch

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A job that Slurm tells that its time is nearly over has itself queued again, and works on until it is ended; its exit
// status is that of its command.
func TestSlurmRequeue(t *testing.T) {
	folder := t.TempDir()
	commands(t, map[string]string{
		"scontrol": `[ "$1" = show ] && echo n1 || echo "$@" >` + folder + "/requeued",
		"srun": "cd " + folder + "\ntouch started\nwhile [ ! -f requeued ]; do sleep 0.05; done\n" +
			"echo $MASTER_ADDR $MASTER_PORT\nexit 3",
	})
	command := exec.Command("sh", "-c", Slurm{}.script(Job{Nodes: 1, Command: []string{"train"}}))
	command.Env = append(os.Environ(), "SLURM_JOB_ID=7")
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(folder + "/started"); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := command.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	err := command.Wait()
	asked, _ := os.ReadFile(folder + "/requeued")
	if command.ProcessState.ExitCode() != 3 || string(asked) != "requeue 7\n" ||
		!strings.Contains(out.String(), "n1 20007") {
		t.Errorf("error %v, asked for %q, printed %q; expected exit status 3 and requeue 7", err, asked, out.String())
	}
}
