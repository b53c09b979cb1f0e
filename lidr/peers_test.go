package lidr

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/tokenizer"
)

// What a round writes, Hugging Face's libraries read: pairs, weights, tokenizer, model and adapter.
func TestPeersReaders(t *testing.T) {
	reader := lidrtest.OpenPeer(t, "training", "transformers")
	s := MiniatureSettings().Tiny()
	s.Rounds, s.Train.LR, s.Train.LoRA = 1, 1e-3, LoRASettings{Rank: 4, Alpha: 8}
	run, m0 := openTest(t, s)
	m1, err := Round(t.Context(), run, m0)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []Pair
	if err := run.ReadLines(run.Path("M0", "pairs.jsonl"), &pairs); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	base, textsFile := filepath.Join(dir, "m0"), filepath.Join(dir, "texts.json")
	if err := os.CopyFS(base, miniature.M0()); err != nil {
		t.Fatal(err)
	}
	texts := []string{"Anna has 12 apples.", "  deux\n\nlignes, 3,5 €", "مرحبا 🙂"}
	for _, p := range pairs[:3] {
		texts = append(texts, p.Prompt+" "+p.Chosen)
	}
	data, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(textsFile, data, 0o666); err != nil {
		t.Fatal(err)
	}

	var read struct {
		Pairs          []Pair
		Tensors        map[string]string
		IDs, Chats     [][]int
		Model, Adapter [][]float32
	}
	out := reader.Run(t, "testdata/peers/readers.py", base, run.Path("M1", "model"), run.Path("M1", "adapter"),
		run.Path("M0", "pairs.jsonl"), textsFile)
	if err := json.Unmarshal(out, &read); err != nil {
		t.Fatal(err)
	}

	differing := math.Abs(float64(len(pairs) - len(read.Pairs)))
	for i, p := range read.Pairs {
		if i >= len(pairs) || !reflect.DeepEqual(p, pairs[i]) {
			differing++
		}
	}
	lidrtest.OpenPeer(t, "training", "datasets").Within(t, "load_dataset of a run's pairs.jsonl: pairs", differing, 0)

	differing = math.Abs(float64(len(m1.Checkpoint().Tensors) - len(read.Tensors)))
	for _, tensor := range m1.Checkpoint().Tensors {
		hash := sha256.New()
		if err := binary.Write(hash, binary.LittleEndian, lidrtest.Values(t, tensor)); err != nil {
			t.Fatal(err)
		}
		if read.Tensors[tensor.Name] != hex.EncodeToString(hash.Sum(nil)) {
			differing++
		}
	}
	lidrtest.OpenPeer(t, "training", "safetensors").Within(t, "tensors of a trained model, every bit", differing, 0)

	differing = 0
	chats := 0.0
	for i, text := range texts {
		if !reflect.DeepEqual(m1.Tokenizer().Encode(text), read.IDs[i]) {
			differing++
		}
		ids, err := m1.Tokenizer().EncodeChat([]tokenizer.Message{{Role: "user", Content: text}}, true, "")
		if err != nil || !reflect.DeepEqual(ids, read.Chats[i]) {
			chats++
		}
	}
	lidrtest.OpenPeer(t, "training", "tokenizers").Within(t, "a trained model's tokenizer.json: texts", differing, 0)
	reader.Within(t, "a trained model's chat template: conversations", chats, 0)

	exec := model.MustNewExec(m1.engine, m1.weights.Store, func(scope *model.Scope, in []*graph.Node) *graph.Node {
		hidden := m1.weights.Hidden(scope, in[0])
		return m1.weights.Head(scope, graph.Reshape(hidden, -1, m1.weights.Config.HiddenSize))
	})
	ofModel, ofAdapter := 0.0, 0.0
	for i, ids := range read.IDs {
		row := make([]int32, len(ids))
		for k, id := range ids {
			row[k] = int32(id)
		}
		ours := tensors.MustCopyFlatData[float32](exec.MustCall(tensors.FromFlatDataAndDimensions(row, 1, len(row)))[0])
		if len(ours) != len(read.Model[i]) || len(ours) != len(read.Adapter[i]) {
			t.Fatalf("%d logits, and %d and %d of theirs", len(ours), len(read.Model[i]), len(read.Adapter[i]))
		}
		for k, x := range ours {
			ofModel = max(ofModel, math.Abs(float64(x-read.Model[i][k])))
			ofAdapter = max(ofAdapter, math.Abs(float64(x-read.Adapter[i][k])))
		}
	}
	reader.Within(t, "logits of a trained model's folder", ofModel, 1e-4)
	lidrtest.OpenPeer(t, "training", "peft").Within(t, "logits of its LoRA adapter on M0", ofAdapter, 1e-4)
}
