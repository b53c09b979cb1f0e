package recipe

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr"
	"lidrlab/lidr/durable"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lidrtest"
)

// Answers, translations and evaluations that were made in shards, one of them killed, are put together without
// asking anything again, and run folder and store have the bytes of a run without shards. A missing shard stops it.
func TestShardsAreTheWhole(t *testing.T) {
	prompts := t.TempDir()
	for _, lang := range []string{"en", "de"} {
		row := `{"id": "1", "lang": "` + lang + `", "prompt": "1 + 2 = ?"}` + "\n" +
			`{"id": "2", "lang": "` + lang + `", "prompt": "2 + 2 = ?"}` + "\n"
		if err := os.WriteFile(filepath.Join(prompts, lang+".jsonl"), []byte(row), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Load(miniature, "rounds=1", "trained=[de]", "unseen=[]", "prompts.n=5", "evaluate.n=4",
		"evaluate.translations=2", "judge.path=someone", "instructions.source="+prompts, "instructions.matches=[M1-M0]")
	if err != nil {
		t.Fatal(err)
	}
	whole, parts := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "run")
	step := func(dir, step string, options ...lidr.Option) error {
		t.Helper()
		return Step(t.Context(), r, dir, step, "M0", options...)
	}
	steps := []string{"generate", "translate", "pairs", "eval"}
	for _, s := range steps {
		if err := step(whole, s); err != nil {
			t.Fatal(err)
		}
	}
	killed := errors.New("killed")
	torn := 0 // how often a line of the first shard was half written
	durable.Before = func(operation, path string) error {
		if operation == "torn write" && strings.HasSuffix(path, "1-of-3.partial") && strings.Contains(path, "completions") {
			if torn++; torn == 2 { // its first answers, behind its header
				return killed
			}
		}
		return nil
	}
	defer func() { durable.Before = nil }()
	for _, s := range steps {
		if s != "pairs" {
			for part := 1; part <= 3; part++ {
				err := step(parts, s, Shard(part, 3))
				if errors.Is(err, killed) != (s == "generate" && part == 1) || err != nil && !errors.Is(err, killed) {
					t.Fatalf("%s, shard %d: error %v", s, part, err)
				}
			}
		}
		if s == "generate" {
			if _, err := os.Stat(parts); err == nil {
				t.Error("a shard has made the run folder")
			}
			if err := step(parts, s); !errors.Is(err, ledger.ErrShardMissing) {
				t.Errorf("error %v, expected that the shard which was killed is missing", err)
			}
			if err := step(parts, s, Shard(1, 3)); err != nil {
				t.Fatal(err)
			}
		}
		if s == "eval" {
			if done := readFile(t, filepath.Join(parts, stagesFile)); strings.Contains(done, "evaluate") {
				t.Errorf("after shards alone the stages that are done are %s", done)
			}
		}
		asked := 0
		if err := step(parts, s, lidr.WithProgress(func(e lidr.Event) { asked += e.Total - e.Done })); err != nil {
			t.Fatal(err)
		}
		if asked > 0 {
			t.Errorf("%s: %d items were asked for again", s, asked)
		}
	}
	want, got := lidrtest.Hashes(t, filepath.Dir(whole)), lidrtest.Hashes(t, filepath.Dir(parts))
	if !maps.Equal(want, got) {
		t.Errorf("with shards there are\n%v\nand without\n%v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	if err := step(parts, "train", Shard(1, 3)); err == nil || !strings.Contains(err.Error(), "whole lists") {
		t.Errorf("error %v, expected that a shard trains nothing", err)
	}
}
