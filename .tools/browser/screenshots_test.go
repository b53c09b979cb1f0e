package browser

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestScreenshots writes the pictures of the READMEs: the pages and the report of the run that LIDR_SCREENSHOTS names,
// by its path from the root of this repository, and a notebook as Jupyter's own program shows it. make screenshots.
func TestScreenshots(t *testing.T) {
	run := os.Getenv("LIDR_SCREENSHOTS")
	if run == "" {
		t.Skip("LIDR_SCREENSHOTS names no run: make screenshots does")
	}
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	b := open(t)
	view, name := serve(t, run), url.QueryEscape(filepath.Base(run))
	convert := exec.Command("jupyter", "nbconvert", "--to", "html", "--output-dir", t.TempDir(), "--output", "page",
		"notebooks/01_quickstart.ipynb")
	convert.Dir = root
	if out, err := convert.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	notebook := filepath.Join(convert.Args[5], "page.html")
	b.as(media[0])
	for _, s := range []struct {
		file, address, at string // at is what stands in the middle, "" for the top of the page
		height            int64
	}{
		{"lidr/view/readme/verdicts.png",
			view + "/browse?kind=verdicts&model=M2&beside=M0&lang=ru&change=better&run=" + name, "", 1200},
		{"lidr/report/readme/report.png", "file://" + filepath.Join(here, run, "report.html"), "", 1200},
		{"notebooks/readme/quickstart.png", "file://" + notebook, ".jp-OutputArea svg, .jp-OutputArea img", 1000},
	} {
		b.do(chromedp.EmulateViewport(1120, s.height))
		b.look(s.address)
		if s.at != "" {
			eval[any](b, "document.querySelector(`"+s.at+"`).scrollIntoView({ block: 'center' })")
			b.until("!document.querySelector('#MathJax_Message')?.checkVisibility()")
		}
		path := filepath.Join(root, filepath.FromSlash(s.file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(get(b, chromedp.CaptureScreenshot())))
		if err != nil {
			t.Fatal(err)
		}
		var small bytes.Buffer
		if err := png.Encode(&small, fewColors(picture)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, small.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// fewColors is a picture in its 256 most frequent colours, which takes a third of the bytes.
func fewColors(picture image.Image) image.Image {
	counts := map[color.Color]int{}
	size := picture.Bounds()
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			counts[picture.At(x, y)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return counts[b] - counts[a] })
	out := image.NewPaletted(size, colors[:min(256, len(colors))])
	draw.Draw(out, size, picture, size.Min, draw.Src)
	return out
}
