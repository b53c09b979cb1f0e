//go:build !linux

package script

import (
	"fmt"
	"os"
	"os/exec"
	"runtime/metrics"
	"time"
)

// confine does nothing here: only the script's own calls on files are checked.
func confine(access) (confined bool, err error) { return false, nil }

// keepAttributes does nothing here.
func keepAttributes() (kept bool, err error) { return false, nil }

// limitMemory watches the memory of this process and ends it above limit bytes, in the words of Go's runtime.
func limitMemory(limit uint64) error {
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		for range time.Tick(20 * time.Millisecond) {
			metrics.Read(sample)
			if used := sample[0].Value.Uint64() - sample[1].Value.Uint64(); used > limit {
				fmt.Fprintln(os.NewFile(2, "stderr"), "fatal error: out of memory")
				os.Exit(2)
			}
		}
	}()
	return nil
}

func dieWithParent(*exec.Cmd) {}
