package handoff

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A checkpoint that may not be looked at may be trained already: nothing is trained over it.
func TestTrainOverUnreadableCheckpoint(t *testing.T) {
	t.Setenv("PATH", "")
	run, m0 := openRun(t, expressible())
	if _, _, err := Train(t.Context(), run, m0, pairFrame(), TRL()); !errors.Is(err, ErrElsewhere) {
		t.Fatalf("without a checkpoint: %v", err)
	}
	model := run.Path("M1", "model")
	if err := os.Mkdir(model, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(model, 0o755)
	var trained, taken error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // the thread, which may do less from here on, ends with the goroutine
		none := [2]unix.CapUserData{}
		if trained = unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]); trained == nil {
			_, _, trained = Train(t.Context(), run, m0, pairFrame(), TRL())
			_, _, taken = TakeBack(run, "M1")
		}
	}()
	<-ended
	for _, err := range []error{trained, taken} {
		if !errors.Is(err, fs.ErrPermission) || errors.Is(err, ErrElsewhere) ||
			!strings.Contains(err.Error(), model) || !strings.Contains(err.Error(), "chown") {
			t.Errorf("error %v, expected one that names %s and says what to do, and not that it is to be trained", err, model)
		}
	}
}
