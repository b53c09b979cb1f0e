package judge_test

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/lidrtest"
)

// rateWorth rates the answer "worth N" with N, and says nothing usable of any other.
func rateWorth(c chat) string {
	_, after, found := strings.Cut(c.last(), "<answer>\nworth ")
	if !found {
		return "I would rather not say."
	}
	number, _, _ := strings.Cut(after, " ")
	return "It is what it is. [[" + number + "]]"
}

func worthPairs() []lidr.Pair {
	pair := func(id, lang, source, chosen, rejected string) lidr.Pair {
		prompt := "question " + id + " in " + lang
		return lidr.Pair{ID: id, Lang: lang, Source: source, Prompt: prompt, Chosen: chosen, Rejected: rejected}
	}
	return []lidr.Pair{
		pair("1", "de", "en>de", "worth 8 a", "worth 4 b"),
		pair("2", "de", "en>de", "worth 6 a", "worth 6 b"),
		pair("3", "de", "en>de", "worth 3 a", "worth 5 b"),
		pair("4", "de", "en>de", "worth 9 a", "mute"),
		pair("1", "en", "de>en", "worth 10 a", "worth 7.5 b"),
		pair("2", "en", "de>en", "worth 8 a", "worth 8 b"),
		pair("1", "fr", "en", "worth 7 a", "worth 2 b"), // the same answer is chosen twice
		pair("1", "fr", "en", "worth 7 a", "worth 4 b"),
		pair("1", "ru", "mine", "mute", "mute too"),
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	pairs := worthPairs()
	rater := newScripted(t, "judge", 0, rateWorth)
	dir := filepath.Join(t.TempDir(), "run")
	run := openRun(t, dir)
	m0 := newScripted(t, "m0", 0, nil).model(t)
	rate := func() []judge.RatingScore {
		t.Helper()
		ratings, scores, err := judge.Rate(t.Context(), run, m0, rater.model(t), datasets.Frame(pairs),
			judge.RatingDefaults())
		if err != nil {
			t.Fatal(err)
		}
		if ratings.Nrow() != len(pairs) {
			t.Errorf("%d ratings of %d pairs", ratings.Nrow(), len(pairs))
		}
		return rows[judge.RatingScore](t, scores)
	}
	scores := rate()
	checkRatings(t, scores)

	type line struct {
		Chosen, Rejected *float64
		RejectedVerdict  string `json:"rejected_verdict"`
	}
	lines := readFile(t, dir, "M0", "pairs.ratings.jsonl")
	var fourth line
	if err := json.Unmarshal([]byte(strings.Split(lines, "\n")[3]), &fourth); err != nil || *fourth.Chosen != 9 ||
		fourth.Rejected != nil || fourth.RejectedVerdict != "I would rather not say." {
		t.Errorf("the fourth pair's line is %+v, %v", fourth, err)
	}

	// Again: the same, and nothing is asked twice.
	before := lidrtest.Hashes(t, dir)
	again := rate()
	if fmt.Sprint(again) != fmt.Sprint(scores) || fmt.Sprint(lidrtest.Hashes(t, dir)) != fmt.Sprint(before) {
		t.Errorf("the second time: %v", again)
	}
	german := 0
	for text, n := range rater.asked {
		if n != 1 {
			t.Errorf("asked %d times: %s", n, text)
		}
		german += strings.Count(text, "the language of the instruction, German,")
	}
	if len(rater.asked) != 17 || german != 8 { // 18 sides, one of them twice
		t.Errorf("%d questions were asked, %d about German, want 17 and 8", len(rater.asked), german)
	}
}

// checkRatings compares with what is worked out by hand: de's chosen sides 8 6 3 9 have variance 21/3, its rejected
// ones 4 6 5 variance 1, and its pairs count 1, ½ and 0.
func checkRatings(t *testing.T, scores []judge.RatingScore) {
	t.Helper()
	none := math.NaN()
	want := map[string]struct {
		value, se       float64
		n, ties, failed int
	}{
		"de chosen":                 {6.5, math.Sqrt(7.0 / 4), 4, 0, 0},
		"de rejected":               {5, math.Sqrt(1.0 / 3), 3, 0, 1},
		"de self_translation":       {6.5, math.Sqrt(7.0 / 4), 4, 0, 0},
		"de self_generation":        {5, math.Sqrt(1.0 / 3), 3, 0, 1},
		"de judged_reward_accuracy": {0.5, 0.5 / math.Sqrt(3), 3, 1, 1},
		"en chosen":                 {9, 1, 2, 0, 0},
		"en rejected":               {7.75, 0.25, 2, 0, 0},
		"en self_translation":       {7.75, 0.25, 2, 0, 0}, // in the dominant language the rejected side is translated
		"en self_generation":        {9, 1, 2, 0, 0},
		"en judged_reward_accuracy": {0.75, 0.25, 2, 1, 0},
		"fr chosen":                 {7, 0, 2, 0, 0},
		"fr rejected":               {3, 1, 2, 0, 0},
		"fr self_generation":        {3, 1, 2, 0, 0}, // an untranslated English answer is neither
		"fr judged_reward_accuracy": {1, 0, 2, 0, 0},
		"ru chosen":                 {none, none, 0, 0, 1},
		"ru rejected":               {none, none, 0, 0, 1},
		"ru judged_reward_accuracy": {none, none, 0, 0, 1},
	}
	same := func(got judge.Number, want float64) bool {
		return math.Abs(float64(got)-want) < 1e-12 || math.IsNaN(float64(got)) && math.IsNaN(want)
	}
	for _, row := range scores {
		w, ok := want[row.Lang+" "+row.Metric]
		if !ok || !same(row.Value, w.value) || !same(row.SE, w.se) || row.N != w.n || row.Ties != w.ties ||
			row.Failed != w.failed || row.Model != "M0" || row.Judge != "judge" {
			t.Errorf("%+v, want %+v", row, w)
		}
		if !strings.Contains(row.Warning, "items") || strings.Contains(row.Warning, "the judge failed") != (row.Failed > 0) {
			t.Errorf("%s in %s has the warning %q", row.Metric, row.Lang, row.Warning)
		}
	}
	if len(scores) != len(want) {
		t.Errorf("%d rows, want %d", len(scores), len(want))
	}
}

func TestRateMeasures(t *testing.T) {
	t.Parallel()
	run := newRun(t)
	m0, rater := newScripted(t, "m0", 0, nil).model(t), newScripted(t, "judge", 0, rateWorth).model(t)
	pairs := datasets.Frame(worthPairs()[:4])
	if _, _, err := judge.Rate(t.Context(), run, m0, rater, pairs, judge.RatingDefaults()); err != nil {
		t.Fatal(err)
	}
	answers := measureOf(t, run, "M0", "ratings")
	for row, want := range map[string]string{
		"M0 self-generation": "5.00 ± 0.58, n = 3, 1 failed", "M0 self-translation": "6.50 ± 1.32, n = 4",
	} {
		if got := cell(t, answers, row, "de"); got != want {
			t.Errorf("%s: %s, want %s", row, got, want)
		}
	}
	if answers.Plot != 2 || answers.What != "M0: Judged by judge: 8 questions, 80 tokens read and 24 written." {
		t.Errorf("%+v", answers)
	}
	rewards := measureOf(t, run, "M0", "judged-reward-accuracy")
	got, want := cell(t, rewards, "M0", "de"), "50.0 ± 28.9, n = 3, 1 failed, 1 tied"
	if got != want || rewards.Plot != 1 {
		t.Errorf("reward accuracy %s, want %s, and %d rows drawn", got, want, rewards.Plot)
	}
	used, err := judge.ReadUsage(run, judge.Ratings, "M0")
	if err != nil || used.Questions != 8 || used.Dollars != 0 {
		t.Errorf("usage %+v, %v", used, err)
	}
}

// Another model than the run's M0 is refused before anything of it is written or asked.
func TestRateEntersFirst(t *testing.T) {
	t.Parallel()
	run := newRun(t)
	if err := run.Enter(newScripted(t, "m0", 0, nil).model(t)); err != nil {
		t.Fatal(err)
	}
	before := lidrtest.Hashes(t, run.Dir)
	other, rater := newScripted(t, "other", 0, nil).model(t), newScripted(t, "judge", 0, rateWorth)
	_, _, err := judge.Rate(t.Context(), run, other, rater.model(t), datasets.Frame(worthPairs()), judge.RatingDefaults())
	if err == nil || !strings.Contains(err.Error(), "another M0") || len(rater.asked) > 0 ||
		fmt.Sprint(lidrtest.Hashes(t, run.Dir)) != fmt.Sprint(before) {
		t.Errorf("another model: %v, %d questions", err, len(rater.asked))
	}
}
