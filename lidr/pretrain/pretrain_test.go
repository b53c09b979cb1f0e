package pretrain_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr"
	"lidrlab/lidr/pretrain"
)

// tiny trains a model of one narrow layer for a few steps.
func tiny() pretrain.Settings {
	s := pretrain.Defaults()
	s.Steps, s.Tokens = 2, 256
	s.Config.HiddenSize, s.Config.NumHiddenLayers, s.Config.IntermediateSize = 16, 1, 16
	s.Config.NumAttentionHeads, s.Config.NumKeyValueHeads, s.Config.HeadDim = 2, 2, 8
	return s
}

// files reads a model folder.
func files(t *testing.T, dir fs.FS) map[string]string {
	t.Helper()
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		t.Fatal(err)
	}
	contents := map[string]string{}
	for _, entry := range entries {
		data, err := fs.ReadFile(dir, entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		contents[entry.Name()] = string(data)
	}
	return contents
}

// Equal settings make equal bytes, the result is a model that loads, and a folder that they made is left as it is.
func TestMake(t *testing.T) {
	t.Parallel()
	dir, ctx := t.TempDir(), context.Background()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	var events []lidr.Event
	progress := func(e lidr.Event) { events = append(events, e) }
	if err := pretrain.Make(ctx, first, tiny(), progress); err != nil {
		t.Fatal(err)
	}
	if n := len(events); n != 3 || events[n-1].Done != 2 || events[n-1].Training == nil {
		t.Errorf("progress %+v, want a beginning and two steps", events)
	}
	if err := pretrain.Make(ctx, second, tiny(), nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files(t, os.DirFS(first)), files(t, os.DirFS(second))); diff != "" {
		t.Errorf("the two folders differ (-first +second):\n%s", diff)
	}
	if _, err := lidr.LoadModel(first); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(first + ".training"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the training's state was left behind: %v", err)
	}
	events = nil
	if err := pretrain.Make(ctx, first, tiny(), progress); err != nil || len(events) > 0 {
		t.Errorf("made again: error %v, progress %+v, want none", err, events)
	}
}

// The M0 that ships is of these settings and this tokenizer. Its weights are compared by `make miniature`: 4,500
// steps.
func TestShippedTokenizerAndSettings(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "m0")
	s := pretrain.Defaults()
	s.Steps = 1
	if err := pretrain.Make(context.Background(), dir, s, nil); err != nil {
		t.Fatal(err)
	}
	got, want := files(t, os.DirFS(dir)), files(t, miniature.M0())
	got["README.md"] = strings.Replace(got["README.md"], `"steps": 1,`, `"steps": 4500,`, 1)
	for _, name := range []string{"README.md", "config.json", "tokenizer.json", "tokenizer_config.json"} {
		if diff := cmp.Diff(want[name], got[name]); diff != "" {
			t.Errorf("%s (-shipped +made):\n%s", name, diff)
		}
	}
	if n, shipped := len(got["model.safetensors"]), len(want["model.safetensors"]); n != shipped {
		t.Errorf("the weights take %d bytes, and %d as shipped", n, shipped)
	}
}

// Settings that cannot work are refused before anything is written.
func TestSettings(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*pretrain.Settings){
		"field steps is 0":                  func(s *pretrain.Settings) { s.Steps = 0 },
		"field tokens is -1":                func(s *pretrain.Settings) { s.Tokens = -1 },
		"field mix.dominant is NaN":         func(s *pretrain.Settings) { s.Mix.Dominant = math.NaN() },
		"field mix.corrupted is 1.5":        func(s *pretrain.Settings) { s.Mix.Corrupted = 1.5 },
		"field mix.prompt_weight is -1":     func(s *pretrain.Settings) { s.Mix.PromptWeight = -1 },
		"field mix.translations.de is +Inf": func(s *pretrain.Settings) { s.Mix.Translations["de"] = math.Inf(1) },
		"field mix.problems.de is -1":       func(s *pretrain.Settings) { s.Mix.Problems["de"] = -1 },
		"field mix.switched.de is -1":       func(s *pretrain.Settings) { s.Mix.Switched["de"] = -1 },
		"field mix.translations is map[]":   func(s *pretrain.Settings) { s.Mix.Translations = nil },
		"config: head_dim is 7":             func(s *pretrain.Settings) { s.Config.HeadDim = 7 },
		"optimizer: field lr is -1":         func(s *pretrain.Settings) { s.Optimizer.LR = -1 },
	} {
		s := tiny()
		change(&s)
		dir := filepath.Join(t.TempDir(), "m0")
		if err := pretrain.Make(context.Background(), dir, s, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
		if _, err := os.Stat(dir + ".training"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: something was written: %v", want, err)
		}
	}
}
