package view

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// madeRun is a run folder of package viewtest, made once and copied.
var madeRun = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "view")
	if err != nil {
		return "", err
	}
	return dir, writeFixture(filepath.Join(dir, "runs", "hostile"))
})

// The tests in a browser have this program write the run for them.
func TestMain(m *testing.M) {
	if dir := os.Getenv("LIDR_VIEW_RUN"); dir != "" {
		if err := writeFixture(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if dir, err := madeRun(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// runFolder is a copy of its own of the run folder.
func runFolder(t *testing.T) string {
	t.Helper()
	from, err := madeRun()
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(to, "runs", "hostile")
}

func newServer(t *testing.T, o Options, dirs ...string) *Server {
	t.Helper()
	s, err := New(dirs, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask answers a request as a browser on this machine sends it.
func ask(s *Server, method, address string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8001"+address, nil)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func get(s *Server, address string) *httptest.ResponseRecorder { return ask(s, "GET", address, nil) }

// Requests that a page of the web can make a browser send are refused; a link that is followed is not.
func TestForeignRequestsAreRefused(t *testing.T) {
	s := newServer(t, Options{}, runFolder(t))
	header := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(pairs); i += 2 {
				r.Header.Set(pairs[i], pairs[i+1])
			}
		}
	}
	fetched := func(site, mode, dest string) func(*http.Request) {
		return header("Sec-Fetch-Site", site, "Sec-Fetch-Mode", mode, "Sec-Fetch-Dest", dest)
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	for what, test := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"plain":              {nil, 200},
		"localhost":          {host("localhost:8001"), 200},
		"IPv6":               {host("[::1]:8001"), 200},
		"a rebound name":     {host("evil.example:8001"), 403},
		"a name like ours":   {host("localhost.evil.example"), 403},
		"another machine":    {host("192.168.1.2:8001"), 403},
		"no host":            {host(""), 403},
		"own origin":         {header("Origin", "http://127.0.0.1:8001"), 200},
		"foreign origin":     {header("Origin", "http://evil.example"), 403},
		"origin null":        {header("Origin", "null"), 403},
		"another port":       {header("Origin", "http://127.0.0.1:9999"), 403},
		"foreign fetch":      {fetched("cross-site", "no-cors", "image"), 403},
		"foreign frame":      {fetched("cross-site", "navigate", "iframe"), 403},
		"same site, no page": {header("Sec-Fetch-Site", "same-site"), 403},
		"a link":             {fetched("cross-site", "navigate", "document"), 200},
	} {
		w := ask(s, "GET", "/run?run=hostile", test.change)
		if w.Code != test.status {
			t.Errorf("%s: status %d, expected %d", what, w.Code, test.status)
		}
		h := w.Header()
		if csp := h.Get("Content-Security-Policy"); csp != policy || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: answered with the policy %q", what, csp)
		}
	}
	for _, method := range []string{"PUT", "DELETE", "OPTIONS", "PATCH"} {
		if w := ask(s, method, "/run", nil); w.Code != 405 {
			t.Errorf("%s: status %d, expected 405", method, w.Code)
		}
	}
	if w := get(s, "/browse?text="+strings.Repeat("a", maxAddress)); w.Code != http.StatusRequestURITooLong {
		t.Errorf("a long address: status %d", w.Code)
	}
}

// Other machines cannot reach the pages, whatever is asked for.
func TestListensHereAlone(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "[::]:0"} {
		l, err := Listen(context.Background(), address)
		if err == nil {
			l.Close()
			t.Errorf("it listens on %s", address)
		}
		if _, ok := err.(*net.OpError); !ok && err != nil && !strings.Contains(err.Error(), "ssh -L") {
			t.Errorf("%s: %v, expected what to do instead", address, err)
		}
	}
}

// No path, name or link leads out of the run folder, in whatever field it stands.
func TestNothingOutsideIsRead(t *testing.T) {
	dir := runFolder(t)
	secret := filepath.Join(filepath.Dir(filepath.Dir(dir)), "secret")
	if err := os.MkdirAll(secret, 0o755); err != nil {
		t.Fatal(err)
	}
	line := `{"id":"treasure","lang":"en","prompt":"treasure","response":"treasure","chosen":"treasure","rejected":"x"}` +
		"\n"
	for _, name := range []string{"prompts.jsonl", "pairs.jsonl", "en.jsonl", "train.jsonl"} {
		if err := os.WriteFile(filepath.Join(secret, name), []byte(line), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target string, parts ...string) {
		path := filepath.Join(append([]string{dir}, parts...)...)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		_ = os.RemoveAll(path)
		if err := os.Symlink(target, path); err != nil {
			t.Skip("no symbolic links here:", err)
		}
	}
	link(filepath.Join(secret, "pairs.jsonl"), "M0", "pairs.jsonl")
	link("../../../secret/prompts.jsonl", "M0", "prompts.jsonl")
	link(secret, "M0", "responses")
	link(filepath.Join(secret, "train.jsonl"), "M1", "train.jsonl")
	link(secret, "M3")
	s := newServer(t, Options{Rate: true, Rater: "tester"}, dir)
	for _, kind := range kindNames {
		for _, rest := range []string{"", "&lang=en", "&state=dropped", "&model=M0", "&model=M3", "&model=../secret",
			"&lang=../../secret/en"} {
			if page := get(s, "/browse?kind="+kind+rest).Body.String(); strings.Contains(page, "treasure") {
				t.Errorf("%s%s shows what lies outside of the run folder", kind, rest)
			}
		}
	}
	for _, address := range []string{"/../../etc/passwd", "/%2e%2e/secret", "/page/view.css", "/run?run=../secret",
		"/run?run=..", "/rate?pair=../../x-y", "/view.css/../../secret"} {
		if w := get(s, address); w.Code < 300 || strings.Contains(w.Body.String(), "treasure") {
			t.Errorf("%s: status %d", address, w.Code)
		}
	}
	for _, lang := range []string{"../../secret/en", "/etc", ".", "a/b", `a\b`, "\x00"} {
		bad := t.TempDir()
		if err := os.WriteFile(filepath.Join(bad, "settings.json"), settingsNaming(lang), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := New([]string{bad}, Options{}); err == nil {
			t.Errorf("a run with the language %q is opened", lang)
		}
	}
}

// What texts say is escaped wherever it stands, and no page has a script or style of its own.
func TestNoTextBecomesHTML(t *testing.T) {
	dir := runFolder(t)
	s := newServer(t, Options{Rate: true, Rater: "tester"}, dir)
	inline := regexp.MustCompile(`(?i)<script(?: src="/view\.js" defer)?>|<style|\son[a-z]+=|\sstyle=|javascript:`)
	escape := url.QueryEscape
	for _, address := range []string{"/run", "/leaderboard", "/rate", "/browse?kind=answers", "/browse?kind=judged",
		"/browse?kind=mtbench", "/browse?kind=samples", "/browse?kind=panel", "/browse?kind=mtpairs",
		"/browse?kind=pairs&text=harmed", "/browse?kind=translations&state=faulty",
		"/browse?kind=verdicts&model=M2&beside=M0", "/browse?kind=prompts&id=" + escape(hostile[1]),
		"/browse?model=" + escape(hostile[0]), "/run?metric=" + escape(hostile[0]), "/%3Cscript%3E",
		"/browse?kind=answers&lang=" + escape(`"><script>x</script>`), "/browse?text=" + escape(hostile[1])} {
		page := get(s, address).Body.String()
		for _, found := range inline.FindAllString(unescaped.ReplaceAllString(page, ""), -1) {
			if found != `<script src="/view.js" defer>` {
				t.Errorf("%s has %q", address, found)
			}
		}
		if strings.Contains(page, "\u202e") {
			t.Errorf("%s has a character that turns the direction of the page", address)
		}
	}
	script, err := fs.ReadFile(assets, "page/view.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("} {
		if bytes.Contains(script, []byte(way)) {
			t.Errorf("view.js uses %s", way)
		}
	}
}

// unescaped are texts between tags and in attributes, where what looks like an attribute is none.
var unescaped = regexp.MustCompile(`"[^"<>]*"|>[^<]*<`)

// A large file, a long line, a broken one and a pipe are told, and hold nothing up.
func TestHostileFilesAreTold(t *testing.T) {
	dir := runFolder(t)
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(filepath.Join(dir, "M1", "pairs.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	write("M1/pairs.jsonl", append([]byte("{\"id\": 7}\nnot json\n\xff\xfe\n[1,2]\n"), whole...))
	write("M0/pairs.jsonl", bytes.Repeat([]byte("a"), maxLine+2*block))
	write("M0/pairs.stats.json", make([]byte, maxJSON+1))
	write("M2/eval/scores.json", []byte(`[{"value": "NaN"}]`))
	write("M2/train.jsonl", []byte(`{"step":1,"loss":1e308,"grad_norm":-1e308}`+"\n"+
		`{"step":9223372036854775807,"loss":5e-324}`+"\n"))
	s := newServer(t, Options{}, dir)
	page := get(s, "/browse?kind=pairs").Body.String()
	for _, want := range []string{"M1/pairs.jsonl has 4 lines that could not be read", "the first is line 1",
		"M0/pairs.jsonl has a line of more than", "M1/pairs.jsonl is not what the run wrote"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	page = get(s, "/run").Body.String()
	if !strings.Contains(page, "scores.json") || !strings.Contains(page, "Learning curves") {
		t.Error("the page of the run does not say that scores.json cannot be read, or has no curves")
	}
}

// Without --rate nothing can be written; with it a rating needs the token of this start, our own origin, a form, and
// the texts that were shown.
func TestRatingsAreGuarded(t *testing.T) {
	dir := runFolder(t)
	s := newServer(t, Options{Rate: true, Rater: "tester", Seed: 3}, dir)
	page := get(s, "/rate?pair=M2-M0").Body.String()
	key := regexp.MustCompile(`name="key" value="([^"]+)"`).FindStringSubmatch(page)
	if key == nil {
		t.Fatal("the page has no question")
	}
	form := func(token, key, better string) url.Values {
		return url.Values{"token": {token}, "run": {"hostile"}, "pair": {"M2-M0"}, "key": {key}, "better": {better}}
	}
	post := func(s *Server, values url.Values, change func(*http.Request)) int {
		r := httptest.NewRequest("POST", "http://127.0.0.1:8001/rate", strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if change != nil {
			change(r)
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code
	}
	good := form(s.token, key[1], "left")
	long := form(s.token, key[1], "left")
	long.Set("run", strings.Repeat("a", maxForm))
	for what, test := range map[string]struct {
		status int
		got    int
	}{
		"no token":        {403, post(s, form("", key[1], "left"), nil)},
		"another token":   {403, post(s, form("x"+s.token[1:], key[1], "left"), nil)},
		"foreign origin":  {403, post(s, good, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") })},
		"foreign site":    {403, post(s, good, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })},
		"no form":         {400, post(s, good, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })},
		"other texts":     {409, post(s, form(s.token, "en0", "left"), nil)},
		"no choice":       {400, post(s, form(s.token, key[1], "up"), nil)},
		"too long":        {400, post(s, long, nil)},
		"without --rate":  {404, post(newServer(t, Options{}, dir), good, nil)},
		"token elsewhere": {403, post(newServer(t, Options{Rate: true, Rater: "tester"}, dir), good, nil)},
	} {
		if test.got != test.status && !(what == "without --rate" && test.got == 403) {
			t.Errorf("%s: status %d, expected %d", what, test.got, test.status)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "judged", "M2-M0")); err == nil {
		t.Error("a refused rating was saved")
	}
	if got := post(s, good, nil); got != http.StatusSeeOther {
		t.Errorf("a rating: status %d, expected 303", got)
	}
	for _, rater := range []string{"", "../x", "a/b", "a b", `a\b`, "."} {
		if _, err := New([]string{dir}, Options{Rate: true, Rater: rater}); err == nil {
			t.Errorf("a rater may be named %q", rater)
		}
	}
}

// A run folder that cannot be read is noted, and the others are shown.
func TestUnreadableFolderIsSkipped(t *testing.T) {
	bad := t.TempDir()
	if err := os.WriteFile(filepath.Join(bad, "settings.json"), []byte(`{"rounds": 1`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New([]string{bad}, Options{}); err == nil {
		t.Error("a server of no run was made")
	}
	for _, address := range []string{"/run", "/leaderboard"} {
		if page := get(newServer(t, Options{}, bad, runFolder(t)), address).Body.String(); !strings.Contains(page, bad) {
			t.Errorf("%s does not name the folder that cannot be read", address)
		}
	}
}
