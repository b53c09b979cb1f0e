package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"slices"
	"unicode/utf8"

	"lidrlab/lidr/printable"
)

var (
	//go:embed report.gohtml
	page string
	//go:embed report.css
	style string
	//go:embed report.js
	script string

	pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
		"svg":   inlineSVG,
		"style": func() template.CSS { return template.CSS(style) },
		"act":   func() template.JS { return template.JS(script) },
		"only":  onlyOurs,
		"inc":   func(i int) int { return i + 1 },
		"long":  longTiles,
	}).Parse(page))
)

// HTML writes the report as one page that needs nothing else: style, plots, and one script, by which tables are sorted
// and saved, are inside, and no link leads outside. Every text is escaped, and the page's policy lets no other script
// run and nothing be loaded.
func HTML(d Data) ([]byte, error) {
	doc, err := newDocument(d)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, doc); err != nil {
		return nil, err
	}
	return []byte(printable.Text(b.String())), nil
}

// onlyOurs is the page's Content Security Policy, which names its script by the SHA-256 of what stands in the element.
func onlyOurs() string {
	hash := sha256.Sum256([]byte("\n" + script))
	return "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" +
		base64.StdEncoding.EncodeToString(hash[:]) + "'"
}

// inlineSVG is a figure at one of its two widths as an element of the page. Its labels were escaped when it was drawn.
func inlineSVG(f *Figure, size string) (template.HTML, error) {
	fig := f.Wide
	if size == "narrow" {
		fig = f.Narrow
	}
	b, err := fig.InlineSVG()
	return template.HTML(b), err
}

// longTiles says whether a tile's value needs more room than a quarter of the page.
func longTiles(tiles []KeyFigure) bool {
	return slices.ContainsFunc(tiles, func(k KeyFigure) bool { return utf8.RuneCountInString(k.Value) > 14 })
}
