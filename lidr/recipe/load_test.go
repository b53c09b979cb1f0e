package recipe

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr"
	"lidrlab/lidr/lm"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A mistake is one line with its place and the key that was meant.
func TestMistakes(t *testing.T) {
	const head = "preset: miniature\n"
	for text, want := range map[string]string{
		"train: {betta: 1}":                           "own.yaml:2: train.betta is no key of a recipe; did you mean train",
		"train:\n  lora:\n    rnk: 8":                 "own.yaml:4: train.lora.rnk is no key of a recipe",
		"judg: {}":                                    "own.yaml:2: judg is no key of a recipe; did you mean judge?",
		"xyzzyquux: 1":                                "own.yaml:2: xyzzyquux is no key of a recipe; expected one of",
		"train: 3":                                    "own.yaml:2: train holds objective, ",
		"rounds: two":                                 "own.yaml:2: rounds is two, expected a whole number",
		"rounds: 1.5":                                 "own.yaml:2: rounds is 1.5, expected a whole number",
		"train: {lr: fast}":                           "own.yaml:2: train.lr is fast, expected a number",
		"trained: es":                                 "own.yaml:2: trained is es, expected a list, such as [a, b]",
		"dominant: [en]":                              "expected a text",
		"rounds: 1\nrounds: 2":                        `mapping key "rounds" already defined`,
		"trained: [es":                                "own.yaml: [2:",
		"preset: papper":                              `own.yaml:2: preset is "papper", expected paper or miniature`,
		"trainer: {program: magic}":                   "field program",
		"ratings: {models: [M0]}":                     "judge.path is empty",
		"cells: {a: {train.betta: 1}}":                "cell a: train.betta is no key of a recipe; did you mean train.beta?",
		"published: {tables: [mgsn]}":                 "published.tables is mgsn, expected names among mgsm",
		"instructions: {source: data}":                "instructions.matches is empty",
		"instructions: {references: data}":            "instructions.references is data, expected none without",
		"published: {tables: [x_alpacaeval]}":         "published.model is empty",
		"choices: {source: data, mmlu_shots: -1}":     "choices: field mmlu_shots is -1",
		"trainer: {program: trl}\ntrain: {replay: 1}": "trl cannot train with replay 1",
		"model: {endpoints: [\"http://a/\"]}":         "trainer.program is own, expected",

		"panel:\n- {path: a}\n- {pth: b}": "panel.2.pth is no key of a recipe; did you mean panel.2.path?",
		"tracking: {to: [tensorbord]}":    "tracking: field to",
		"panel: [a]":                      "panel.1 is a, expected keys with values",
		"instructions: {source: d, references: d}\njudge: {endpoints: [https://j.example/v1]}": "judge.prices is empty",
		"instructions: {source: d, references: d}\npanel: [{path: someone}]":                   "another model than judge",
		"mt_bench: {matches: [M1-M0]}":                      "mt_bench.matches is [M1-M0], expected none without",
		"scoring: {scorers: {round-tripp: 1}}":              "did you mean round-trip?",
		"scoring: {scorers: {round-trip: 1}}":               "generate.samples is 0, expected at least 2",
		"scoring: {selection: {rule: lidr}}":                "scoring.scorers is empty",
		"scoring: {scorers: {implicit: 1}}":                 "scoring.aligned.path is",
		"scoring: {scorers: {reward-model: 1}}":             "scoring.reward_model.endpoints is",
		"scoring: {product: true, scorers: {language: 2}}":  "which has no weights",
		"scoring: {translations: true, scorers: {mapo: 1}}": "scoring.selection: field rule is",

		"rounds: 1\ntrainer: {program: none}\ninstructions: {source: d, matches: [M1-M0]}": "M1-M0, expected two of",
	} {
		if strings.HasPrefix(text, "preset") {
			text = "about: x\n" + text
		} else {
			text = head + text
		}
		r, err := Load(write(t, "own.yaml", text))
		if err == nil {
			if strings.Contains(text, "instructions") {
				r.Judge.Path = "someone"
			}
			_, err = r.singles()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v, expected %q in one line", text, err, want)
		}
	}
	for set, want := range map[string]string{
		"train.betta=1": "--set train.betta=1: train.betta is no key of a recipe; did you mean train.beta?",
		"train.beta":    "expected PATH=VALUE",
		"trained=[es":   "quote the value as in YAML",
	} {
		if _, err := Load(miniature, set); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--set %s: error %v, expected %q", set, err, want)
		}
	}
	if _, err := Load("lama3_instruct"); err == nil || !strings.Contains(err.Error(), "did you mean llama3_instruct?") {
		t.Errorf("error %v, expected the recipe that was meant", err)
	}
}

// A recipe is its file and back, with all values and with none but its own; and a run's settings.json is a recipe of
// the same settings.
func TestRoundTrip(t *testing.T) {
	for _, name := range append(Names(), "paper", miniature) {
		r, err := Load(name, "model.path=somewhere", "seed=9007199254740993", "train.lr=1e-7",
			`generate.template="a: {{.Prompt}}\n# b"`)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Load(write(t, r.Name+".yaml", r.YAML()))
		if diff := cmp.Diff(r, again); err != nil || diff != "" {
			t.Errorf("%s: error %v, back from its file it differs: %s", name, err, diff)
		}
		settings, err := json.MarshalIndent(r.Settings, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		of, err := Load(write(t, "settings.json", string(settings)))
		if diff := cmp.Diff(r.Settings, of.Settings); err != nil || diff != "" {
			t.Errorf("%s: error %v, the recipe of its settings.json differs: %s", name, err, diff)
		}
		if r.Seed != 9007199254740993 || r.Train.LR != 1e-7 || r.Generate.Template != "a: {{.Prompt}}\n# b" {
			t.Errorf("%s: seed %d, learning rate %g, template %q", name, r.Seed, r.Train.LR, r.Generate.Template)
		}
	}
}

var dated = regexp.MustCompile(`prices: .*# .*20[0-9]{2}-[0-9]{2}-[0-9]{2}`)

// A shipped recipe whose judge is paid for says what it costs, by whom and when that was said: prices change.
func TestPricesAreDated(t *testing.T) {
	n := 0
	for _, name := range Names() {
		r, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if r.Judge.Path == "" {
			continue
		}
		n++
		if text := readFile(t, filepath.Join("recipes", name+".yaml")); !dated.MatchString(text) || r.Judge.Prices.New == 0 {
			t.Errorf("%s has prices %+v without a source and a date", name, r.Judge.Prices)
		}
		r.Judge.Prices = lm.Prices{}
		if _, err := r.singles(); err == nil || !strings.Contains(err.Error(), "judge.prices is empty") {
			t.Errorf("%s without prices: error %v, expected that they are unknown", name, err)
		}
	}
	if n < 8 {
		t.Errorf("%d recipes with a judge were found", n)
	}
}

// Every value of a printed recipe has its source, and the source is right.
func TestPrint(t *testing.T) {
	text, err := Print("llama2", "train.beta=0.2")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n  beta: 0.2  # --set train.beta=0.2\n", "\n  alpha: 1  # preset paper\n", "\nrounds: 2  # llama2.yaml:8\n",
		"\n    max_tokens: 2048  # llama2.yaml:24\n"[4:], "  key_env: OPENAI_API_KEY  # default\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(strings.TrimSpace(line), ":") && !strings.Contains(line, "  # ") {
			t.Errorf("no source: %s", line)
		}
	}
}

// A run folder with a recipe that cannot be read is listed beside the others, with what is wrong with it.
func TestFoldersUnreadable(t *testing.T) {
	path := write(t, "settings.json", "{}")
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), file), []byte("betta: 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	folders, err := Folders(filepath.Dir(path))
	if err != nil || len(folders) != 1 || !strings.Contains(folders[0].State, "betta is no key") {
		t.Errorf("the run folders are %+v, error %v", folders, err)
	}
}

// A step in a folder that no recipe made writes one, with which later steps find the folder's own settings.
func TestOfFolderOfAnotherMaker(t *testing.T) {
	dir, s := t.TempDir(), lidr.MiniatureSettings().Tiny()
	run, err := lidr.Open(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // from settings.json, then from the recipe that the first has written
		r, err := Of(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		run, err := open(r, dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := run.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
