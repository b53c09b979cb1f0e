package cards

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/hub"
	"lidrlab/lidr/lidrtest"
)

// TestPeersCards reads the cards by huggingface_hub and loads the pairs' folder by datasets.
func TestPeersCards(t *testing.T) {
	peer := lidrtest.OpenPeer(t, "training", "huggingface_hub")
	run := tinyRun(t)
	last := func(files []hub.Source, err error) hub.Source {
		if err != nil {
			t.Fatal(err)
		}
		return files[len(files)-1]
	}
	model, adapter := last(ModelFiles(run, "M1", "apache-2.0")), last(ModelFiles(run, "M1/adapter", ""))
	page, err := ReportFiles(run)
	if err != nil {
		t.Fatal(err)
	}
	files, err := PairsFiles(run, "")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, f := range files {
		b, err := os.ReadFile(f.File)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var got struct {
		Name                    string
		Results                 [][4]any
		RoundTrip               bool `json:"round_trip"`
		Language, PairsLanguage []string
		License, PairsLicense   *string
		Adapter, Page           string
		Configs                 []string
		Columns, Dtypes         []string
		Rows                    []lidr.Pair
	}
	var raw map[string]json.RawMessage
	out := peer.Run(t, "testdata/peers/cards.py", model.File, adapter.File, folder, page[0].File)
	if err := json.Unmarshal(out, &raw); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	raw["PairsLanguage"], raw["PairsLicense"] = raw["pairs_language"], raw["pairs_license"]
	again, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &got); err != nil {
		t.Fatal(err)
	}
	if !got.RoundTrip || got.License == nil || *got.License != "apache-2.0" || got.PairsLicense != nil ||
		got.Adapter != "peft" || got.Page != "static" || !slices.Equal(got.Language, run.Settings.AllLanguages()) ||
		!slices.Equal(got.PairsLanguage, run.Settings.Languages()) {
		t.Errorf("huggingface_hub reads %s", out)
	}
	var scores []eval.Score
	if err := run.ReadJSON(run.Path("M1", "eval", "scores.json"), &scores); err != nil {
		t.Fatal(err)
	}
	values := map[string]bool{}
	for _, r := range got.Results {
		values[fmt.Sprintf("%v %.6f %v", r[1], r[2], r[3])] = true
	}
	missing := 0
	for _, s := range scores {
		for key, x := range map[string]float64{s.Metric: s.Value, s.Metric + "_stderr": s.SE} {
			if !values[fmt.Sprintf("%s %.6f %d", key, x, s.N)] {
				missing++
			}
		}
	}
	peer.Within(t, fmt.Sprintf("a model card's model-index by model_index_to_eval_results and back: of %d values and "+
		"standard errors, those that differ", 2*len(scores)), float64(missing+len(got.Results)-2*len(scores)), 0)
	var pairs []lidr.Pair
	if err := run.ReadLines(run.Path("M0", "pairs.jsonl"), &pairs); err != nil {
		t.Fatal(err)
	}
	different := len(pairs) - len(got.Rows)
	for i := range min(len(pairs), len(got.Rows)) {
		if pairs[i] != got.Rows[i] {
			different++
		}
	}
	for i, c := range columns {
		if got.Columns[i] != c.name || got.Dtypes[i] != "string" {
			t.Errorf("column %d is %s, %s, expected %s", i, got.Columns[i], got.Dtypes[i], c.name)
		}
	}
	peer.Within(t, "load_dataset of a pushed folder of pairs, by its card's configurations: rows", float64(different), 0)
}
