package judge_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/judge/judgetest"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/remote"
)

// compareStars judges 40 German and 40 Russian pairs: of each ten, five responses have more stars, two have fewer,
// three as many.
func compareStars(dir, url string, change func(*judge.Settings), prices lm.Prices) ([]judge.WinRate, error) {
	ctx := context.Background()
	var responses, references []judge.Output
	for i := range 80 {
		row := judge.Output{ID: fmt.Sprint(i / 2), Lang: []string{"de", "ru"}[i%2], Prompt: fmt.Sprintf("question %d", i)}
		ours, theirs := row, row
		ours.Response, theirs.Response = "a long answer *", "an answer *"
		switch k := i / 2 % 10; {
		case k < 5:
			ours.Response = strings.Repeat("good ", i%7) + "**"
		case k < 7:
			theirs.Response = strings.Repeat("better ", i%5) + "**"
		}
		responses, references = append(responses, ours), append(references, theirs)
	}
	run, err := lidr.Open(dir, lidr.MiniatureSettings())
	if err != nil {
		return nil, err
	}
	defer run.Close()
	server, err := remote.Open(ctx, remote.Options{Model: "judge", Endpoints: []string{url}, InFlight: 4, Prices: prices})
	if err != nil {
		return nil, err
	}
	s := judge.Defaults()
	change(&s)
	_, scores, err := judge.Compare(ctx, run, "M1-M0", lidr.UseModel("judge", server),
		datasets.Frame(responses), datasets.Frame(references), s)
	if err != nil {
		return nil, err
	}
	var rates []judge.WinRate
	err = datasets.Rows(scores, &rates)
	return rates, err
}

func rateOf(rates []judge.WinRate, metric, lang string) judge.WinRate {
	for _, row := range rates {
		if row.Metric == metric && row.Lang == lang {
			return row
		}
	}
	return judge.WinRate{}
}

func TestCompareWeightedInBothOrders(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "run")
	server, url := startJudge(t, true)
	rates, err := compareStars(dir, url, bothOrders, lm.Prices{})
	if err != nil {
		t.Fatal(err)
	}
	for metric, want := range map[string]float64{
		"win_rate":          0.5*0.9 + 0.2*0.1 + 0.3*0.5, // the bias of equal pairs cancels
		"discrete_win_rate": 0.5 + 0.3/2,
		"win":               0.5, "tie": 0.3, "lose": 0.2,
		"flip_rate": 0.3, // equal pairs: whichever is shown first
	} {
		for _, lang := range []string{"de", "ru"} {
			row := rateOf(rates, metric, lang)
			if math.Abs(float64(row.Value)-want) > 1e-12 || row.N != 40 || row.Verdicts != "weighted" ||
				!strings.Contains(row.Warning, "only 40 items") {
				t.Errorf("%s in %s: %+v, want %v of 40, weighted, with a warning of so few", metric, lang, row, want)
			}
		}
	}
	annotations, err := datasets.LoadAnnotations(filepath.Join(dir, "judged", "M1-M0", "annotations", "ru.json"))
	if err != nil || len(annotations) != 40 || annotations[0].Generator1 != "M0" || annotations[0].Generator2 != "M1" {
		t.Fatalf("%d annotations, %v", len(annotations), err)
	}
	raw, err := eval.ScoreWinRate(annotations)
	if err != nil || raw.Rate.Mean != float64(rateOf(rates, "win_rate", "ru").Value) {
		t.Errorf("the file's win rate is %v, %v", raw.Rate, err)
	}
	// What was said is not asked again.
	before := len(server.Asked())
	again, err := compareStars(dir, url, bothOrders, lm.Prices{})
	if err != nil || fmt.Sprint(again) != fmt.Sprint(rates) {
		t.Errorf("the second time: %v, %v", again, err)
	}
	for text, n := range server.Asked() {
		if n != 1 || len(server.Asked()) != before {
			t.Fatalf("asked %d times: %s", n, text)
		}
	}
}

// The measure that the report reads has every score with its error, items and warning, the matches, and what the
// judging took at the judge's prices.
func TestCompareMeasure(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "run")
	_, url := startJudge(t, true)
	if _, err := compareStars(dir, url, bothOrders, lm.Prices{Prompt: 2.5, New: 10}); err != nil {
		t.Fatal(err)
	}
	run := openRun(t, dir)
	m := measureOf(t, run, "M1", "judged-M1-M0")
	// 80 pairs in both orders, 100 tokens read and 1 written each: (16,000 · 2.5 + 160 · 10) / 10⁶ dollars.
	if want := "Judged by judge: 160 questions, 16,000 tokens read and 160 written, $0.04. Preferences weighed by the " +
		"probabilities of the verdict's token. Each pair was asked in both orders"; !strings.HasPrefix(m.What, want) {
		t.Errorf("what: %q", m.What)
	}
	for row, want := range map[string]string{
		"win rate": "62.0 ± 5.0, n = 40", "verdicts that flip with the order": "30.0 ± 7.3, n = 40",
	} {
		if got := cell(t, m, row, "de"); got != want {
			t.Errorf("%s: %s, want %s", row, got, want)
		}
	}
	if m.Title != "M1 against M0, by a judge" || m.Plot != 0 || len(m.Matches) != 2 ||
		m.Matches[0].Win != 20 || m.Matches[0].Tie != 12 || m.Matches[0].Lose != 8 ||
		!strings.Contains(m.Rows[0].Values[0].Warning, "only 40 items") {
		t.Errorf("%+v", m)
	}
	used, err := judge.ReadUsage(run, judge.Comparison, "M1-M0")
	want := judge.Usage{Judge: "judge", Questions: 160, PromptTokens: 16000, AnswerTokens: 160, Dollars: 0.0416}
	if err != nil || used != want {
		t.Errorf("usage %+v, %v, want %+v", used, err, want)
	}
	for _, of := range [][2]string{{"compare", "M1-M0"}, {judge.Comparison, "M1"}, {judge.Ratings, "M1"}} {
		if _, err := judge.ReadUsage(run, of[0], of[1]); err == nil {
			t.Errorf("usage of %q is read", of)
		}
	}

	// One order has no matches, and its win rate is drawn.
	_, url = startJudge(t, false)
	dir = filepath.Join(t.TempDir(), "run")
	if _, err := compareStars(dir, url, func(*judge.Settings) {}, lm.Prices{}); err != nil {
		t.Fatal(err)
	}
	m = measureOf(t, openRun(t, dir), "M1", "judged-M1-M0")
	if m.Plot != 1 || len(m.Matches) != 0 || !strings.HasSuffix(m.What, "80 written. Verdicts in words.") {
		t.Errorf("in words and one order: %+v", m)
	}
}

// Bad names and settings are refused before the model is looked at.
func TestCompareNames(t *testing.T) {
	t.Parallel()
	run, none := newRun(t), datasets.Frame([]judge.Output{})
	for _, name := range []string{"", "M1", "M1-", "a-b-c", "../M1-M0", "M1-../M0"} {
		_, _, err := judge.Compare(t.Context(), run, name, nil, none, none, judge.Defaults())
		if err == nil || !strings.Contains(err.Error(), "such as M1-M0") {
			t.Errorf("name %q: error %v", name, err)
		}
	}
}

// Without probabilities the verdict is the word, and the scores say so; an answer that is neither word is a failed
// judge.
func TestCompareInWords(t *testing.T) {
	t.Parallel()
	_, url := startJudge(t, false)
	rates, err := compareStars(filepath.Join(t.TempDir(), "run"), url, func(s *judge.Settings) { s.Seed = 3 }, lm.Prices{})
	if err != nil {
		t.Fatal(err)
	}
	row := rateOf(rates, "discrete_win_rate", "de")
	if row.Verdicts != "words" || row.Value < 0.5 || row.Value > 0.8 || rateOf(rates, "win", "de").N != 0 {
		t.Errorf("in words: %+v", rates)
	}
	_, err = compareStars(filepath.Join(t.TempDir(), "run"), url, func(s *judge.Settings) {
		s.Template = "mute <answer id=\"m\"> mute {{.Instruction}} {{.First}} {{.Second}}"
	}, lm.Prices{})
	if err == nil || !strings.Contains(err.Error(), "0 verdicts on 40 pairs") {
		t.Errorf("a judge that says nothing gave %v", err)
	}
}

// A judging that is killed with SIGKILL ten times ends with the numbers of an undisturbed one, and asks again only what
// was on the way when it died.
func TestKilledJudging(t *testing.T) {
	t.Parallel()
	_, straight := startJudge(t, true)
	want, err := compareStars(filepath.Join(t.TempDir(), "run"), straight, bothOrders, lm.Prices{})
	if err != nil {
		t.Fatal(err)
	}
	slow := &judgetest.Judge{Weighted: true, Delay: 20 * time.Millisecond}
	server := httptest.NewServer(slow)
	t.Cleanup(server.Close)
	dir := filepath.Join(t.TempDir(), "run")
	count := func() (asked, twice int) {
		for _, n := range slow.Asked() {
			asked++
			twice += n - 1
		}
		return asked, twice
	}
	random := rand.New(rand.NewPCG(5, 5))
	kills := 0
	for kills < 10 {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), "LIDR_TEST_RUN="+dir, "LIDR_TEST_JUDGE="+server.URL)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- command.Wait() }()
		// After some more verdicts, few enough for ten kills, at any point of the next ones.
		before, _ := count()
		for asked := before; asked < before+4+random.IntN(12); asked, _ = count() {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(random.Int64N(int64(20 * time.Millisecond))))
		command.Process.Kill()
		if err := <-done; err == nil {
			break
		}
		kills++
	}
	got, err := compareStars(dir, server.URL, bothOrders, lm.Prices{})
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after %d kills: %v, %v, want %v", kills, got, err, want)
	}
	asked, twice := count()
	if asked != 160 || twice > kills*8 { // 4 in flight, and as many that had come back in the instant before the kill
		t.Errorf("%d pairs and orders were asked, %d of them again, after %d kills; want 160, and at most %d again",
			asked, twice, kills, kills*8)
	}
	t.Logf("%d kills, %d requests on the way were asked again", kills, twice)
}

// Each verdict is kept under its own question: a pair that changes is asked anew, and the others are not.
func TestCompareAsksOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	server, url := startJudge(t, true)
	run, model := newRun(t), served(t, remote.Options{Model: "judge", Endpoints: []string{url}, InFlight: 1})
	s := judge.Defaults()
	s.BothOrders = true
	for _, c := range []struct {
		responses string // stars of each
		asked     int    // in all, in both orders
	}{{"12345", 10}, {"12945", 12}, {"12", 12}, {"94312", 20}, {"12345", 20}} {
		var responses, references []judge.Output
		for i, stars := range c.responses {
			row := judge.Output{ID: fmt.Sprint(i), Lang: "de", Prompt: fmt.Sprintf("question %d", i)}
			row.Response = "an old answer ***"
			references = append(references, row)
			row.Response = "an answer " + strings.Repeat("*", int(stars-'0'))
			responses = append(responses, row)
		}
		_, _, err := judge.Compare(t.Context(), run, "M1-M0", model, datasets.Frame(responses), datasets.Frame(references), s)
		if err != nil {
			t.Fatal(err)
		}
		if asked := server.Asked(); len(asked) != c.asked {
			t.Errorf("after %s, %d questions were asked, want %d", c.responses, len(asked), c.asked)
		}
	}
	for text, n := range server.Asked() {
		if n != 1 {
			t.Errorf("asked %d times: %s", n, text)
		}
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	prompts := datasets.Frame([]lidr.Prompt{{ID: "1", Lang: "de", Prompt: "eins"}, {ID: "1", Lang: "ru", Prompt: "один"}})
	s := judge.Defaults()
	s.BothOrders = true
	frame, err := judge.DryRun("M1-M0", prompts, 100, s, lm.Prices{Prompt: 2, New: 10})
	if err != nil {
		t.Fatal(err)
	}
	cost := rows[lidr.Cost](t, frame)[0]
	dollars := (float64(cost.PromptTokens)*2 + 4*10) / 1e6
	if cost.Model != "judge" || cost.Step != "judge M1-M0" || cost.Requests != 4 || cost.AnswerTokens != 4 ||
		cost.PromptTokens < 4*200 || math.Abs(cost.Dollars-dollars) > 1e-12 {
		t.Errorf("%+v", cost)
	}
	s.Sampling.MaxTokens = 0
	_, err = judge.DryRun("M1-M0", prompts, 100, s, lm.Prices{})
	if err == nil || !strings.Contains(err.Error(), "max_tokens") {
		t.Errorf("max_tokens 0: %v", err)
	}
}
