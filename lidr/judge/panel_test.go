package judge_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/judge/judgetest"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/remote"
)

// Two judges count stars, and the third always takes the first answer, so that all its verdicts flip and tie. Of ten
// responses five win, two lose, three tie: κ = (0.533333 − 0.413333)/(1 − 0.413333), by hand.
func TestPanel(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "run")
	run, err := lidr.Open(dir, lidr.MiniatureSettings())
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	var responses, references []judge.Output
	for i := range 20 {
		row := judge.Output{ID: fmt.Sprint(i), Lang: "de", Prompt: fmt.Sprintf("question %d", i)}
		ours, theirs := row, row
		ours.Response, theirs.Response = "a long answer *", "an answer *"
		switch k := i % 10; {
		case k < 5:
			ours.Response = "good **"
		case k < 7:
			theirs.Response = "better **"
		}
		responses, references = append(responses, ours), append(references, theirs)
	}
	stars := &judgetest.Judge{Weighted: true}
	open := func(name string, handler http.Handler, price float64) *lidr.Model {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/models" {
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprintf(w, `{"object":"list","data":[{"id":%q,"object":"model"}]}`, name)
				return
			}
			handler.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		return served(t, remote.Options{Model: name, Endpoints: []string{server.URL},
			Prices: lm.Prices{Prompt: price, New: 1}})
	}
	judges := []*lidr.Model{open("stars", stars, 1),
		open("judge", &rawJudge{choose: func(string) string { return said("m") }}, 0),
		open("more", &judgetest.Judge{Weighted: true}, 3)}
	s := judge.Defaults()
	s.BothOrders = true
	ours, theirs := datasets.Frame(responses), datasets.Frame(references)
	frame, table, err := judge.Panel(t.Context(), run, "M1-M0", judges, ours, theirs, s)
	if err != nil {
		t.Fatal(err)
	}
	verdicts, scores := rows[judge.PanelVerdict](t, frame), rows[judge.PanelScore](t, table)
	if v := verdicts[5]; v.Said != "lose tie lose" || v.Majority != 1 || v.Verdicts != 3 ||
		math.Abs(float64(v.Mean)-(1.1+1.5+1.1)/3) > 1e-9 {
		t.Errorf("an item that two judges lose: %+v", v)
	}
	for of, want := range map[[2]string]float64{
		{"panel", "mean_win_rate"}: (0.62 + 0.5 + 0.62) / 3, {"panel", "majority_win_rate"}: 0.65,
		{"panel", "kappa"}: 0.12 / (1 - 0.413333333), {"stars", "win_rate"}: 0.62, {"stars", "flip_rate"}: 0.3,
		{"judge", "flip_rate"}: 1, {"judge", "agreement"}: 0.3, {"more", "agreement"}: 1,
		{"judge", "discrete_win_rate"}: 0.5,
	} {
		found := false
		for _, row := range scores {
			if row.Judge == of[0] && row.Metric == of[1] && row.Lang == "de" {
				found = true
				if math.Abs(float64(row.Value)-want) > 1e-6 || row.N != 20 || !strings.Contains(row.Warning, "only 20") {
					t.Errorf("%v: %+v, want %v", of, row, want)
				}
			}
		}
		if !found {
			t.Errorf("there is no %v", of)
		}
	}
	cost := map[string]judge.PanelScore{}
	for _, row := range scores {
		if row.Lang == "" {
			cost[row.Judge+" "+row.Metric] = row
		}
	}
	if got := cost["more dollars"]; cost["stars tokens"].N != 40 || !(got.Value > cost["stars dollars"].Value) {
		t.Errorf("the judges cost %+v", cost)
	}
	for _, name := range []string{"judged/M1-M0/panel.jsonl", "judged/M1-M0/panel.json", "M1/measures/panel-M1-M0.json"} {
		if _, err := os.Stat(run.Path(filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
	twin := lidr.UseModel("another name", judges[0].LM())
	for _, few := range [][]*lidr.Model{judges[:1], {judges[0], twin}} {
		if _, _, err := judge.Panel(t.Context(), run, "M1-M0", few, ours, theirs, s); err == nil {
			t.Error("a panel of one model is no error")
		}
	}
	stars.Forget() // what the panel has asked, a comparison does not ask again
	_, _, err = judge.Compare(t.Context(), run, "M1-M0", judges[0], ours, theirs, s)
	if err != nil || len(stars.Asked()) != 0 {
		t.Errorf("a comparison after the panel asked %d questions, error %v", len(stars.Asked()), err)
	}
}
