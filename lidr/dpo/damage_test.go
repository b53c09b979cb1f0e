package dpo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/transformer"
)

// killedTraining returns a training and the folder that its state is left in, after it was killed at its fourth step.
func killedTraining(t *testing.T, b compute.Backend) (dir string, train func(Hooks) ([]Step, error)) {
	t.Helper()
	pairs, s := randomPairs(20, tiny.VocabSize, 1), testSettings()
	ref := reference(t, b, transformer.Init(tiny, 1), pairs, s)
	s.Replay = 0
	train = func(h Hooks) ([]Step, error) {
		return Train(context.Background(), b, transformer.Init(tiny, 1), pairs, ref, nil, s, h)
	}
	dir = t.TempDir()
	_, err := train(Hooks{CheckpointDir: dir, CheckpointEvery: 3, OnStep: func(s Step) error {
		if s.Step == 4 {
			return errKilled
		}
		return nil
	}})
	if !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	return dir, train
}

func readState(t *testing.T, path string) ([]checkpoint.Tensor, map[string]string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, metadata, err := checkpoint.ReadSafetensors(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return all, metadata
}

// A folder where a training's state is to be is an error, not a state.
func TestStateThatIsNoFile(t *testing.T) {
	dir, train := killedTraining(t, openBackend(t))
	path := filepath.Join(dir, StateFile)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := train(Hooks{CheckpointDir: dir, CheckpointEvery: 3})
	if err == nil || !strings.Contains(err.Error(), path+" is a folder, expected a regular file") {
		t.Errorf("error %v", err)
	}
}

// A flipped bit, a cut and a piece in the place of another in a training's state are an error that says what to delete,
// or leave what is resumed from as it was. Half of the bits are in the header, where one may be worth a name or a step.
func TestDamagedState(t *testing.T) {
	b := openBackend(t)
	dir, _ := killedTraining(t, b)
	path := filepath.Join(dir, StateFile)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, s := transformer.Init(tiny, 1), testSettings()
	trainer, err := newTrainer(b, m, s)
	if err != nil {
		t.Fatal(err)
	}
	st := &state{path: path, note: func(text string) { t.Errorf("a note: %s", text) }}
	all, metadata := readState(t, path)
	st.key, st.arithmetic = metadata["key"], metadata["arithmetic"]
	want, err := stateSum(all, metadata)
	if err != nil || want != metadata["sha256"] {
		t.Fatalf("the sum is %s, %v", want, err)
	}
	try := func(what string, at int, edited []byte) {
		if err := os.WriteFile(path, edited, 0o644); err != nil {
			t.Fatal(err)
		}
		err := st.load(trainer)
		if err != nil && strings.Contains(err.Error(), path) &&
			strings.Contains(err.Error(), "delete it to train from the start") {
			return
		}
		if err != nil {
			t.Errorf("%s at %d: %v", what, at, err)
			return
		}
		all, metadata := readState(t, path)
		if got, err := stateSum(all, metadata); err != nil || got != want {
			t.Errorf("%s at %d was taken", what, at)
		}
	}
	random := rand.New(rand.NewPCG(18, 1))
	flip := func(bit int) {
		edited := bytes.Clone(sound)
		edited[bit/8] ^= 1 << (bit % 8)
		try("a flipped bit", bit, edited)
	}
	header := 8 + int(binary.LittleEndian.Uint64(sound))
	for range 200 {
		flip(random.IntN(8 * header))
		flip(8*header + random.IntN(8*(len(sound)-header)))
		try("a cut", 0, sound[:random.IntN(len(sound))])
		from, to := random.IntN(len(sound)-64), random.IntN(len(sound)-64)
		edited := bytes.Clone(sound)
		copy(edited[to:to+64], sound[from:from+64])
		try("another piece", to, edited)
	}
	t.Logf("of %d bytes, %d of them the header", len(sound), header)
	if err := os.WriteFile(path, sound, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := st.load(trainer); err != nil || len(trainer.steps) != 3 {
		t.Errorf("the sound state: %d steps, %v", len(trainer.steps), err)
	}
}

// A training that another kind of processor began starts over and says so: it ends as if nobody had begun it.
func TestResumeElsewhere(t *testing.T) {
	b := openBackend(t)
	dir, train := killedTraining(t, b)
	want, err := train(Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, StateFile)
	all, metadata := readState(t, path)
	metadata["arithmetic"] = "cpu (of another kind)"
	lidrtest.Values(t, all[0])[0]++
	if metadata["sha256"], err = stateSum(all, metadata); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := checkpoint.WriteSafetensors(&file, all, "F32", metadata); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	var notes []string
	var redone []Step
	got, err := train(Hooks{CheckpointDir: dir, CheckpointEvery: 3,
		OnStep: func(s Step) error { redone = append(redone, s); return nil },
		Note:   func(text string) { notes = append(notes, text) }})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(redone) != len(want) {
		t.Errorf("%d of %d steps were taken, and they differ:\n%s", len(redone), len(want), diff)
	}
	if note := notes[len(notes)-1]; !strings.Contains(note, path) || !strings.Contains(note, "by cpu (of another kind)") {
		t.Errorf("the last note is %q, want one that names the state and both", note)
	}
}
