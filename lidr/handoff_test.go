package lidr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	"lidrlab/lidr/ledger"
)

// trainerPrograms builds testdata/trainer under both names, and returns a PATH with them.
func trainerPrograms(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-ldflags=-w", "-o", filepath.Join(dir, "llamafactory-cli"), "./testdata/trainer").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Link(filepath.Join(dir, "llamafactory-cli"), filepath.Join(dir, "trl")); err != nil {
		t.Fatal(err)
	}
	return dir + string(os.PathListSeparator) + os.Getenv("PATH")
}

// handOffRun opens a run whose settings both trainers can express.
func handOffRun(t *testing.T) (*Run, *Model, dataframe.DataFrame) {
	s := Miniature()
	s.Train.FinalLR, s.Train.BatchPairs, s.Generate.System = 0, 4, "Be brief."
	run, m0 := openTest(t, s)
	var pairs []Pair
	for i := range 6 {
		pairs = append(pairs, Pair{ID: fmt.Sprint(i), Lang: "de", Prompt: "Wie viele?", Chosen: "Zwei \"<b>\".", Rejected: "Two.", Source: "en>de"})
	}
	return run, m0, datasets.Frame(pairs)
}

func TestHandOff(t *testing.T) {
	path := trainerPrograms(t)
	const adapters = "LLaMA-Factory with adapters"
	for name, trainer := range map[string]Trainer{"LLaMA-Factory": LlamaFactory(), adapters: LlamaFactory(), "TRL": TRL()} {
		t.Run(name, func(t *testing.T) {
			run, m0, pairs := handOffRun(t)
			if name == adapters {
				run.Settings.Train.LoRA = LoRASettings{Rank: 8, Alpha: 16}
			}
			var last Event
			run.progress = func(e Event) { last = e }
			t.Setenv("PATH", path)
			m1, steps, err := HandOff(context.Background(), run, m0, pairs, trainer)
			if err != nil {
				t.Fatal(err)
			}
			if m1.Name != "M1" || m1.Fingerprint() == m0.Fingerprint() || m1.weights == nil {
				t.Errorf("took back %s, loaded %t, with fingerprint %s", m1.Name, m1.weights != nil, m1.Fingerprint())
			}
			if last.Done != 6 || last.Step != "M0 train" {
				t.Errorf("the last event is %+v, want step 6", last)
			}
			loss, margins, nll := steps.Col("loss").Float(), steps.Col("rewards_margins").Float(), steps.Col("nll").Float()
			if len(loss) != 6 || loss[5] != 1./32 || margins[5] != 5 || !math.IsNaN(nll[5]) {
				t.Errorf("losses %v, margins %v, nll %v", loss, margins, nll)
			}
			lines, err := ledger.ReadLines[map[string]float64](run.path("M1", "train.jsonl"))
			if err != nil || len(lines) != 6 || !reflect.DeepEqual(lines[1], map[string]float64{"step": 2, "loss": 0.5, "lr": 1e-6, "rewards/chosen": 0.5, "rewards/margins": 1}) {
				t.Errorf("train.jsonl has %v, error %v", lines, err)
			}
			var warnings []string
			if err := ledger.ReadJSON(run.path("M1", "warnings.json"), &warnings); err != nil || (len(warnings) > 0) != (trainer.Program == "llama-factory") {
				t.Errorf("warnings %q, error %v, want one where a gradient norm is logged as NaN", warnings, err)
			}
			var done record
			if err := ledger.ReadJSON(run.path("run.json"), &done); err != nil || done.Fingerprints["M1"] != m1.Fingerprint() {
				t.Errorf("run.json names %v, error %v", done.Fingerprints, err)
			}
			t.Setenv("PATH", "") // finished: nothing is started any more
			again, _, err := HandOff(context.Background(), run, m0, pairs, trainer)
			if err != nil || again.Fingerprint() != m1.Fingerprint() {
				t.Errorf("again: error %v", err)
			}
			if _, _, err := HandOff(context.Background(), run, m0, pairs.Subset([]int{0, 1}), trainer); err == nil || !strings.Contains(err.Error(), "other pairs") {
				t.Errorf("other pairs: error %v, want one that says so", err)
			}
		})
	}
}

func TestHandOffElsewhere(t *testing.T) {
	path := trainerPrograms(t)
	run, m0, pairs := handOffRun(t)
	trainer := LlamaFactory()
	trainer.Nodes, trainer.GPUs = 2, 2
	t.Setenv("PATH", path)
	script := run.path("M1", "handoff", "train.sh")
	_, _, err := HandOff(context.Background(), run, m0, pairs, trainer)
	if !errors.Is(err, ErrHandedOff) || !strings.Contains(err.Error(), "NODE_RANK=1 MASTER_ADDR=… sh "+script) {
		t.Fatalf("two machines: error %v, want ErrHandedOff with the command of the second", err)
	}
	if _, _, err := TakeBack(run, "M1"); !errors.Is(err, ErrHandedOff) {
		t.Errorf("too early: error %v, want ErrHandedOff", err)
	}
	command := exec.Command("sh", script)
	command.Env = append(os.Environ(), "NODE_RANK=0", "MASTER_ADDR=localhost")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if m1, _, err := TakeBack(run, "M1"); err != nil || m1.weights == nil {
		t.Errorf("taken back with error %v", err)
	}

	run, m0, pairs = handOffRun(t)
	t.Setenv("PATH", "")
	_, _, err = HandOff(context.Background(), run, m0, pairs, TRL())
	if !errors.Is(err, ErrHandedOff) || !strings.Contains(err.Error(), "trl is not installed") {
		t.Errorf("not installed: error %v", err)
	}
}

func TestHandOffFails(t *testing.T) {
	path := trainerPrograms(t)
	t.Setenv("PATH", path)
	run, m0, pairs := handOffRun(t)
	t.Setenv("TRAINER", "fail")
	_, _, err := HandOff(context.Background(), run, m0, pairs, LlamaFactory())
	if err == nil || !strings.Contains(err.Error(), "CUDA out of memory") || !strings.Contains(err.Error(), "trainer.log") {
		t.Errorf("error %v, want the trainer's last words and where the others are", err)
	}

	edited := run.path("M1", "handoff", "dpo.yaml")
	if err := os.WriteFile(edited, []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TRAINER", "hang")
	ctx, cancel := context.WithCancel(context.Background())
	log := run.path("M1", "handoff", "trainer.log")
	worker := 0
	var second error
	go func() {
		defer cancel()
		for pattern := regexp.MustCompile(`worker (\d+)`); worker == 0; time.Sleep(10 * time.Millisecond) {
			text, _ := os.ReadFile(log)
			if found := pattern.FindSubmatch(text); found != nil {
				fmt.Sscan(string(found[1]), &worker)
			}
		}
		_, _, second = HandOff(context.Background(), run, m0, pairs, LlamaFactory())
	}()
	if _, _, err := HandOff(ctx, run, m0, pairs, LlamaFactory()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	if kept, err := os.ReadFile(edited + ".edited"); err != nil || string(kept) != "mine\n" {
		t.Errorf("the trainer's settings that were edited by hand are kept as %q, %v", kept, err)
	}
	if second == nil || !strings.Contains(second.Error(), "being trained already") {
		t.Errorf("a second training beside the first: error %v", second)
	}
	if state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", worker)); err == nil && !strings.Contains(string(state), ") Z ") {
		t.Errorf("process %d, which the trainer started, lives on", worker)
	}

	t.Setenv("TRAINER", "") // the log of the attempts before is not the new one's
	if _, _, err := HandOff(context.Background(), run, m0, pairs, LlamaFactory()); err != nil {
		t.Errorf("after all that: %v", err)
	}
	if text, err := os.ReadFile(run.path("M1", "model", "trainer_log.jsonl")); strings.Count(string(text), "\n") != 6 {
		t.Errorf("the trainer's log has more than this training's 6 steps (error %v):\n%s", err, text)
	}
}

// A base that only a server holds is trained, hashed and left on the disk.
func TestHandOffOfAServersModel(t *testing.T) {
	t.Setenv("PATH", trainerPrograms(t))
	run, m0, pairs := handOffRun(t)
	trainer := LlamaFactory()
	trainer.Base = "../datasets/miniature/m0"
	m1, _, err := HandOff(context.Background(), run, UseModel("a server", m0.lm), pairs, trainer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Generate(context.Background(), run, m1, datasets.Frame([]promptRow{{"1", "en", "Hi", "", "x:1"}})); err == nil || !strings.Contains(err.Error(), "UseModel") {
		t.Errorf("error %v, want one that says how to go on", err)
	}
	if yaml, err := os.ReadFile(run.path("M1", "handoff", "dpo.yaml")); err != nil || !strings.Contains(string(yaml), `template: "chatml"`) {
		t.Errorf("error %v, settings\n%s\nwant the base's chat template", err, yaml)
	}
	again, _, err := TakeBack(run, "M1")
	if err != nil || len(m1.Fingerprint()) != 64 || again.Fingerprint() != m1.Fingerprint() {
		t.Errorf("fingerprint %s and %s, error %v", m1.Fingerprint(), again.Fingerprint(), err)
	}
}

func TestTrainerExpresses(t *testing.T) {
	for _, test := range []struct {
		change func(*TrainSettings, *Trainer)
		want   string
	}{
		{func(s *TrainSettings, _ *Trainer) { s.Objective = "sft" }, `objective "sft"`},
		{func(s *TrainSettings, _ *Trainer) { s.Replay, s.FinalLR = 2, 0.1 }, "replay 2 (no program mixes sequences into pairs), final_lr 0.1"},
		{func(s *TrainSettings, _ *Trainer) { s.NLL = "token" }, `nll "token"`},
		{func(s *TrainSettings, _ *Trainer) { s.WeightDecay = 0.1 }, "weight_decay 0.1"},
		{func(_ *TrainSettings, t *Trainer) { *t = TRL(); t.PerDevice = 2 }, "take per_device 1, or nll token"},
		{func(s *TrainSettings, t *Trainer) { *t = TRL(); s.LoRA = LoRASettings{Rank: 8, Alpha: 16} }, "lora of rank 8"},
		{func(s *TrainSettings, _ *Trainer) { s.LoRA = LoRASettings{Rank: 5, Alpha: 2.5} }, "lora.alpha 2.5"},
		{func(_ *TrainSettings, t *Trainer) { t.Program = "axolotl" }, `program is "axolotl"`},
	} {
		s, trainer := Paper().Train, LlamaFactory()
		test.change(&s, &trainer)
		if err := trainer.expresses(s); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want one with %q", err, test.want)
		}
	}
	if err := errors.Join(LlamaFactory().expresses(Paper().Train), TRL().expresses(Paper().Train)); err != nil {
		t.Errorf("the paper's own settings: %v", err)
	}
	trainer := LlamaFactory()
	trainer.GPUs = 3
	if _, err := trainer.accumulation(16); err == nil || !strings.Contains(err.Error(), "does not divide train.batch_pairs, 16") {
		t.Errorf("3 GPUs and 16 pairs: error %v", err)
	}
}

func TestTemplateByName(t *testing.T) {
	for model, want := range map[string]string{
		"meta-llama/Meta-Llama-3-8B-Instruct": "llama3", "meta-llama/Llama-3.1-8B-Instruct": "llama3", "meta-llama/Llama-2-7b-chat-hf": "llama2",
		"Qwen/Qwen2-7B-Instruct": "qwen", "Qwen/Qwen2.5-7B-Instruct": "qwen", "Qwen/Qwen3-8B": "qwen3_nothink", "CohereForAI/aya-23-8B": "cohere",
		"mistralai/Mistral-7B-Instruct-v0.3": "mistral", "org/unknown": "",
	} {
		if got, err := LlamaFactory().template(model); got != want || (err == nil) != (want != "") {
			t.Errorf("template of %s is %q, error %v, want %q", model, got, err, want)
		}
	}
}

func TestYAMLValue(t *testing.T) {
	for want, value := range map[string]any{"5.0e-07": 5e-7, "1.0": 1.0, "0.999": 0.999, "1.5e-08": 1.5e-8, "[1.0, 0.5]": []float64{1, 0.5}, `["a","b"]`: []string{"a", "b"}, "true": true} {
		if got := yamlValue(value); got != want {
			t.Errorf("yamlValue(%v) = %s, want %s", value, got, want)
		}
	}
}

// A trainer's log that is too long to be one is refused before it costs memory.
func TestTrainerLogTooLong(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "trainer_state.json")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Skip(err) // no files with holes here
	}
	if _, err := trainerSteps(dir); err == nil || !strings.Contains(err.Error(), path+": longer than 256 MiB") {
		t.Errorf("a log of 1 TiB: %v", err)
	}
}

func FuzzTrainerLogs(f *testing.F) {
	f.Add(`{"log_history": [{"step": 1, "loss": NaN, "learning_rate": 5e-07}, {"step": 1, "train_loss": -Infinity}]}`)
	f.Add("{\"current_steps\": 3, \"total_steps\": 9}\n{\"current_st")
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := parseTrainerState([]byte(text))
		if _, bad := json.Marshal(loggedSteps(steps)); err == nil && bad != nil {
			t.Errorf("steps that cannot be written: %v", bad)
		}
		if step, total := logProgress([]byte(text)); step < 0 || total < 0 {
			t.Errorf("step %d of %d", step, total)
		}
	})
}
