package remote

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lidrlab/lidr/ledger"
)

func announce(t *testing.T, folder, name string, f *fake) {
	t.Helper()
	if err := Announce(folder, name, Announcement{URL: f.url() + "/v1", Model: "m"}); err != nil {
		t.Error(err)
	}
}

// Requests under way follow the servers that announce themselves: one moves to another address, one is added, and one
// withdraws and is asked no more.
func TestAnnouncedServersAreFollowed(t *testing.T) {
	folder := t.TempDir()
	first, moved, added, leaving := newFake(t), newFake(t), newFake(t), newFake(t)
	gate := make(chan struct{})
	first.script = func(_ http.ResponseWriter, _ *http.Request, prompt string, _ int) bool {
		if prompt == "prompt 20" {
			if err := Withdraw(folder, "two"); err != nil {
				t.Error(err)
			}
			announce(t, folder, "one", moved)
			announce(t, folder, "three", added)
			go first.stop()
			return true
		}
		return false
	}
	followed := sync.OnceFunc(func() { close(gate) })
	slow := func(http.ResponseWriter, *http.Request, string, int) bool {
		followed() // who is asked here was found where the other was missed
		time.Sleep(time.Millisecond)
		return false
	}
	leaving.script = func(http.ResponseWriter, *http.Request, string, int) bool {
		<-gate
		return false
	}
	moved.script, added.script = slow, slow
	announce(t, folder, "one", first)
	announce(t, folder, "two", leaving)
	m, err := openFast(t, Options{Model: "m", Endpoints: []string{folder}, InFlight: 4})
	if err != nil {
		t.Fatal(err)
	}
	reqs := prompts(400)
	answers, _, err := collect(t, m, ledger.Store{Dir: t.TempDir()}, reqs)
	if err != nil {
		t.Fatal(err)
	}
	checkAnswers(t, reqs, answers)
	for name, f := range map[string]*fake{"the moved": moved, "the added": added} {
		if len(f.answered) < 100 {
			t.Errorf("%s server has answered %d requests, expected about half of the rest", name, len(f.answered))
		}
	}
	if leaving.total > 4 {
		t.Errorf("the server that left was asked %d requests, expected at most the 4 in flight", leaving.total)
	}
}

// What a folder says that is wrong is named: nobody there, a stale file, a file that is none.
func TestAnnouncementsThatFail(t *testing.T) {
	folder := t.TempDir()
	fails := func(want string) {
		t.Helper()
		_, err := openFast(t, Options{Model: "m", Endpoints: []string{folder}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected one with %q", err, want)
		}
		if unreachable := !strings.Contains(want, "url is missing"); errors.Is(err, ErrUnreachable) != unreachable {
			t.Errorf("%v: unreachable %v, expected %v", err, !unreachable, unreachable)
		}
	}
	fails("no server has announced in " + folder + " that it serves m")
	gone, alive := newFake(t), newFake(t)
	gone.stop()
	announce(t, folder, "gone", gone)
	fails("announced in " + filepath.Join(folder, "gone.json") + "; delete it if that server is gone")
	announce(t, folder, "alive", alive)
	m, err := openFast(t, Options{Model: "m", Endpoints: []string{folder}})
	if err != nil {
		t.Fatal(err)
	}
	answers, _, err := collect(t, m, ledger.Store{Dir: t.TempDir()}, prompts(10))
	if err != nil {
		t.Fatalf("beside a stale announcement: %v", err)
	}
	checkAnswers(t, prompts(10), answers)
	if err := errors.Join(Withdraw(folder, "alive"), Withdraw(folder, "gone")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := collect(t, m, ledger.Store{Dir: t.TempDir()}, prompts(1)); !errors.Is(err, ErrUnreachable) ||
		!strings.Contains(err.Error(), "no server is announced in "+folder+" any more") {
		t.Errorf("after the last has left: error %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "x.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	fails(fmt.Sprintf("%s: url is missing", filepath.Join(folder, "x.json")))
}

// Whatever a file of a folder holds, it is an address or an error.
func FuzzAnnouncement(f *testing.F) {
	for _, text := range []string{`{"url":"http://a:1/v1","model":"m"}`, `{}`, `[`, `{"url":1}`, ""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "x.json"), text, 0o644); err != nil {
			t.Fatal(err)
		}
		if urls, files, err := announced(folder, ""); err == nil && (len(urls) != 1 || files[urls[0]] == "") {
			t.Errorf("%q: %v", text, urls)
		}
	})
}
