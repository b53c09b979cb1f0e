package browser

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// book are the cells of a notebook that shows what package lidr/cell draws.
var book = []string{
	"%noautoget\n!*test -f go.work || go work init . \"$LIDR_HOME\"",
	"import \"lidrlab/lidr\"\nimport \"lidrlab/lidr/cell\"\n\n" +
		"func settings() lidr.Settings {\n\ts := cell.Settings()\n\ts.Train.Epochs = 3\n\treturn s\n}\n\n" +
		"var first = cell.Begin(\"runs/first\", settings())",
	"%%\ncell.Show(cell.Bars(\"accuracy\", first.Scores(\"M0\")))",
	`type row struct {
	ID    int     ` + "`json:\"id\"`" + `
	Lang  string  ` + "`json:\"lang\"`" + `
	Value float64 ` + "`json:\"value\"`" + `
}

%%
rows := make([]row, 100_000)
for i := range rows {
	rows[i] = row{i, []string{"de", "ru"}[i%2], float64((i*7919)%2003) / 4}
}
cell.Show(rows)`,
	"%%\nfirst.M1()\ntime.Sleep(2 * time.Second)",
	"%%\nfirst.Report()",
}

// writeBook writes the notebook into a folder.
func writeBook(t *testing.T, dir string) {
	t.Helper()
	var cells []map[string]any
	for _, source := range book {
		cells = append(cells, map[string]any{"cell_type": "code", "execution_count": nil, "metadata": map[string]any{},
			"outputs": []any{}, "source": source})
	}
	kernel := map[string]string{"name": "lidr-gonb", "display_name": "lidr (GoNB)", "language": "go"}
	data, err := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 4, "cells": cells,
		"metadata": map[string]any{"kernelspec": kernel}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "book.ipynb"), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// jupyter starts a Jupyter on a folder, with the kernel that make notebook installs, and returns its address.
func jupyter(t *testing.T, program, dir string) string {
	t.Helper()
	home, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "LIDR_SMALL=1", "JUPYTER_DATA_DIR="+t.TempDir(), "JUPYTER_CONFIG_DIR="+t.TempDir())
	install := built(t, "lidr", "kernel", "install", "--gopls")
	install.Env, install.Dir = env, home
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close() // for Jupyter, which takes no port of the system's choice
	server := exec.Command("jupyter", program, "--no-browser", "--allow-root", "--ip=127.0.0.1",
		fmt.Sprint("--port=", port), "--NotebookApp.token=lidr", "--IdentityProvider.token=lidr")
	server.Env, server.Dir = env, dir
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGTERM) // which ends its kernels too
		done := make(chan struct{})
		go func() { _ = server.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = server.Process.Kill()
		}
	})
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return "http://" + address
		}
		if time.Now().After(end) {
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("jupyter %s does not listen: %s", program, said)
		}
	}
}

// A front end is where a notebook is opened: its classes, and when its kernel waits for work.
type frontEnd struct {
	program, path   string
	cell, prompt    string
	idle            string
	figure, picture string // a figure as SVG, and as PNG
	help            string
}

func frontEnds(t *testing.T) []frontEnd {
	// JupyterLab takes no status from how a kernel introduces itself: until the first cell GoNB's is unknown.
	lab := frontEnd{"lab", "/lab/tree/", ".jp-CodeCell", ".jp-CodeCell .jp-InputPrompt",
		"/idle|unknown/.test(document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status)",
		".jp-RenderedSVG", ".jp-RenderedImage img", ".jp-Tooltip"}
	out, err := exec.Command("jupyter", "notebook", "--version").Output()
	if err != nil {
		t.Skip("no Jupyter: make jupyter installs it")
	}
	major, _, _ := strings.Cut(string(out), ".")
	notebook := lab
	if n, _ := strconv.Atoi(major); n < 7 {
		notebook = frontEnd{"notebook", "", ".code_cell", ".code_cell .input_prompt",
			"Jupyter.notebook.kernel?.is_connected() && !Jupyter.notebook.kernel_busy", ".output_svg svg",
			".output_png img", "#tooltip"}
	}
	notebook.program, notebook.path = "notebook", "/notebooks/"
	all := []frontEnd{notebook}
	if exec.Command("jupyter", "lab", "--version").Run() == nil {
		all = append(all, lab)
	}
	return all
}

// A notebook draws SVG, pages and sorts a long frame, shows a training's curves while it works and a function's help,
// and links the report. It takes three to five minutes a front end beside other work.
func TestNotebook(t *testing.T) {
	if os.Getenv("LIDR_BROWSER_JUPYTER") == "" {
		t.Skip("set LIDR_BROWSER_JUPYTER=1: a Jupyter in chromium takes minutes")
	}
	for _, f := range frontEnds(t) {
		t.Run(f.program, func(t *testing.T) {
			b := open(t)
			dir := t.TempDir()
			writeBook(t, dir)
			address := jupyter(t, f.program, dir)
			b.do(chromedp.EmulateViewport(1280, 1000), chromedp.Navigate(address+f.path+"book.ipynb?token=lidr"))
			b.within(3*time.Minute, fmt.Sprintf("document.querySelectorAll(%q).length == %d", f.cell, len(book)))
			curves := false
			for i := range book {
				b.runCell(f, i, func() {
					if !curves && eval[bool](b, "document.querySelectorAll('svg polyline').length == 2") {
						curves = true
						b.shoot(f.program + "-curves")
					}
				})
				b.shoot(fmt.Sprintf("%s-cell-%d", f.program, i+1))
			}
			if !curves {
				t.Error("no curves were drawn while a model was trained")
			}
			b.within(time.Minute, fmt.Sprintf("document.querySelector(%q)", f.figure))
			b.within(time.Minute, `document.querySelector(".lidr-frame[data-live]")`)
			shown := `Array.from(document.querySelectorAll(".lidr-frame tbody tr")).map(r => r.cells[0].textContent).join()`
			if got := eval[string](b, shown); !strings.HasPrefix(got, "0,1,2,") || strings.Count(got, ",") != 49 {
				t.Errorf("the first page of a long frame has %s", got)
			}
			b.press(".lidr-frame [aria-label='rows after']")
			if got := eval[string](b, shown); !strings.HasPrefix(got, "50,51,") {
				t.Errorf("the second page has %s", got)
			}
			b.press(".lidr-frame th:nth-child(3) button")
			b.press(".lidr-frame th:nth-child(3) button")
			if got := eval[string](b, shown); !strings.HasPrefix(got, "280,560,840,") {
				t.Errorf("sorted by value, downwards, it begins with %s", got)
			}
			b.shoot(f.program + "-sorted")
			b.help(f)
			b.shoot(f.program + "-help")
			b.do(chromedp.KeyEvent(kb.Escape))
			b.report(address)
			b.shoot(f.program + "-report")
			open(t).committed(f, address, dir) // in a tab of its own: the other has unsaved changes
		})
	}
}

// runCell runs a cell as a user does and waits for its end. A key that is pressed while a kernel or the page is not
// ready is lost: the kernel has to wait for work first, and what does not begin is pressed again.
func (b *tab) runCell(f frontEnd, i int, meanwhile func()) {
	b.t.Helper()
	start := time.Now()
	b.within(3*time.Minute, f.idle)
	var pressed time.Time
	for end := time.Now().Add(6 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		prompt := eval[string](b, fmt.Sprintf("document.querySelectorAll(%q)[%d].textContent", f.prompt, i))
		switch {
		case regexp.MustCompile(`\[\d+\]`).MatchString(prompt):
			b.t.Logf("cell %d took %.1f s", i+1, time.Since(start).Seconds())
			return
		case !strings.Contains(prompt, "*") && time.Since(pressed) > 10*time.Second:
			b.click(f.prompt, i)
			b.do(chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierShift)))
			pressed = time.Now()
		case time.Now().After(end):
			b.shoot(f.program + "-stuck")
			b.t.Fatalf("cell %d does not end", i+1)
		}
		meanwhile()
	}
}

// committed opens a notebook with its outputs, which nobody has run here: no program trusts it, and its figures are PNG.
func (b *tab) committed(f frontEnd, address, dir string) {
	b.t.Helper()
	const name = "01_quickstart.ipynb"
	data, err := os.ReadFile(filepath.Join(root, "notebooks", name))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(1000, 900), chromedp.Navigate(address+f.path+name))
	b.within(time.Minute, fmt.Sprintf("document.querySelector(%q)", f.picture))
	b.shoot(f.program + "-quickstart")
}

// report follows the link to the report, which is a page of its own or, in JupyterLab, a tab of it.
func (b *tab) report(address string) {
	b.t.Helper()
	page := eval[string](b, `fetch(document.querySelector("a[href*='report.html']").href).then(r => r.text())`)
	const title = "Language Imbalance Driven Rewarding"
	if !strings.Contains(page, "<title>"+title) {
		b.t.Errorf("the link to the report leads to %.200q", page)
	}
	b.press("a[href*='report.html']")
	inside := fmt.Sprintf("!!document.querySelector('.jp-HTMLViewer iframe')?.contentDocument?.title.startsWith(%q)",
		title)
	for end := time.Now().Add(time.Minute); !eval[bool](b, inside); {
		targets, err := chromedp.Targets(b.ctx)
		if err != nil {
			b.t.Fatal(err)
		}
		if slices.ContainsFunc(targets, func(i *target.Info) bool {
			return strings.HasPrefix(i.URL, address) && strings.Contains(i.URL, "report.html")
		}) {
			return
		}
		if time.Now().After(end) {
			b.t.Fatal("a click on the link opens no report")
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// help asks for the help of a function as a user does, and waits for it.
func (b *tab) help(f frontEnd) {
	b.t.Helper()
	at := eval[[2]float64](b, fmt.Sprintf(`(() => {
		const cell = document.querySelectorAll(%q)[2], walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
		cell.scrollIntoView();
		for (let node; node = walk.nextNode();) {
			const i = node.data.indexOf("Scores");
			if (i >= 0) {
				const range = document.createRange();
				range.setStart(node, i);
				range.setEnd(node, i + 6);
				const r = range.getBoundingClientRect();
				return [r.x + r.width / 2, r.y + r.height / 2];
			}
		}
		return [0, 0];
	})()`, f.cell))
	b.do(chromedp.MouseClickXY(at[0], at[1]))
	help := fmt.Sprintf("(document.querySelector(%q) || {textContent: ''}).textContent.includes('Scores evaluates')", f.help)
	// While gopls reads the packages, the kernel gives up after some seconds and says so in the help's place. It answers
	// one question after the other.
	for end := time.Now().Add(4 * time.Minute); ; {
		b.do(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
		time.Sleep(time.Second)
		b.within(time.Minute, f.idle)
		for range 10 {
			if eval[bool](b, help) {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		if time.Now().After(end) {
			b.shoot(f.program + "-helpless")
			b.t.Fatal("Shift-Tab shows no help of a function")
		}
	}
}

// within waits for an expression to be true: a Jupyter takes its time.
func (b *tab) within(limit time.Duration, expression string) {
	b.t.Helper()
	for end := time.Now().Add(limit); !eval[bool](b, "!!("+expression+")"); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			b.shoot("never")
			b.t.Fatalf("it does not hold within %s that %s", limit, expression)
		}
	}
}

// press clicks on an element wherever it is.
func (b *tab) press(selector string) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf("(document.querySelector(%q).click(), true)", selector))
}

// click clicks on what is in the middle of the i-th of the elements.
func (b *tab) click(selector string, i int) {
	b.t.Helper()
	at := eval[[2]float64](b, fmt.Sprintf(`(e => {
		e.scrollIntoView({ block: "nearest" });
		const r = e.getBoundingClientRect();
		return [r.x + r.width / 2, r.y + r.height / 2];
	})(document.querySelectorAll(%q)[%d])`, selector, i))
	b.do(chromedp.MouseClickXY(at[0], at[1]))
}
