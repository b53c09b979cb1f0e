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
	"strings"
	"testing"
	"time"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lidrtest"
)

// Bounds of what is compared with Train, in float32.
const (
	lossWithin   = 1e-4 // of a step's loss
	rateWithin   = 1e-12
	weightWithin = 1e-3 // of the distance that training moves the weights
)

// Both programs train rounds of the miniature on the CPU, unattended, by its train.sh, and the first round is killed in
// its middle and goes on. Each round is the one that Train makes of the same pairs.
func TestPeersHandOff(t *testing.T) {
	for _, test := range []struct {
		environment, name string
		trainer           Trainer
	}{
		{"training", "trl", TRL()},
		{"llama-factory", "llamafactory", LlamaFactory()},
	} {
		for _, objective := range []string{"dpo+nll", "sft"} {
			t.Run(test.name+" "+objective, func(t *testing.T) {
				peer := installed(t, test.environment, test.name)
				s := lidr.MiniatureSettings()
				s.Trained, s.Unseen, s.Prompts.N = s.Trained[:1], nil, 16
				s.Train.Objective, s.Train.BatchPairs, s.Train.Warmup = objective, 4, .2
				rounds := 2
				if objective == "sft" {
					s.Train.NLL, s.Train.Schedule, rounds = "token", "cosine", 1
				}
				test.trainer.GPUs = 0
				handOffRounds(t, peer, s, test.trainer, rounds)
			})
		}
	}
}

// installed returns a peer whose programs are those that the test finds.
func installed(t *testing.T, environment, name string) lidrtest.Peer {
	t.Helper()
	peer := lidrtest.OpenPeer(t, environment, name)
	t.Setenv("PATH", filepath.Dir(peer.Python)+string(os.PathListSeparator)+os.Getenv("PATH"))
	for name, value := range map[string]string{
		"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": t.TempDir(), "CUDA_VISIBLE_DEVICES": "",
		"OMP_NUM_THREADS": "1", // a model this small gains nothing by more
	} {
		t.Setenv(name, value)
	}
	return peer
}

// train.sh --check says what an installed version does not take, in words that say what to do.
func TestPeersCheck(t *testing.T) {
	llamaFactory, trl := LlamaFactory(), TRL()
	llamaFactory.GPUs, trl.GPUs = 0, 0
	with := func(t Trainer, template string, gpus int) Trainer {
		t.Template, t.GPUs = template, gpus
		return t
	}
	smollm, qwen := "../../bin/real/smollm2/f32", "../../bin/real/qwen/f32"
	for _, test := range []struct {
		name, environment, peer string
		trainer                 Trainer
		base                    string
		add                     string // to the settings
		want                    string
	}{
		{"no such template", "llama-factory", "llamafactory", with(llamaFactory, "none", 0), "miniature", "",
			"this version has no template 'none'; set Trainer.Template"},
		{"another template", "llama-factory", "llamafactory", with(llamaFactory, "llama3", 0), "miniature", "",
			"template llama3 renders the first prompt otherwise"},
		{"SmolLM2's system message", "llama-factory", "llamafactory", llamaFactory, smollm, "",
			"template smollm2 renders the first prompt otherwise"},
		{"Qwen2.5", "llama-factory", "llamafactory", llamaFactory, qwen, "", "takes these 6 pairs"},
		{"no thought", "llama-factory", "llamafactory", with(llamaFactory, "qwen3", 0), "thinker", "", "takes these 6 pairs"},
		{"no such loss", "llama-factory", "llamafactory", llamaFactory, "miniature", "pref_loss: \"robust\"",
			"no pref_loss 'robust', only sigmoid"},
		{"no such setting", "llama-factory", "llamafactory", llamaFactory, "miniature", "rpo_alpha: 1.0", "rpo_alpha"},
		{"GPUs", "llama-factory", "llamafactory", with(llamaFactory, "", 4), "miniature", "", "shows 0 GPUs"},
		{"taken by TRL", "training", "trl", trl, smollm, "", "takes these 6 pairs"},
		{"no thought by TRL", "training", "trl", trl, "thinker", "", "takes these 6 pairs"},
		{"no such setting of TRL", "training", "trl", trl, "miniature", "rpo_alpha: 1.0", "--rpo_alpha"},
		{"no such loss of TRL", "training", "trl", trl, "miniature", "loss_type: [\"orpo\", \"sft\"]", "has no loss 'orpo'"},
		{"an old TRL", "llama-factory", "trl", trl, "miniature", "", "trl is 0.24.0; install 1.16.0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			installed(t, test.environment, test.peer)
			s := expressible()
			s.Generate.System = ""
			run, m := openRun(t, s)
			if test.base != "miniature" {
				var err error
				if test.base == "thinker" {
					test.base = thinker(t)
				}
				if m, err = lidr.LoadModel(test.base); errors.Is(err, fs.ErrNotExist) {
					t.Skip(err)
				} else if err != nil {
					t.Fatal(err)
				}
			}
			j := written(t, run, m, test.trainer)
			config, err := os.OpenFile(j.path("dpo.yaml"), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(config, test.add)
			if err := config.Close(); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("sh", j.path("train.sh"), "--check").CombinedOutput()
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			taken := strings.HasPrefix(test.want, "takes")
			if last := lines[len(lines)-1]; !strings.Contains(last, test.want) || (err == nil) != taken {
				t.Errorf("error %v, the last line is %q, expected one with %q", err, last, test.want)
			}
		})
	}
}

func handOffRounds(t *testing.T, peer lidrtest.Peer, s lidr.Settings, trainer Trainer, rounds int) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	run, m := openRun(t, s)
	whole := func() bool { // its last file is there
		_, err := os.Stat(filepath.Join(lastCheckpoint(run.Path("M1", "model")), "trainer_state.json"))
		return err == nil
	}
	go func() { // a training of this model is over before its progress is looked at again
		for ctx.Err() == nil && !whole() {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if _, err := Round(ctx, run, m, trainer); !errors.Is(err, context.Canceled) {
		t.Fatalf("killed at its first checkpoint: error %v", err)
	}
	for round := range rounds {
		base := m.Path
		next, err := Round(t.Context(), run, m, trainer)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := readSteps(logFolder(run, next.Name()))
		if err != nil {
			t.Fatal(err)
		}
		pairs, err := ledger.ReadLines[lidr.Pair](run.Path(m.Name(), "pairs.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		compareRound(t, peer, s, fmt.Sprintf("%s, round %d", s.Train.Objective, round+1), base, pairs, next, steps)
		m = next
	}
}

// compareRound trains the base on the pairs, and compares it with what the peer made of them.
func compareRound(t *testing.T, peer lidrtest.Peer, s lidr.Settings, what, base string, pairs []lidr.Pair,
	theirs *lidr.Model, logged []dpo.Step) {
	t.Helper()
	run, _ := openRun(t, s)
	m, err := lidr.LoadModel(base)
	if err != nil {
		t.Fatal(err)
	}
	ours, frame, err := lidr.Train(t.Context(), run, m, datasets.Frame(pairs))
	if err != nil {
		t.Fatal(err)
	}
	var steps []dpo.Step
	if err := datasets.Rows(frame, &steps); err != nil {
		t.Fatal(err)
	}
	if len(steps) != len(logged) {
		t.Fatalf("%s logged %d steps, expected %d", peer.Name, len(logged), len(steps))
	}
	var loss, rate float64
	for i, step := range steps {
		loss = math.Max(loss, math.Abs(step.Loss-logged[i].Loss))
		rate = math.Max(rate, math.Abs(step.LR-logged[i].LR))
	}
	first := math.Abs(steps[0].Loss - logged[0].Loss)
	what = fmt.Sprintf("handed off on the CPU, %s, %d pairs in %d steps", what, len(pairs), len(steps))
	peer.Within(t, what+": first step's loss", first, lossWithin)
	peer.Within(t, what+": every step's loss", loss, lossWithin)
	peer.Within(t, what+": learning rates", rate, rateWithin)
	peer.Within(t, what+": weights, as a share of their movement", movement(t, m, ours, theirs), weightWithin)
}

// movement returns how far b is from a, as a share of how far a is from base.
func movement(t *testing.T, base, a, b *lidr.Model) float64 {
	t.Helper()
	values := func(m *lidr.Model) map[string][]float32 {
		out := map[string][]float32{}
		for _, tensor := range m.Checkpoint().Tensors {
			v, err := tensor.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			out[tensor.Name] = v
		}
		return out
	}
	from, ours, theirs := values(base), values(a), values(b)
	var moved, apart float64
	for name, v := range ours {
		if len(theirs[name]) != len(v) || len(from[name]) != len(v) {
			t.Fatalf("%s has %d values, %d before, and %d by the peer", name, len(v), len(from[name]), len(theirs[name]))
		}
		for i, x := range v {
			moved += math.Pow(float64(x-from[name][i]), 2)
			apart += math.Pow(float64(x-theirs[name][i]), 2)
		}
	}
	return math.Sqrt(apart / moved)
}
