package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/datasets"
)

// Synthetic verdicts give what alpaca_eval's own functions give (testdata/glm_published.py).
func TestPublishedFormIsAlpacaEvals(t *testing.T) {
	var golden struct {
		glmCase
		Weights []float64    `json:"weights"`
		WinRate float64      `json:"win_rate"`
		SE      float64      `json:"lc_standard_error"`
		Gamed   [][4]float64 `json:"gamed"`
	}
	data, err := os.ReadFile("testdata/glm_published.json")
	if err == nil {
		err = json.Unmarshal(data, &golden)
	}
	if err != nil {
		t.Fatal(err)
	}
	csv := "instruction_difficulty,model,std_delta_len,index,preference\n"
	for _, g := range golden.Gamed {
		csv += fmt.Sprintf("%v,m,%v,%v,%v\n", g[3], g[2], g[0], g[1])
	}
	csv += "0.5,m,1,0,\n" // of a failed judge
	path := filepath.Join(t.TempDir(), "df_gamed.csv")
	if err := os.WriteFile(path, []byte(csv), 0o644); err != nil {
		t.Fatal(err)
	}
	gamed, err := datasets.LoadGamed(path)
	if err != nil {
		t.Fatal(err)
	}
	annotations, _ := golden.verdicts()
	lc, err := PublishedLengthControlled(annotations, gamed)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "C", math.Log(lc.C), math.Log(golden.C), 1e-9)
	near(t, "win rate", lc.Rate.Mean, golden.WinRate, 1e-12)
	near(t, "spread", lc.LeaderboardSE, golden.SE, 1e-12)
	for j, w := range []float64{lc.Length, lc.Difficulty, lc.Base} {
		near(t, fmt.Sprint("weight ", j), w, golden.Weights[j], 1e-11)
	}
	if lc.Form != PublishedForm || !(lc.Rate.SE > 0) {
		t.Errorf("%+v", lc)
	}
	if _, err := PublishedLengthControlled(annotations, gamed[:50]); err == nil ||
		!strings.Contains(err.Error(), "AlpacaEval's order") {
		t.Errorf("an instruction without a difficulty: %v", err)
	}
}
