package browser

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// root is the folder of the product's module.
const root = "../.."

// commands builds the command, and the tests of lidr/view, which write a run, once.
var commands = sync.OnceValues(func() (string, error) {
	dir, err := filepath.Abs(filepath.Join(root, "bin", "browser-test"))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, args := range [][]string{
		{"build", "-o", filepath.Join(dir, "lidr"), "./lidr/cmd/lidr"},
		{"test", "-c", "-o", filepath.Join(dir, "write"), "./lidr/view"},
	} {
		build := exec.Command("go", args...)
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
	}
	return dir, nil
})

// built is a command that the tests run.
func built(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	dir, err := commands()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(filepath.Join(dir, name), args...)
}

// writeRun makes the run folder of the tests of lidr/view.
func writeRun(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "runs", "hostile")
	write := built(t, "write")
	write.Env = append(os.Environ(), "LIDR_VIEW_RUN="+dir)
	if out, err := write.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// serve starts lidr view on run folders, and returns its address.
func serve(t *testing.T, args ...string) string {
	t.Helper()
	server := built(t, "lidr", append([]string{"view", "--listen", "127.0.0.1:0"}, args...)...)
	server.Dir = root
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	address := regexp.MustCompile(`http://[0-9.:]+`).FindString(line)
	if address == "" {
		t.Fatalf("lidr view said %q (%v), expected its address", line, err)
	}
	return address
}

// tab is a page of the browser, and what went wrong on it.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string
}

// browser is one chromium for all tests, each in a tab of its own; without one it is nil.
var browser context.Context

func TestMain(m *testing.M) {
	code := func() int {
		chromium, err := exec.LookPath("chromium")
		if err != nil {
			return m.Run()
		}
		flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox,
			chromedp.Flag("lang", "en"))
		ctx, stop := chromedp.NewExecAllocator(context.Background(), flags...)
		defer stop()
		ctx, cancel := chromedp.NewContext(ctx)
		defer cancel()
		if err := chromedp.Do(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "chromium does not start:", err)
			return 1
		}
		browser = ctx
		return m.Run()
	}()
	os.Exit(code)
}

// open opens a tab; without a chromium the test is skipped.
func open(t *testing.T) *tab {
	t.Helper()
	if browser == nil {
		t.Skip("no chromium: make chromium installs it")
	}
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	return b
}

// hear notes what a page complains of.
func (b *tab) hear(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		text = fmt.Sprint(e.Type)
		for _, arg := range e.Args {
			text += " " + string(arg.Value)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" && !strings.Contains(e.Entry.Text, "404") {
			text = e.Entry.Text
		}
	case *page.EventJavascriptDialogOpening:
		text = "dialog: " + e.Message
	}
	if text != "" {
		b.mu.Lock()
		b.problems = append(b.problems, text)
		b.mu.Unlock()
	}
}

// do takes steps on the page.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// get returns what an action finds.
func get[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// eval returns the value of an expression.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	return get(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// look opens an address.
func (b *tab) look(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address), chromedp.WaitReady("main"))
}

// medium is how a page is shown.
type medium struct {
	name   string
	width  int64
	scheme string
	print  bool
}

var media = []medium{
	{"1280-light", 1280, "light", false}, {"500-light", 500, "light", false},
	{"1280-dark", 1280, "dark", false}, {"500-dark", 500, "dark", false},
	{"print", 794, "light", true},
}

// as shows pages so from now on.
func (b *tab) as(m medium) {
	b.t.Helper()
	media := emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: m.scheme}},
	}
	if m.print {
		media.Media = "print"
	}
	b.do(chromedp.EmulateViewport(m.width, 900))
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
		b.t.Fatal(err)
	}
}

// until waits for an expression to be true.
func (b *tab) until(expression string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if eval[bool](b, "!!("+expression+")") {
			return
		}
	}
	b.t.Fatalf("it never holds that %s", expression)
}

// well is an error for what the page has complained of.
func (b *tab) well(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.problems) > 0 {
		b.t.Errorf("%s: %s", where, strings.Join(b.problems, "\n"))
	}
	b.problems = nil
}

// shoot writes a picture of the page into LIDR_SHOTS, if that names a folder.
func (b *tab) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("LIDR_SHOTS")
	if dir == "" {
		return
	}
	picture := get(b, chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
