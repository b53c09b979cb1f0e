package handoff

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
)

// trainerPrograms builds testdata/trainer under its names, and returns a PATH with them.
func trainerPrograms(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "llamafactory-cli")
	build := exec.Command("go", "build", "-ldflags=-w", "-o", program, "./testdata/trainer")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"trl", "accelerate", "python"} {
		if err := os.Link(program, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir + string(os.PathListSeparator) + os.Getenv("PATH")
}

// expressible returns settings that both programs can express.
func expressible() lidr.Settings {
	s := lidr.MiniatureSettings().Tiny()
	s.Train.FinalLR, s.Train.BatchPairs, s.Generate.System = 0, 4, "Be brief."
	s.Train.Warmup, s.Train.Schedule = 0.06, "linear"
	return s
}

func openRun(t *testing.T, s lidr.Settings, options ...lidr.Option) (*lidr.Run, *lidr.Model) {
	t.Helper()
	run, err := lidr.Open(filepath.Join(t.TempDir(), "run"), s, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Close() })
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	return run, m0
}

func somePairs() []lidr.Pair {
	var pairs []lidr.Pair
	for i := range 6 {
		pairs = append(pairs, lidr.Pair{
			ID: fmt.Sprint(i), Lang: "de", Prompt: "Wie viele?", Chosen: "Zwei \"<b>\".", Rejected: "Two.", Source: "en>de",
		})
	}
	return pairs
}

func pairFrame() dataframe.DataFrame { return datasets.Frame(somePairs()) }

func TestTrain(t *testing.T) {
	path := trainerPrograms(t)
	for _, test := range []struct {
		name    string
		trainer Trainer
		lora    lidr.LoRASettings
	}{
		{"LLaMA-Factory", LlamaFactory(), lidr.LoRASettings{}},
		{"LLaMA-Factory with adapters", LlamaFactory(), lidr.LoRASettings{Rank: 8, Alpha: 16}},
		{"TRL", TRL(), lidr.LoRASettings{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("PATH", path)
			s := expressible()
			s.Train.LoRA = test.lora
			var last lidr.Event
			run, m0 := openRun(t, s, lidr.WithProgress(func(e lidr.Event) { last = e }))
			m1, steps, err := Train(t.Context(), run, m0, pairFrame(), test.trainer)
			if err != nil {
				t.Fatal(err)
			}
			if m1.Name() != "M1" || m1.Fingerprint() == m0.Fingerprint() || m1.From != m0.Fingerprint() || m1.Weights() == nil {
				t.Errorf("took back %s, loaded %t, with fingerprint %s, from %s",
					m1.Name(), m1.Weights() != nil, m1.Fingerprint(), m1.From)
			}
			if last.Done != 6 || last.Step != "M0 train" {
				t.Errorf("the last event is %+v, want step 6", last)
			}
			checkSteps(t, run, steps)
			warnings, err := run.Warnings("M1")
			parts := "the loss of 5 of 6 steps without its parts"
			if err != nil || len(warnings) == 0 || !strings.Contains(warnings[len(warnings)-1], parts) ||
				(len(warnings) == 2) != (test.trainer.Program == programLlamaFactory) {
				t.Errorf("warnings %q, error %v, want one with %q, and another where a gradient norm is logged as NaN", warnings,
					err, parts)
			}
			if recorded, err := run.Model("M1"); err != nil || recorded.Fingerprint() != m1.Fingerprint() {
				t.Errorf("the run's M1: error %v", err)
			}
			t.Setenv("PATH", "") // finished: nothing is started any more
			again, _, err := Train(t.Context(), run, m0, pairFrame(), test.trainer)
			if err != nil || again.Fingerprint() != m1.Fingerprint() {
				t.Errorf("again: error %v", err)
			}
			_, _, err = Train(t.Context(), run, m0, pairFrame().Subset([]int{0, 1}), test.trainer)
			if err == nil || !strings.Contains(err.Error(), "other pairs") {
				t.Errorf("other pairs: error %v, want one that says so", err)
			}
		})
	}
}

// checkSteps compares the frame and train.jsonl with what testdata/trainer logs.
func checkSteps(t *testing.T, run *lidr.Run, steps dataframe.DataFrame) {
	t.Helper()
	loss, margins, nll := steps.Col("loss").Float(), steps.Col("rewards/margins").Float(), steps.Col("nll").Float()
	if len(loss) != 6 || loss[5] != 1./32 || margins[5] != 5 || !math.IsNaN(nll[5]) {
		t.Errorf("losses %v, margins %v, nll %v", loss, margins, nll)
	}
	lines, err := ledger.ReadLines[map[string]float64](run.Path("M1", "train.jsonl"))
	want := map[string]float64{"step": 2, "loss": 0.5, "lr": 1e-6, "rewards/chosen": 0.5, "rewards/margins": 1}
	if err != nil || len(lines) != 6 || !reflect.DeepEqual(lines[1], want) {
		t.Errorf("train.jsonl has %v, error %v", lines, err)
	}
}

func TestRound(t *testing.T) {
	t.Setenv("PATH", trainerPrograms(t))
	run, m0 := openRun(t, expressible())
	m1, err := Round(t.Context(), run, m0, TRL())
	if err != nil || m1.Name() != "M1" || m1.Weights() == nil {
		t.Fatalf("error %v", err)
	}
	made, err := ledger.ReadLines[lidr.Pair](run.Path("M0", "pairs.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := readRecord(run, "M1"); err != nil || r.Pairs != len(made) || r.Base != m0.Fingerprint() || r.Elsewhere {
		t.Errorf("handed off as %+v, error %v, want the %d pairs of M0", r, err, len(made))
	}
}

func TestTrainElsewhere(t *testing.T) {
	t.Setenv("PATH", trainerPrograms(t))
	run, m0 := openRun(t, expressible())
	trainer := LlamaFactory()
	trainer.Nodes, trainer.GPUs = 2, 2
	script := run.Path("M1", "handoff", "train.sh")
	_, _, err := Train(t.Context(), run, m0, pairFrame(), trainer)
	if !errors.Is(err, ErrElsewhere) || !strings.Contains(err.Error(), "NODE_RANK=1 MASTER_ADDR=… sh "+script) {
		t.Fatalf("two machines: error %v, want ErrElsewhere with the command of the second", err)
	}
	if _, _, err := TakeBack(run, "M1"); !errors.Is(err, ErrElsewhere) || !strings.Contains(err.Error(), script) {
		t.Errorf("too early: error %v, want ErrElsewhere with what to run", err)
	}
	command := exec.Command("sh", script)
	command.Env = append(os.Environ(), "NODE_RANK=0", "MASTER_ADDR=localhost")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if m1, _, err := TakeBack(run, "M1"); err != nil || m1.Weights() == nil {
		t.Errorf("taken back with error %v", err)
	}
	if _, _, err := TakeBack(run, "M2"); err == nil || !strings.Contains(err.Error(), "was not handed off") {
		t.Errorf("M2: error %v, want one that says that nothing was handed off", err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := TakeBack(run, "M1"); err == nil || !strings.Contains(err.Error(), "is closed") {
		t.Errorf("into a closed run: error %v", err)
	}
}

func TestTrainNotInstalled(t *testing.T) {
	t.Setenv("PATH", "")
	run, m0 := openRun(t, expressible())
	_, _, err := Train(t.Context(), run, m0, pairFrame(), TRL())
	if !errors.Is(err, ErrElsewhere) || !strings.Contains(err.Error(), "trl is not installed") {
		t.Errorf("error %v", err)
	}
}

func TestTrainFails(t *testing.T) {
	t.Setenv("PATH", trainerPrograms(t))
	run, m0 := openRun(t, expressible())
	t.Setenv("TRAINER", "refuse")
	_, _, err := Train(t.Context(), run, m0, pairFrame(), LlamaFactory())
	if err == nil || !strings.Contains(err.Error(), "does not take "+run.Path("M1", "handoff")) ||
		!strings.Contains(err.Error(), "no loss 'sigmoid'; install a later one") {
		t.Errorf("error %v, want one with what the check says", err)
	}

	t.Setenv("TRAINER", "fail")
	_, _, err = Train(t.Context(), run, m0, pairFrame(), LlamaFactory())
	if err == nil || !strings.Contains(err.Error(), "CUDA out of memory") ||
		!strings.Contains(err.Error(), "trainer.log") {
		t.Errorf("error %v, want the trainer's last words and where the others are", err)
	}

	edited := run.Path("M1", "handoff", "dpo.yaml")
	if err := os.WriteFile(edited, []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TRAINER", "hang")
	ctx, cancel := context.WithCancel(t.Context())
	worker := 0
	var second error
	go func() {
		defer cancel()
		worker = waitForWorker(run.Path("M1", "handoff", "trainer.log"))
		_, _, second = Train(context.Background(), run, m0, pairFrame(), LlamaFactory())
	}()
	if _, _, err := Train(ctx, run, m0, pairFrame(), LlamaFactory()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	if kept, err := os.ReadFile(edited + ".edited"); err != nil || string(kept) != "mine\n" {
		t.Errorf("the trainer's settings that were edited by hand are kept as %q, %v", kept, err)
	}
	if second == nil || !strings.Contains(second.Error(), "being trained already") {
		t.Errorf("a second training beside the first: error %v", second)
	}
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", worker))
	if err == nil && !strings.Contains(string(state), ") Z ") {
		t.Errorf("process %d, which the trainer started, lives on", worker)
	}

	t.Setenv("TRAINER", "") // the log of the attempts before is not the new one's
	if _, _, err := Train(t.Context(), run, m0, pairFrame(), LlamaFactory()); err != nil {
		t.Errorf("after all that: %v", err)
	}
	if text, err := os.ReadFile(run.Path("M1", "model", "trainer_log.jsonl")); strings.Count(string(text), "\n") != 6 {
		t.Errorf("the trainer's log has more than this training's 6 steps (error %v):\n%s", err, text)
	}
}

// waitForWorker returns the id of the process that the trainer has started.
func waitForWorker(log string) (worker int) {
	for pattern := regexp.MustCompile(`worker (\d+)`); worker == 0; time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(log)
		if found := pattern.FindSubmatch(text); found != nil {
			fmt.Sscan(string(found[1]), &worker)
		}
	}
	return worker
}

// A base that only a server holds is trained, hashed and left on the disk, and so is the model of the round after it,
// which starts from the checkpoint and not from what its server is known by.
func TestTrainServersModel(t *testing.T) {
	t.Setenv("PATH", trainerPrograms(t))
	run, m0 := openRun(t, expressible())
	trainer := LlamaFactory()
	trainer.Base = "../../datasets/miniature/m0"
	m1, _, err := Train(t.Context(), run, lidr.UseModel("a server", m0.LM()), pairFrame(), trainer)
	if err != nil {
		t.Fatal(err)
	}
	prompts := datasets.Frame([]lidr.Prompt{{ID: "1", Lang: "en", Prompt: "Hi", Source: "x:1"}})
	if _, err := lidr.Generate(t.Context(), run, m1, prompts); err == nil || !strings.Contains(err.Error(), "Run.Use") {
		t.Errorf("error %v, want one that says how to go on", err)
	}
	yaml, err := os.ReadFile(run.Path("M1", "handoff", "dpo.yaml"))
	if err != nil || !strings.Contains(string(yaml), `template: "chatml"`) {
		t.Errorf("error %v, settings\n%s\nwant the base's chat template", err, yaml)
	}
	again, _, err := TakeBack(run, "M1")
	if err != nil || len(m1.Fingerprint()) != 64 || again.Fingerprint() != m1.Fingerprint() {
		t.Errorf("fingerprint %s and %s, error %v", m1.Fingerprint(), again.Fingerprint(), err)
	}

	served, err := run.Use("M1", m0.LM())
	if err != nil {
		t.Fatal(err)
	}
	m2, _, err := Train(t.Context(), run, served, pairFrame(), LlamaFactory())
	if err != nil || m2.Name() != "M2" || m2.From != m1.Fingerprint() {
		t.Fatalf("round 1: error %v, want M2 from M1's checkpoint", err)
	}
	yaml, err = os.ReadFile(run.Path("M2", "handoff", "dpo.yaml"))
	if err != nil || !strings.Contains(string(yaml), `model_name_or_path: "../../M1/model"`) {
		t.Errorf("error %v, settings\n%s\nwant M1's checkpoint", err, yaml)
	}
}

// What is refused is refused before a file is written or the model is asked.
func TestRefusedBeforeWriting(t *testing.T) {
	t.Parallel()
	oddGPUs, unknownBase := LlamaFactory(), LlamaFactory()
	oddGPUs.GPUs = 3
	unknownBase.Base = "org/unknown"
	sft := expressible()
	sft.Train.Objective = "sft"
	short := expressible()
	short.Train.MaxLength = 8
	for _, test := range []struct {
		name     string
		settings lidr.Settings
		trainer  Trainer
		path     string // of the model, "" for the miniature's
		pairs    []lidr.Pair
		want     string
		late     bool // known only once the pairs are made
	}{
		{"program", expressible(), Trainer{}, "", somePairs(), "field program", false},
		{"machines", expressible(), oddGPUs, "", somePairs(), "does not divide", false},
		{"settings", sft, LlamaFactory(), "", somePairs(), "under objective sft", false},
		{"base", expressible(), LlamaFactory(), "a server", somePairs(), "neither a folder nor a name", false},
		{"template", expressible(), unknownBase, "", somePairs(), "Trainer.Template", false},
		{"pairs", expressible(), LlamaFactory(), "", nil, "no pair is left", true},
		{"length", short, LlamaFactory(), "", somePairs(), "expected at most max_length, 8", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run, m := openRun(t, test.settings)
			if test.path != "" {
				m = lidr.UseModel(test.path, m.LM())
			}
			before := filesBelow(t, run.Dir)
			_, _, err := Train(t.Context(), run, m, datasets.Frame(test.pairs), test.trainer)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if !test.late {
				if _, err := Round(t.Context(), run, m, test.trainer); err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("round: error %v, want one with %q", err, test.want)
				}
			}
			if after := filesBelow(t, run.Dir); !reflect.DeepEqual(before, after) {
				t.Errorf("the run holds %v, and held %v", after, before)
			}
		})
	}
}

func filesBelow(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		files = append(files, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
