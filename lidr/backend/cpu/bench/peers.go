//go:build linux

package main

import (
	"embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"

	"lidrlab/lidr/checkpoint"
)

//go:embed peers/*.py
var peerPrograms embed.FS

// runPeer runs one of the small programs of the folder peers with a JSON argument and reads what it prints into out.
func (b *bench) runPeer(out any, python, program string, work any) (memory float64, err error) {
	dir, err := os.MkdirTemp("", "bench-peer")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	text, err := peerPrograms.ReadFile("peers/" + program)
	if err != nil {
		return 0, err
	}
	file := filepath.Join(dir, program)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return 0, err
	}
	argument, err := json.Marshal(work)
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(python, file, string(argument))
	cmd.Env = append(os.Environ(), "HF_HUB_OFFLINE=1", "TOKENIZERS_PARALLELISM=false", "TMPDIR="+dir)
	return runJSON(out, cmd)
}

// decoded is what a peer's decoding program prints.
type decoded struct {
	load, memory, tokensPerSecond float64
}

func (d decoded) outcome() outcome { return outcome{value: d.tokensPerSecond, memory: d.memory} }

func (b *bench) decodePeer(python, program string, work any) (decoded, error) {
	var out struct{ Load, Tokens, Seconds float64 }
	memory, err := b.runPeer(&out, python, program, work)
	return decoded{out.Load, memory, out.Tokens / out.Seconds}, err
}

// shape counts a model's parameters: those of its layers' products, of the logits' product, and all that it stores.
type shape struct{ body, head, all float64 }

func readShape(folder string) (shape, error) {
	data, err := os.ReadFile(filepath.Join(folder, "config.json"))
	if err != nil {
		return shape{}, err
	}
	cfg, err := checkpoint.ParseConfig(data)
	if err != nil {
		return shape{}, err
	}
	return shapeOf(cfg), nil
}

func shapeOf(cfg checkpoint.Config) shape {
	d, width := float64(cfg.HiddenSize), float64(cfg.HeadDim)
	attention := 2 * d * width * float64(cfg.NumAttentionHeads+cfg.NumKeyValueHeads)
	s := shape{
		body: float64(cfg.NumHiddenLayers) * (attention + 3*d*float64(cfg.IntermediateSize)),
		head: d * float64(cfg.VocabSize),
	}
	s.all = s.body + s.head
	if !cfg.TieWordEmbeddings {
		s.all += s.head
	}
	return s
}
