package eval

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr/lidrtest"
)

// alpaca_eval's package gives our win rates on our annotations, and we give its on its own: raw, discrete, and by all
// three regressions. The difficulties of the instructions and the verdicts on gamed models are made up, since those
// that it downloads are on the hub.
func TestPeersAlpacaEvalWinRates(t *testing.T) {
	dir := t.TempDir()
	sets := map[string]string{"an excerpt of its annotations": filepath.Join(excerpts, "alpaca_eval",
		"model.annotations.json")}
	if data := os.Getenv("LIDR_DATA"); data != "" {
		sets["its 805 annotations of FuseChat-Llama-3.1-8B-Instruct"] = filepath.Join(data, "alpaca_eval",
			publishedModel+".annotations.json")
	}
	for k, n := range []int{40, 200, 805} {
		random := rand.New(rand.NewPCG(7, uint64(k)))
		annotations := make([]datasets.Annotation, n)
		for i := range annotations {
			p := 1 + sigmoid(0.7*random.NormFloat64()+0.3*float64(k-1))
			switch {
			case i%7 == 3:
				p = math.Round(p)
			case i%31 == 5:
				p = math.NaN() // a failed judge
			}
			annotations[i] = datasets.Annotation{
				Instruction: fmt.Sprint("instruction ", i), Generator1: "reference", Generator2: "model", Annotator: "judge",
				Output1: strings.Repeat("ä", random.IntN(2000)), Output2: strings.Repeat("x", random.IntN(3000)), Preference: p,
			}
		}
		name := fmt.Sprint(n, " annotations of ours")
		sets[name] = filepath.Join(dir, name+".json")
		if err := datasets.SaveAnnotations(sets[name], annotations); err != nil {
			t.Fatal(err)
		}
	}

	csv := "model,index,preference,std_delta_len,instruction_difficulty,not_gamed_baseline\n"
	var all []map[string]float64 // difficulties of every set's instructions are those of their places
	random := rand.New(rand.NewPCG(8, 0))
	hard := make([]float64, 805)
	for i := range hard {
		hard[i] = math.Round(1000*random.NormFloat64()) / 1000
	}
	for shift, model := range []string{"verbose", "concise"} {
		for i := range hard {
			delta := math.Round(1000*(random.NormFloat64()+2*float64(shift)-1)) / 1000
			csv += fmt.Sprintf("%s,%d,%.4f,%v,%v,False\n", model, i, sigmoid(0.8*hard[i]-1.2*delta), delta, hard[i])
		}
	}
	gamedFile := filepath.Join(dir, "df_gamed.csv")
	if err := os.WriteFile(gamedFile, []byte(csv), 0o666); err != nil {
		t.Fatal(err)
	}
	gamed, err := datasets.LoadGamed(gamedFile)
	if err != nil {
		t.Fatal(err)
	}

	var names []string
	args := []string{gamedFile}
	var ours [][]datasets.Annotation
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		path := sets[name]
		annotations, err := datasets.LoadAnnotations(path)
		if err != nil {
			t.Fatal(err)
		}
		difficulty := map[string]float64{}
		for i, a := range annotations {
			difficulty[a.Instruction] = hard[i]
		}
		names, args, ours, all = append(names, name), append(args, path), append(ours, annotations), append(all, difficulty)
	}
	what := fmt.Sprintf("of %d sets of annotations, ours and its own", len(names))
	for _, env := range []string{"alpaca-eval", "training"} {
		peer := lidrtest.OpenPeer(t, env, "alpaca-eval")
		peer.Version += ", scikit-learn " + lidrtest.OpenPeer(t, env, "scikit-learn").Version
		var theirs []map[string]map[string]float64
		if err := json.Unmarshal(peer.Run(t, "testdata/peers/winrates.py", args...), &theirs); err != nil {
			t.Fatal(err)
		}
		raw, controlled := 0.0, 0.0
		for k, annotations := range ours {
			raw = max(raw, rawDifference(t, annotations, theirs[k]["length_controlled_v1"]))
			for _, form := range []string{"length_controlled_minimal", "length_controlled_noreg", "length_controlled_v1"} {
				var difficulty map[string]float64
				if form == "length_controlled_noreg" {
					difficulty = all[k]
				}
				lc, err := LengthControlledWinRate(annotations, difficulty)
				if form == "length_controlled_v1" {
					lc, err = PublishedLengthControlled(annotations, gamed)
				}
				if err != nil {
					t.Fatal(err)
				}
				want := theirs[k][form]
				t.Logf("%s, %s, %s: %v, ours %v", env, names[k], form, want["length_controlled_winrate"], 100*lc.Rate.Mean)
				controlled = max(controlled, math.Abs(100*lc.Rate.Mean-want["length_controlled_winrate"]),
					math.Abs(100*lc.LeaderboardSE-want["lc_standard_error"]))
			}
		}
		peer.Within(t, "win rates, their errors, discrete win rates, counts "+what, raw, 1e-9)
		if what := "length-controlled win rates by three regressions, in per cent, " + what; env == "training" {
			peer.Differs(t, what, controlled, "scikit-learn from 1.8 on sorts groups of one size into other folds and finds "+
				"another C; ours are the folds that the leaderboard was made with")
		} else {
			peer.Within(t, what, controlled, 1e-9)
		}
	}
}

func rawDifference(t *testing.T, annotations []datasets.Annotation, want map[string]float64) (difference float64) {
	t.Helper()
	w, err := ScoreWinRate(annotations)
	if err != nil {
		t.Fatal(err)
	}
	for key, got := range map[string]float64{
		"win_rate": 100 * w.Rate.Mean, "standard_error": 100 * w.Rate.SE, "discrete_win_rate": 100 * w.Discrete.Mean,
		"n_wins": float64(w.Wins), "n_wins_base": float64(w.Losses), "n_draws": float64(w.Draws), "n_total": float64(w.Total),
	} {
		difference = max(difference, math.Abs(got-want[key]))
	}
	return difference
}
