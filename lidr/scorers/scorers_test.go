package scorers

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
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/local"
	"lidrlab/lidr/lm/remote"
	"lidrlab/lidr/transformer"
)

// TestMain lets the test binary stand in for a program that scores samples by everything, so that a test can kill it.
func TestMain(m *testing.M) {
	dir, url := os.Getenv("LIDR_TEST_RUN"), os.Getenv("LIDR_TEST_SERVER")
	if dir == "" {
		os.Exit(m.Run())
	}
	if _, err := everything(dir, url); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// models is a server of a judge, a reward model and embeddings: it likes texts with many digits.
func models(t *testing.T, requests *atomic.Int64) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/v1/models" {
			fmt.Fprint(w, `{"object":"list","data":[{"id":"judge","object":"model","created":1,"owned_by":"test"}]}`)
			return
		}
		var body struct {
			Input    string
			Messages []struct{ Role, Content string }
		}
		if json.NewDecoder(r.Body).Decode(&body) != nil {
			return // the client was killed
		}
		requests.Add(1)
		text := body.Input
		if len(body.Messages) > 0 {
			text = body.Messages[len(body.Messages)-1].Content
		}
		digits := 0
		for _, c := range text {
			if c >= '0' && c <= '9' {
				digits++
			}
		}
		switch {
		case strings.Contains(text, "untouchable"):
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"maximum context length"}`)
		case r.URL.Path == "/classify":
			fmt.Fprintf(w, `{"data":[{"index":0,"probs":[%g]}]}`, float64(digits)/10)
		case r.URL.Path == "/pooling":
			fmt.Fprintf(w, `{"data":[{"index":0,"data":[[0.5],[%d]]}]}`, digits)
		case r.URL.Path == "/v1/embeddings":
			fmt.Fprintf(w, `{"data":[{"index":0,"embedding":[%d,%d,1]}]}`, digits, len(text)%7)
		default:
			said, _ := json.Marshal(fmt.Sprintf("It has digits. [[%d]]", digits%10))
			fmt.Fprintf(w, `{"model":"judge","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant",`+
				`"content":%s}}]}`, said)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// scored is what everything has made.
type scored struct {
	run     *lidr.Run
	m0      *lidr.Model
	samples dataframe.DataFrame
	scores  map[string]dataframe.DataFrame
}

func settings() lidr.Settings {
	s := lidr.MiniatureSettings()
	s.Trained, s.Unseen = []string{"de", "es"}, nil
	s.Prompts.N, s.Generate.Samples, s.Generate.Sampling.Temperature = 3, 3, 1
	return s
}

// everything scores three samples to each of three prompts in three languages, and their translations, by every scorer.
func everything(dir, url string) (found scored, err error) {
	ctx := context.Background()
	if found.run, err = lidr.Open(dir, settings()); err != nil {
		return found, err
	}
	run := found.run
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		return found, err
	}
	found.m0 = m0
	prompts, err := lidr.Prompts(ctx, run, m0)
	if err != nil {
		return found, err
	}
	responses, err := lidr.Generate(ctx, run, m0, prompts)
	if err != nil {
		return found, err
	}
	translations, err := lidr.Translate(ctx, run, m0, responses)
	if err != nil {
		return found, err
	}
	if found.samples, err = Candidates(responses, translations); err != nil {
		return found, err
	}
	server, err := remote.Open(ctx, remote.Options{Endpoints: []string{url}})
	if err != nil {
		return found, err
	}
	untrained := local.New(m0.Engine(), transformer.Init(m0.Checkpoint().Config, 1), m0.Tokenizer())
	behind := Server{URL: url, Model: "fake"}
	found.scores = map[string]dataframe.DataFrame{}
	for _, scorer := range []lidr.Scorer{
		Translation{}, Implicit{Aligned: m0, Reference: lidr.UseModel("untrained", untrained)},
		Implicit{Aligned: m0, Reference: lidr.UseModel("untrained", untrained), Length: true},
		MAPO{Translator: m0}, MAPO{Translator: m0, Correct: true}, RoundTrip{Translator: m0}, Consistency{},
		Language{}, Language{Share: true}, Hidden{}, RewardModel{Server: behind}, Embeddings{Server: behind, K: 5},
		JudgeDefaults(lidr.UseModel("judge", server)), Oracle{},
		Product{Language{}, RewardModel{Server: behind, Pooling: true}},
		Sum{{1, Language{}}, {0.5, Consistency{}}},
	} {
		if found.scores[scorer.Name()], err = lidr.ScoreSamples(ctx, run, m0, found.samples, scorer); err != nil {
			return found, err
		}
	}
	_, _, err = lidr.PairsByScore(ctx, run, m0, found.samples, found.scores["implicit-length"],
		lidr.Selection{Rule: "max-sigma"})
	return found, err
}

// Every scorer gives numbers where it can, and says why where it cannot.
func TestEverything(t *testing.T) {
	var requests atomic.Int64
	dir, url := filepath.Join(t.TempDir(), "run"), models(t, &requests)
	start := time.Now()
	found, err := everything(dir, url)
	if err != nil {
		t.Fatal(err)
	}
	whole, asked := time.Since(start), requests.Load()
	var samples []datasets.Response
	if err := datasets.Rows(found.samples, &samples); err != nil {
		t.Fatal(err)
	}
	rows := map[string][]lidr.SampleScore{}
	for name, frame := range found.scores {
		var own []lidr.SampleScore
		if err := datasets.Rows(frame, &own); err != nil {
			t.Fatal(err)
		}
		rows[name] = own
		without := map[string]int{}
		for i, row := range own {
			if row.ID != samples[i].ID || row.Lang != samples[i].Lang || row.Sample != samples[i].Sample {
				t.Fatalf("%s: row %d is of another sample: %+v", name, i, row)
			}
			if (row.Fault == "") == math.IsNaN(row.Score) {
				t.Errorf("%s: %+v, want a number or a reason", name, row)
			}
			if row.Fault != "" {
				without[row.Fault]++
			}
		}
		t.Logf("%s: %d samples, without a score %v", name, len(own), without)
		if len(own) == 0 || len(own) == len(without) {
			t.Errorf("%s scores nothing", name)
		}
	}
	for i, row := range samples {
		if row.Fault != "" {
			continue
		}
		want := 0.0
		if (row.Lang == "en") == (row.From == "") {
			want = 1
		}
		if got := rows["translation"][i].Score; got != want {
			t.Errorf("%s from %q scores %g, want %g", row.Lang, row.From, got, want)
		}
		if l, o := rows["language"][i], rows["oracle"][i]; l.Fault == "" && l.Score != o.Part("on_target") {
			t.Errorf("language %+v, oracle %+v", l, o)
		}
		if h := rows["hidden"][i]; row.Lang != "en" && h.Fault == "" && !(h.Part("similarity") <= 1 && h.Score > 0) {
			t.Errorf("hidden states: %+v", h)
		}
	}
	// The implicit reward is the difference of two log-probabilities under the English instruction.
	for i, row := range samples {
		if row.Lang != "de" || row.Fault != "" {
			continue
		}
		var english string
		for _, e := range samples {
			if e.ID == row.ID && e.Lang == "en" {
				english = e.Prompt
			}
		}
		messages, err := found.run.Settings.Generate.Messages(english, "en")
		if err != nil {
			t.Fatal(err)
		}
		sums, _, err := found.m0.LM().Logprobs(t.Context(), []lm.Request{{ID: "x", Messages: messages}},
			[]string{row.Response})
		if got := rows["implicit"][i]; err != nil || math.Abs(got.Part("aligned")-sums[0]) > 1e-3*math.Abs(sums[0]) ||
			math.Abs(got.Score-got.Part("aligned")+got.Part("reference")) > 1e-9 {
			t.Errorf("implicit reward %+v, want the aligned part %g, %v", got, sums[0], err)
		}
		break
	}
	if err := found.run.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := everything(dir, url); err != nil {
		t.Fatal(err)
	}
	if again := requests.Load(); again != asked {
		t.Errorf("%d more requests by the same scorers on the same samples", again-asked)
	}
	t.Run("killed", func(t *testing.T) { testKilled(t, dir, url, whole) })
}

// testKilled kills the program at random points until it ends: with the same bytes as one that is left alone.
func testKilled(t *testing.T, straight, url string, whole time.Duration) {
	killed := filepath.Join(t.TempDir(), "run")
	random := rand.New(rand.NewPCG(3, 3))
	kills := 0
	for ; kills < 60; kills++ {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), "LIDR_TEST_RUN="+killed, "LIDR_TEST_SERVER="+url)
		command.Stderr = os.Stderr
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		wait := time.Duration(random.Int64N(int64(whole)))/6 + time.Duration(kills)*whole/40
		timer := time.AfterFunc(wait, func() { command.Process.Kill() })
		err := command.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		if command.ProcessState.Exited() {
			t.Fatalf("after %d kills the program failed: %v", kills, err)
		}
	}
	if kills == 0 { // the machine may be much quicker now than when the whole was measured
		t.Error("the program was never killed")
	}
	want, got := lidrtest.Hashes(t, filepath.Dir(straight)), lidrtest.Hashes(t, filepath.Dir(killed))
	for path, hash := range want {
		if got[path] != hash {
			t.Errorf("%s differs after %d kills", path, kills)
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			t.Errorf("%s was left behind", path)
		}
	}
	t.Logf("%d kills", kills)
}
