package dpo

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/transformer"
)

// realRow is a pair in words.
type realRow struct {
	Prompt   string `json:"prompt"`
	Chosen   string `json:"chosen"`
	Rejected string `json:"rejected"`
}

// realRows are 20 pairs of published answers: ten English prompts with Llama 3's answer over its translation into
// French, and ten French ones with the translation over the English answer.
func realRows(t *testing.T, data string) []realRow {
	t.Helper()
	type line struct {
		ID, Instruction, Prompt, Response string
		French                            string `json:"en2fr_reponse"`
	}
	read := func(path ...string) []line {
		file := filepath.Join(append([]string{data}, path...)...)
		content, err := os.ReadFile(file)
		if err != nil {
			t.Skip(err)
		}
		var lines []line
		for dec := json.NewDecoder(bytes.NewReader(content)); dec.More(); {
			var l line
			if err := dec.Decode(&l); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			lines = append(lines, l)
		}
		return lines
	}
	french := map[string]string{}
	for _, l := range read("alpagasus", "id_0_1000", "fr.jsonl") {
		french[l.ID] = l.Instruction
	}
	var rows []realRow
	for _, l := range read("llama3-m0", "en.to_fr.jsonl") {
		if n := len(l.Response) + len(l.French); l.French == "" || n < 200 || n > 420 || french[l.ID] == "" {
			continue
		}
		row := realRow{l.Prompt, l.Response, l.French}
		if len(rows)%2 == 1 {
			row = realRow{french[l.ID], l.French, l.Response}
		}
		if rows = append(rows, row); len(rows) == 20 {
			return rows
		}
	}
	t.Fatalf("%s has %d rows of the lengths, expected 20", data, len(rows))
	return nil
}

// TestPeersLosses compares every loss on 20 pairs of published answers with TRL's trainers: log-probabilities of a
// model as policy and of a neighbour of it as reference, ours and transformers', and what each makes of its own.
func TestPeersLosses(t *testing.T) {
	peer := lidrtest.OpenPeer(t, "training", "trl")
	data := os.Getenv("LIDR_DATA")
	if data == "" {
		t.Skip("LIDR_DATA is not set: the rows are made of published answers")
	}
	rows := realRows(t, data)
	t.Run("miniature", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "miniature")
		if err := os.CopyFS(folder, miniature.M0()); err != nil {
			t.Fatal(err)
		}
		compareLosses(t, peer, "the miniature", folder, rows)
	})
	t.Run("SmolLM2-135M", func(t *testing.T) {
		folder := "../../bin/real/smollm2/bf16"
		if _, err := os.Stat(folder); err != nil {
			t.Skipf("%v; make bench-peers makes it", err)
		}
		compareLosses(t, peer, "SmolLM2-135M", folder, rows)
	})
}

func compareLosses(t *testing.T, peer lidrtest.Peer, name, model string, pairs []realRow) {
	t.Helper()
	ck, err := checkpoint.Load(os.DirFS(model))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rows, neighbour := filepath.Join(dir, "rows.json"), filepath.Join(dir, "reference")
	if err := ledger.WriteJSON(rows, pairs); err != nil {
		t.Fatal(err)
	}
	near := *ck
	near.Tensors = slices.Clone(ck.Tensors)
	r := rand.New(rand.NewPCG(7, 0))
	for i, w := range near.Tensors {
		values := slices.Clone(lidrtest.Values(t, w))
		for k := range values {
			values[k] *= float32(1 + 0.01*r.NormFloat64())
		}
		near.Tensors[i] = checkpoint.NewTensor(w.Name, w.Shape, values)
	}
	if err := checkpoint.Save(neighbour, &near, "F32"); err != nil {
		t.Fatal(err)
	}
	out := peer.Run(t, "../../.tools/peers/losses.py", rows, model, neighbour)
	var trl trlLosses
	if err := json.Unmarshal(out, &trl); err != nil {
		t.Fatal(err)
	}
	policy, reference := logprobsOf(t, ck, trl), logprobsOf(t, &near, trl)
	worst := 0.0
	for i := range policy {
		for side := range 2 {
			for _, x := range [][2]float64{{policy[i][side], trl.Logp[i][side]}, {reference[i][side], trl.Ref[i][side]}} {
				worst = math.Max(worst, math.Abs(x[0]-x[1])/math.Max(1, math.Abs(x[1])))
			}
		}
	}
	peer.Within(t, name+" on 20 pairs of Llama 3's answers and their translations: log-probabilities of policy and "+
		"reference, relative", worst, 1e-4)
	off := trl.compare(t, policy, reference, [5]float64{1e-4, 1e-4, 1e-4, 1e-4, 1e-4})
	peer.Within(t, "12 losses on these pairs, each program from its own log-probabilities: losses and rewards",
		slices.Max(off[:3]), 1e-4)
	peer.Within(t, "the same: gradients by the log-probabilities", slices.Max(off[3:]), 1e-4)
}

// logprobsOf returns the log-probabilities of chosen and rejected under a model.
func logprobsOf(t *testing.T, ck *checkpoint.Checkpoint, trl trlLosses) [][2]float64 {
	t.Helper()
	m, err := transformer.New(ck)
	if err != nil {
		t.Fatal(err)
	}
	var sequences []Sequence
	for _, ids := range trl.IDs {
		sequences = append(sequences, Sequence{ids[0], ids[1]}, Sequence{ids[0], ids[2]})
	}
	sums := make([][2]float64, len(trl.IDs))
	err = Logprobs(t.Context(), openBackend(t), m, sequences, func(int) bool { return false },
		func(idx []int, values []float64) error {
			for k, i := range idx {
				sums[i/2][i%2] = values[k]
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}
