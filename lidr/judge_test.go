package lidr

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/remote"
)

// judgeServer prefers the answer with more stars, and of equal ones the first, with probability 0.6: a position bias.
// It counts how often it is asked about each pair and order.
type judgeServer struct {
	*httptest.Server
	weighted bool // tells probabilities
	delay    time.Duration

	mu    sync.Mutex
	asked map[string]int
}

func newJudgeServer(t *testing.T, weighted bool, delay time.Duration) *judgeServer {
	s := &judgeServer{weighted: weighted, delay: delay, asked: map[string]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *judgeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/v1/models" {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"judge","object":"model","created":1,"owned_by":"test"}]}`)
		return
	}
	var body struct {
		Messages []struct{ Content string }
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		return // the client was killed
	}
	time.Sleep(s.delay)
	text := body.Messages[len(body.Messages)-1].Content
	s.mu.Lock()
	s.asked[text]++
	s.mu.Unlock()
	_, rest, _ := strings.Cut(text, `<answer id="m">`)
	m, M, _ := strings.Cut(rest, `<answer id="M">`)
	p := 0.4 // of M
	switch a, b := strings.Count(m, "*"), strings.Count(M, "*"); {
	case strings.Contains(rest, "mute"):
		fmt.Fprint(w, `{"choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"neither"}`+ifSo(s.weighted, `,"logprobs":{"content":[{"token":"n","logprob":0,"top_logprobs":[{"token":"n","logprob":0}]}]}`)+`}]}`)
		return
	case a > b:
		p = 0.1
	case b > a:
		p = 0.9
	}
	word := "m"
	if p > 0.5 {
		word = "M"
	}
	logprobs := ifSo(s.weighted, fmt.Sprintf(`,"logprobs":{"content":[{"token":%q,"logprob":0,"top_logprobs":[{"token":"m","logprob":%g},{"token":"M","logprob":%g},{"token":"x","logprob":-3}]}]}`,
		word, math.Log(1-p)-1, math.Log(p)-1))
	fmt.Fprintf(w, `{"choices":[{"finish_reason":"length","message":{"role":"assistant","content":%q}%s}],"usage":{"prompt_tokens":100,"completion_tokens":1}}`, word, logprobs)
}

func ifSo(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

func bothOrders(s *JudgeSettings) { s.BothOrders = true }

// judged judges 40 German and 40 Russian pairs: of each ten, five responses have more stars, two have fewer, three as many.
func judged(dir, url string, change func(*JudgeSettings)) ([]winRateRow, error) {
	ctx := context.Background()
	var responses, references []answerRow
	for i := range 80 {
		row := answerRow{ID: fmt.Sprint(i / 2), Lang: []string{"de", "ru"}[i%2], Prompt: fmt.Sprintf("question %d", i)}
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
	run, err := Open(dir, Miniature())
	if err != nil {
		return nil, err
	}
	server, err := remote.Open(ctx, remote.Options{Model: "judge", Endpoints: []string{url}, InFlight: 4})
	if err != nil {
		return nil, err
	}
	judge := UseModel("judge", server)
	s := DefaultJudge()
	change(&s)
	_, scores, err := Judge(ctx, run, "M1-M0", judge, datasets.Frame(responses), datasets.Frame(references), s)
	if err != nil {
		return nil, err
	}
	return rowsOf[winRateRow](scores, "scores")
}

func scoreOf(rows []winRateRow, metric, lang string) winRateRow {
	for _, row := range rows {
		if row.Metric == metric && row.Lang == lang {
			return row
		}
	}
	return winRateRow{}
}

func TestJudgeWeightedInBothOrders(t *testing.T) {
	server, dir := newJudgeServer(t, true, 0), filepath.Join(t.TempDir(), "run")
	rows, err := judged(dir, server.URL, bothOrders)
	if err != nil {
		t.Fatal(err)
	}
	for metric, want := range map[string]float64{
		"win_rate":          0.5*0.9 + 0.2*0.1 + 0.3*0.5, // the bias of equal pairs cancels
		"discrete_win_rate": 0.5 + 0.3/2,
		"win":               0.5, "tie": 0.3, "lose": 0.2,
		"flip_rate": 0.3, // equal pairs: whichever stands first
	} {
		for _, lang := range []string{"de", "ru"} {
			if row := scoreOf(rows, metric, lang); math.Abs(row.Value-want) > 1e-12 || row.N != 40 || row.Verdicts != "weighted" || !strings.Contains(row.Warning, "only 40 items") {
				t.Errorf("%s in %s: %+v, want %v of 40, weighted, with a warning of so few", metric, lang, row, want)
			}
		}
	}
	annotations, err := datasets.LoadAnnotations(filepath.Join(dir, "judged", "M1-M0", "annotations", "ru.json"))
	if err != nil || len(annotations) != 40 || annotations[0].Generator1 != "M0" || annotations[0].Generator2 != "M1" {
		t.Fatalf("%d annotations, %v", len(annotations), err)
	}
	if raw, err := eval.ScoreWinRate(annotations); err != nil || raw.Rate.Mean != scoreOf(rows, "win_rate", "ru").Value {
		t.Errorf("the file's win rate is %v, %v", raw.Rate, err)
	}
	// What was said is not asked again.
	before := len(server.asked)
	again, err := judged(dir, server.URL, bothOrders)
	if err != nil || fmt.Sprint(again) != fmt.Sprint(rows) {
		t.Errorf("the second time: %v, %v", again, err)
	}
	for text, n := range server.asked {
		if n != 1 || len(server.asked) != before {
			t.Fatalf("asked %d times: %s", n, text)
		}
	}
}

func TestJudgeNames(t *testing.T) {
	run, err := Open(filepath.Join(t.TempDir(), "run"), Miniature())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "M1", "M1-", "a-b-c", "../M1-M0", "M1-../M0"} {
		if _, _, err := Judge(context.Background(), run, name, nil, datasets.Frame([]answerRow{}), datasets.Frame([]answerRow{}), DefaultJudge()); err == nil || !strings.Contains(err.Error(), "such as M1-M0") {
			t.Errorf("name %q: error %v", name, err)
		}
	}
}

// Without probabilities the verdict is the word, and the scores say so; an answer that is neither word is a failed judge.
func TestJudgeInWords(t *testing.T) {
	server := newJudgeServer(t, false, 0)
	rows, err := judged(filepath.Join(t.TempDir(), "run"), server.URL, func(s *JudgeSettings) { s.Seed = 3 })
	if err != nil {
		t.Fatal(err)
	}
	row := scoreOf(rows, "discrete_win_rate", "de")
	if row.Verdicts != "words" || row.Value < 0.5 || row.Value > 0.8 || scoreOf(rows, "win", "de").N != 0 {
		t.Errorf("in words: %+v", rows)
	}
	_, err = judged(filepath.Join(t.TempDir(), "run"), server.URL, func(s *JudgeSettings) { s.Template = "mute <answer id=\"m\"> mute {{.First}} {{.Second}}" })
	if err == nil || !strings.Contains(err.Error(), "0 verdicts on 40 pairs") {
		t.Errorf("a judge that says nothing gave %v", err)
	}
}

// A judging that is killed with SIGKILL ten times ends with the numbers of an undisturbed one, and asks again only what
// was on the way when it died.
func TestKilledJudging(t *testing.T) {
	straight := newJudgeServer(t, true, 0)
	want, err := judged(filepath.Join(t.TempDir(), "run"), straight.URL, bothOrders)
	if err != nil {
		t.Fatal(err)
	}
	server, dir := newJudgeServer(t, true, 20*time.Millisecond), filepath.Join(t.TempDir(), "run")
	count := func() (asked, twice int) {
		server.mu.Lock()
		defer server.mu.Unlock()
		for _, n := range server.asked {
			asked, twice = asked+1, twice+n-1
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
	got, err := judged(dir, server.URL, bothOrders)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after %d kills: %v, %v, want %v", kills, got, err, want)
	}
	asked, twice := count()
	if asked != 160 || twice > kills*8 { // 4 in flight, and as many that had come back in the instant before the kill
		t.Errorf("%d pairs and orders were asked, %d of them again, after %d kills; want 160, and at most %d again", asked, twice, kills, kills*8)
	}
	t.Logf("%d kills, %d requests on the way were asked again", kills, twice)
}

// Whatever a judge says is a preference from 1 to 2, or none.
func FuzzVerdict(f *testing.F) {
	f.Add("m", "m", -0.1, "M", -2.3, true)
	f.Add("M.", "", 0.0, "", 0.0, false)
	f.Add("**m** or M", " M", math.Inf(-1), "m", math.NaN(), true)
	f.Fuzz(func(t *testing.T, text, first string, p float64, second string, q float64, weighted bool) {
		a := lm.Answer{Completion: lm.Completion{Text: text}, TopLogprobs: []lm.TokenLogprob{{Token: first, Logprob: p}, {Token: second, Logprob: q}}}
		if v := verdict(a, weighted); !math.IsNaN(v) && (v < 1 || v > 2) {
			t.Errorf("%+v is read as %v", a, v)
		}
	})
}

// Each verdict is kept under its own question: a pair that changes is asked anew, and the others are not.
func TestJudgeAsksOnlyWhatChanged(t *testing.T) {
	server := newJudgeServer(t, true, 0)
	run, _ := openTest(t, Miniature())
	client, err := remote.Open(context.Background(), remote.Options{Model: "judge", Endpoints: []string{server.URL}, InFlight: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := DefaultJudge()
	s.BothOrders = true
	for _, c := range []struct {
		responses string // stars of each
		asked     int    // in all, in both orders
	}{{"12345", 10}, {"12945", 12}, {"12", 12}, {"94312", 20}, {"12345", 20}} {
		var responses, references []answerRow
		for i, stars := range c.responses {
			row := answerRow{ID: fmt.Sprint(i), Lang: "de", Prompt: fmt.Sprintf("question %d", i), Response: "an old answer ***"}
			references = append(references, row)
			row.Response = "an answer " + strings.Repeat("*", int(stars-'0'))
			responses = append(responses, row)
		}
		if _, _, err := Judge(context.Background(), run, "M1-M0", UseModel("judge", client), datasets.Frame(responses), datasets.Frame(references), s); err != nil {
			t.Fatal(err)
		}
		if len(server.asked) != c.asked {
			t.Errorf("after %s, %d questions were asked, want %d", c.responses, len(server.asked), c.asked)
		}
	}
	for text, n := range server.asked {
		if n != 1 {
			t.Errorf("asked %d times: %s", n, text)
		}
	}
}
