package report

import (
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

const hostileText = "\"><script>alert(1)</script><img src=x onerror=alert(1)>\" onmouseover=\"alert(1)' " +
	"[x](javascript:alert(1)) ![y](http://z) | <svg onload=alert(1)>\n# h\n```\n</style></pre>{{.}}"

// poison puts hostile text behind every text of a value, names and keys too, so that what refers to each other still
// does.
func poison(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() && v.String() != "" {
			v.SetString(v.String() + hostileText)
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			poison(v.Field(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem())
		}
	}
}

// elements checks a page or a figure: no element or attribute in it acts or leads elsewhere.
func elements(t *testing.T, what, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		if e, ok := token.(xml.StartElement); ok {
			switch strings.ToLower(e.Name.Local) {
			case "script", "img", "iframe", "link", "object", "embed", "foreignobject":
				t.Errorf("%s has an element %s", what, e.Name.Local)
			}
			for _, a := range e.Attr {
				name := strings.ToLower(a.Name.Local)
				if strings.HasPrefix(name, "on") || name == "src" || name == "href" && !strings.HasPrefix(a.Value, "#") {
					t.Errorf("%s: %s has %s=%.60q", what, e.Name.Local, a.Name.Local, a.Value)
				}
			}
		}
	}
}

// A prompt, an answer or the name of a model or judge is text in the report, and nothing else.
func TestHostileReport(t *testing.T) {
	d := invented()
	poison(reflect.ValueOf(&d).Elem())
	elements(t, "page", ours(t, html(t, d)))
	for _, f := range Figures(d) {
		for _, fig := range []interface{ SVG() ([]byte, error) }{f.Wide, f.Narrow} {
			svg, err := fig.SVG()
			if err != nil {
				t.Fatal(err)
			}
			elements(t, "figure", string(svg))
		}
	}
	b, err := Markdown(d)
	if err != nil {
		t.Fatal(err)
	}
	fenced := ""
	for _, line := range strings.Split(string(b), "\n") {
		marks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fenced == "" && len(marks) >= 3:
			fenced = marks
			continue
		case fenced != "" && line == fenced:
			fenced = ""
			continue
		case fenced != "":
			continue
		}
		bare := strings.NewReplacer(`\\`, "", `\[`, "", `\]`, "", `\|`, "", `\#`, "", "\\`", "").Replace(line)
		if strings.HasPrefix(bare, "![") && strings.HasSuffix(bare, ".svg)") && strings.Count(bare, "](") == 1 {
			continue // a figure of ours
		}
		if strings.ContainsAny(bare, "<[") || strings.Contains(bare, "](") || strings.HasPrefix(bare, "# h") {
			t.Errorf("Markdown outside a code block: %.200q", line)
		}
	}
	if fenced != "" {
		t.Error("a code block does not end")
	}
}
