package lidr_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"lidrlab/lidr"
	"lidrlab/lidr/durable"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/lm/remote"
)

// everything is a small experiment with every step: a round on the embedded model, its report, and then the same
// prompts answered, translated, paired and judged by a server.
func everything(dir, url string) error {
	ctx := context.Background()
	if err := tiny(filepath.Join(dir, "local"), 4); err != nil {
		return err
	}
	s := lidr.MiniatureSettings()
	s.Prompts.N = 4
	run, err := lidr.Open(filepath.Join(dir, "served"), s)
	if err != nil {
		return err
	}
	server, err := remote.Open(ctx, remote.Options{Model: "judge", Endpoints: []string{url}, InFlight: 1})
	if err != nil {
		return err
	}
	m0 := lidr.UseModel("judge", server)
	prompts, err := lidr.Prompts(ctx, run, m0)
	if err != nil {
		return err
	}
	responses, err := lidr.Generate(ctx, run, m0, prompts)
	if err != nil {
		return err
	}
	translations, err := lidr.Translate(ctx, run, m0, responses)
	if err != nil {
		return err
	}
	pairs, _, err := lidr.Pairs(ctx, run, m0, responses, translations)
	if err != nil {
		return err
	}
	both := judge.Defaults()
	both.BothOrders = true
	chosen, rejected := pairs.Rename("response", "chosen"), pairs.Rename("response", "rejected")
	_, _, err = judge.Compare(ctx, run, "chosen-rejected", m0, chosen, rejected, both)
	return err
}

// talkingServer judges, and answers each prompt with its own words, as a translation if need be. It counts how often it
// is asked for each.
type talkingServer struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int
}

func newTalkingServer(t *testing.T) *talkingServer {
	s := &talkingServer{asked: map[string]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *talkingServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/v1/models" {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"judge","object":"model","created":1,"owned_by":"test"}]}`)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client was killed
	}
	text := ledger.Key(string(body))
	s.mu.Lock()
	s.asked[text]++
	s.mu.Unlock()
	if bytes.Contains(body, []byte("answer id=")) { // a judge's question: m or M, with probabilities
		p := float64(text[0]%8+1) / 10
		fmt.Fprintf(w, `{"choices":[{"finish_reason":"length","message":{"role":"assistant","content":"m"},`+
			`"logprobs":{"content":[`+
			`{"token":"m","logprob":0,"top_logprobs":[{"token":"m","logprob":%g},{"token":"M","logprob":%g}]}]}}],`+
			`"usage":{"prompt_tokens":100,"completion_tokens":1}}`, math.Log(p), math.Log(1-p))
		return
	}
	fmt.Fprintf(w, `{"choices":[{"finish_reason":"stop",`+
		`"message":{"role":"assistant","content":"<translated>%s %s</translated>"}}],`+
		`"usage":{"prompt_tokens":9,"completion_tokens":9}}`, text, strings.Repeat("*", int(text[0])%7))
}

// everythingKilled runs everything and ends the process by SIGKILL just before its n-th change of the disk. If it gets
// through, as it does with n = 0, it prints how many changes there were.
func everythingKilled(dir, url, n string) error {
	at, err := strconv.ParseInt(n, 10, 64)
	if err != nil {
		return err
	}
	changes := atomic.Int64{}
	durable.Before = func(operation, path string) error {
		if changes.Add(1) == at {
			process, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = process.Kill()
			}
			panic(fmt.Sprint("still alive after SIGKILL: ", err))
		}
		return nil
	}
	err = everything(dir, url)
	fmt.Println(changes.Load())
	return err
}

// crasher runs everything in processes of its own against one server.
type crasher struct {
	t      *testing.T
	server *talkingServer
	args   []string // of those processes
}

// run runs the program in dir, killed at its n-th change unless n is 0, and returns how many changes it made.
func (c crasher) run(dir string, n int) (changes int, killed bool) {
	command := exec.Command(os.Args[0], c.args...)
	command.Env = append(os.Environ(), "LIDR_TEST_RUN="+dir, "LIDR_TEST_JUDGE="+c.server.URL,
		"LIDR_TEST_KILL="+strconv.Itoa(n))
	out, err := command.CombinedOutput()
	if err == nil {
		fields := strings.Fields(string(out))
		changes, err = strconv.Atoi(fields[len(fields)-1])
		if err != nil {
			c.t.Fatalf("the program wrote %s", out)
		}
		return changes, false
	}
	if command.ProcessState.Exited() {
		c.t.Fatalf("killed at change %d, the next process failed: %v\n%s", n, err, out)
	}
	return 0, true
}

// placesIn returns at which of the changes to strike: at every LIDR_CRASH-th, or else at four.
func placesIn(changes int) []int {
	step, err := strconv.Atoi(os.Getenv("LIDR_CRASH"))
	if err != nil {
		step = changes / 4
	}
	var places []int
	for n := (step + 1) / 2; n <= changes; n += step {
		places = append(places, n)
	}
	return places
}

// same compares every file but timing.jsonl with those of the undisturbed run.
func (c crasher) same(dir string, want map[string][32]byte, what string) {
	got := lidrtest.Hashes(c.t, dir)
	for path, hash := range want {
		if got[path] != hash {
			c.t.Errorf("%s: %s differs", what, path)
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			c.t.Errorf("%s: %s was left behind", what, path)
		}
	}
}

// A run with a local model and a server, killed just before any of its writes, fsyncs, renames and removals, or in the
// middle of a write, ends with the bytes of an undisturbed one. Here a few of the places are tried, in one chain of
// kills and one by one; "make crash" tries every one, and 300 random ones in chains. In a chain the folder is moved
// after each kill.
func TestKilledAtEveryChange(t *testing.T) {
	c := crasher{t: t, server: newTalkingServer(t)}
	straight := filepath.Join(t.TempDir(), "runs")
	changes, _ := c.run(straight, 0)
	want := lidrtest.Hashes(t, straight)
	asked := maps.Clone(c.server.asked)

	places, enough, length := placesIn(changes), 1, 8
	if os.Getenv("LIDR_CRASH") != "" {
		enough, length = 300, 20
	}
	var working sync.WaitGroup
	var missed atomic.Int64
	next := make(chan int)
	for range 2 {
		working.Go(func() {
			for n := range next {
				dir := filepath.Join(t.TempDir(), "runs")
				if _, killed := c.run(dir, n); !killed {
					missed.Add(1) // answers that came back together were saved together, so there were fewer changes
				}
				c.run(dir, 0)
				c.same(dir, want, fmt.Sprintf("killed at change %d", n))
				os.RemoveAll(dir)
			}
		})
	}
	for _, n := range places {
		next <- n
	}
	close(next)
	working.Wait()
	if int(missed.Load()) > 1+len(places)/8 {
		t.Errorf("%d of %d runs were not killed", missed.Load(), len(places))
	}

	random, chain, kills, repeated := rand.New(rand.NewPCG(7, 7)), 0, 0, 0
	for ; kills < enough; chain++ {
		home := t.TempDir()
		dir := filepath.Join(home, "runs")
		c.server.asked = map[string]int{}
		own := 0
		for killed := true; killed && own < length; {
			if _, killed = c.run(dir, 1+random.IntN(changes/8)); killed {
				own++
				moved := filepath.Join(home, fmt.Sprint("moved", own)) // a run goes on wherever it lies
				if err := os.Rename(dir, moved); err != nil {
					t.Fatal(err)
				}
				dir = moved
			}
		}
		c.run(dir, 0)
		c.same(dir, want, fmt.Sprintf("chain %d of %d kills", chain, own))
		kills += own
		for text, n := range c.server.asked {
			repeated += n - asked[text]
		}
		// the one in flight, and one that came back in the instant before
		if len(c.server.asked) != len(asked) || repeated > 2*kills {
			t.Errorf("chain %d: %d different requests, expected %d; %d were asked again in %d kills", chain, len(c.server.asked),
				len(asked), repeated, kills)
		}
	}
	t.Logf("%d changes of the disk, killed at each of %d alone and %d times in %d chains, %d requests on the way asked "+
		"again",
		changes, len(places)-int(missed.Load()), kills, chain, repeated)
}

// A disk that fails at any change, for want of room or of permission, ends the step with one line that says where, and
// the next try ends with the bytes of an undisturbed run. "make crash" tries every change.
func TestFailingDisk(t *testing.T) {
	server := newTalkingServer(t)
	var changes, failAt int
	var mu sync.Mutex
	var at string
	durable.Before = func(operation, path string) error {
		mu.Lock()
		defer mu.Unlock()
		if changes++; changes == failAt {
			at = operation + " " + path
			return syscall.ENOSPC
		}
		return nil
	}
	defer func() { durable.Before = nil }()
	run := func(dir string, n int) error {
		changes, failAt, at = 0, n, ""
		return everything(dir, server.URL)
	}
	straight := filepath.Join(t.TempDir(), "runs")
	if err := run(straight, 0); err != nil {
		t.Fatal(err)
	}
	want, total, tried := lidrtest.Hashes(t, straight), changes, 0
	for _, n := range placesIn(total) {
		tried++
		dir := filepath.Join(t.TempDir(), "runs")
		if err := run(dir, n); at == "" {
			tried-- // answers that came back together were saved together, so there were fewer changes
		} else if err == nil || !errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "\n") {
			t.Errorf("no room at %s: error %v, expected one line that holds the cause", at, err)
		}
		where := at
		if err := run(dir, 0); err != nil {
			t.Errorf("after no room at %s: %v", where, err)
		}
		crasher{t: t}.same(dir, want, "no room at "+where)
		os.RemoveAll(dir)
	}
	t.Logf("%d changes of the disk, %d of them failed", total, tried)
}
