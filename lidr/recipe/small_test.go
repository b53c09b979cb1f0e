package recipe

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr/lidrtest"
)

// asked are the files of a run that hold what was asked of models, by the model that a recipe asks, and what they said.
var asked = regexp.MustCompile(`(^|/)(M\d+/(prompts|responses|translations|pairs|eval|train\.jsonl)|judged)`)

// signature is of all requests of a recipe's run at its small size: equal requests to the same models have equal
// answers.
func signature(t *testing.T, r Recipe, dir string) string {
	t.Helper()
	singles, err := r.singles()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, one := range singles {
		lines = append(lines, one.Model.Path, one.Judge.Path, one.Translator.Path)
	}
	hashes := lidrtest.Hashes(t, dir)
	for _, path := range slices.Sorted(maps.Keys(hashes)) {
		if asked.MatchString(filepath.ToSlash(path)) {
			lines = append(lines, fmt.Sprintf("%s %x", path, hashes[path]))
		}
	}
	if len(lines) < len(singles)*20 {
		t.Errorf("%s: %d lines: is the run folder read right?", r.Name, len(lines))
	}
	return strings.Join(lines, "\n")
}

// Every shipped recipe runs at its small size to a report that has what it measures, and no two of them ask for the
// same. A copy of one of them under another name does: the test would see it.
func TestShippedRecipesRun(t *testing.T) {
	root := t.TempDir()
	seen := map[string]string{}
	run := func(t *testing.T, name, folder string, sets ...string) string {
		r, err := Load(name, sets...)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(root, folder)
		var notes []string
		report, err := RunSmall(t.Context(), r, dir, func(note string) { notes = append(notes, note) })
		if err != nil {
			t.Fatal(err)
		}
		checkReport(t, r, report)
		if text := strings.Join(notes, "\n"); r.Model.Path != miniature && !strings.Contains(text, r.Model.Path) {
			t.Errorf("the notes do not say what stands for %s: %s", r.Model.Path, text)
		}
		return signature(t, r, dir)
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			s := run(t, name, name)
			if seen[s] != "" {
				t.Errorf("%s asks for the same as %s", name, seen[s])
			}
			seen[s] = name
		})
	}
	if s := run(t, "ratings", "copy", "about=another name", "judge.max_dollars=1"); seen[s] != "ratings" {
		t.Error("a copy of ratings under another name does not ask for the same as ratings")
	}
}

// checkReport looks for what a recipe measures in its report.
func checkReport(t *testing.T, r Recipe, path string) {
	t.Helper()
	text := readFile(t, strings.TrimSuffix(path, ".html")+".md")
	wants := map[string]bool{
		"MGSM accuracy, beside the published": slices.Contains(r.Published.Tables, "mgsm"),
		"Off-target rate":                     r.Evaluate.Source != "",
		"against reference, by a judge":       r.Instructions.References != "",
		"M1 against M0, by a judge":           slices.Contains(r.Instructions.Matches, "M1-M0"),
		"MT-bench":                            r.MTBench.Source != "",
		"Alignment tax: what":                 r.Choices.Source != "",
		"Reward accuracy by a judge":          len(r.Ratings.Models) > 0,
		"smallest change that the problems":   r.Evaluate.Source != "",
		"smallest change that the seeds":      r.Evaluate.Source != "" && len(r.Seeds) > 1,
		"lidr recipe " + r.Name + " --small":  true,
	}
	for want, expected := range wants {
		if expected && !strings.Contains(text, want) {
			t.Errorf("%s lacks %q", path, want)
		}
	}
}

// A recipe that cuts pairs has a small run all the same, and its file no address that is another each time.
func TestSmallCut(t *testing.T) {
	r, err := Load("mt_bench", "train.cut=llama-factory")
	if err != nil {
		t.Fatal(err)
	}
	small, server, err := r.small(t.TempDir(), func(string, ...any) {})
	if err != nil {
		t.Fatal(err)
	}
	defer server.stop()
	if err := small.Validate(); err != nil || strings.Contains(small.YAML(), "127.0.0.1") {
		t.Errorf("error %v, and the recipe\n%s", err, small.YAML())
	}
	if asked := server.asked(small); asked.key() != small.key() || asked.Judge.Endpoints[0] != server.url {
		t.Errorf("the judge is asked at %s, expected %s, as the same recipe", asked.Judge.Endpoints, server.url)
	}
}
