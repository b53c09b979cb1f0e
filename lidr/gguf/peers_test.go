package gguf_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr/gguf"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/tokenizer"
)

// llama.cpp and gguf-py read the GGUF files that we write of every family: tensors, tokens, logits, greedy text.
func TestPeersGGUF(t *testing.T) {
	llamaCpp := lidrtest.OpenPeer(t, "llama-cpp", "llama-cpp-python")
	type job struct {
		File    string   `json:"file"`
		Tokens  int      `json:"tokens"`
		End     int      `json:"end"`
		Prompts []string `json:"prompts"`
	}
	const tokens = 24
	folder := t.TempDir()
	all := families(t)
	var jobs []job
	for _, f := range all {
		j := job{File: filepath.Join(folder, f.name+".gguf"), Tokens: tokens, End: f.tok.EOS()[0]}
		var b bytes.Buffer
		check(t, gguf.Write(&b, f.ck, f.tok, f.name, "f32"))
		check(t, os.WriteFile(j.File, b.Bytes(), 0o666))
		for _, content := range []string{"Tom has 3 apples and buys 42 more. How many apples does he have?",
			"  Wie viele Äpfel hat er?\n\n\tDie Antwort ist 1000000.", "it's THEY'RE  1234567, 你好 नमस्ते 🍏"} {
			text, err := f.tok.RenderChat([]tokenizer.Message{{Role: "user", Content: content}}, true)
			check(t, err)
			j.Prompts = append(j.Prompts, text)
		}
		jobs = append(jobs, j)
	}
	list, err := json.Marshal(jobs)
	check(t, err)
	file := filepath.Join(folder, "jobs.json")
	check(t, os.WriteFile(file, list, 0o666))
	var read []struct {
		Prompts []struct {
			IDs, Next []int
			Logits    []float32
		}
		Tensors []string
	}
	check(t, json.Unmarshal(llamaCpp.Run(t, "testdata/peers/llamacpp.py", file), &read))

	var tensors, texts, continued, logits float64
	for i, f := range all {
		ck, _, err := gguf.Load(jobs[i].File)
		check(t, err)
		var own []string
		for _, tensor := range ck.Tensors {
			values := slices.Sorted(slices.Values(lidrtest.Values(t, tensor)))
			for k := range values {
				if strings.HasPrefix(f.name, "gemma") && strings.HasSuffix(tensor.Name, "norm.weight") {
					values[k]++ // GGUF files of Gemma hold what is multiplied with, 1 more than Hugging Face's
				}
			}
			var raw bytes.Buffer
			check(t, binary.Write(&raw, binary.LittleEndian, values))
			sum := sha256.Sum256(raw.Bytes())
			own = append(own, hex.EncodeToString(sum[:]))
		}
		missing := 0
		for _, hash := range own {
			if !slices.Contains(read[i].Tensors, hash) {
				missing++
			}
		}
		if missing > 0 {
			t.Logf("%s: %d of %d tensors differ", f.name, missing, len(own))
		}
		tensors += float64(missing)
		after := newLogits(t, f.ck)
		for k, text := range jobs[i].Prompts {
			theirs := read[i].Prompts[k]
			ids := f.tok.Encode(text)
			if !slices.Equal(ids, theirs.IDs) {
				texts++
				t.Logf("%s: %q has tokens\n%v there\n%v here", f.name, text, theirs.IDs, ids)
				continue
			}
			ours := after(ids)
			difference := 0.0
			for v := range ours {
				difference = max(difference, math.Abs(float64(ours[v]-theirs.Logits[v])))
			}
			logits = max(logits, difference)
			var next []int
			for len(next) < tokens && (len(next) == 0 || next[len(next)-1] != f.tok.EOS()[0]) {
				next = append(next, likeliest(after(append(slices.Clone(ids), next...))))
			}
			if !slices.Equal(next, theirs.Next) {
				continued++
				t.Logf("%s: %q goes on with\n%v there\n%v here", f.name, text, theirs.Next, next)
			}
		}
	}
	what := fmt.Sprintf("GGUF files of %d families in f32: ", len(all))
	lidrtest.OpenPeer(t, "llama-cpp", "gguf").Within(t, what+"tensors, every value", tensors, 0)
	llamaCpp.Within(t, what+"tokens of 3 conversations each", texts, 0)
	llamaCpp.Within(t, what+"logits after these", logits, 1e-3)
	llamaCpp.Within(t, what+"the next 24 greedy tokens", continued, 0)
}
