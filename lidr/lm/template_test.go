package lm

import (
	"strings"
	"testing"
)

func TestTemplate(t *testing.T) {
	for text, want := range map[string]string{
		"{{.Prompt}} in {{.Language}}": "",
		"{{.Prompt}}":                  "",
		"always the same":              "field wrap never uses {{.Prompt}}",
		"{{.Language}} only":           "field wrap never uses {{.Prompt}}",
		"{{.Prompt}} {{.Langauge}}":    `field wrap: template: wrap:1:14: executing "wrap" at <.Langauge>: map has no entry`,
		"{{.Prompt":                    "field wrap: template: wrap:1: unclosed action",
	} {
		parsed, err := ParseTemplate("wrap", text, []string{"Prompt"}, "Language")
		if want != "" {
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%q: %v, expected %s", text, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		made, err := parsed.Render(map[string]string{"Prompt": "2+2?", "Language": "German"})
		if err != nil || !strings.HasPrefix(made, "2+2?") {
			t.Errorf("%q makes %q, %v", text, made, err)
		}
	}
}
