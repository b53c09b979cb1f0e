package cards

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"

	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/hub"
)

var (
	madeOnce sync.Once
	madeDir  string
	madeErr  error
)

// tinyRun opens a copy of a run of one round of the miniature, which all tests share.
func tinyRun(t *testing.T, options ...lidr.Option) *lidr.Run {
	t.Helper()
	madeOnce.Do(func() {
		if madeDir, madeErr = os.MkdirTemp("", "cards"); madeErr == nil {
			madeErr = makeRun(filepath.Join(madeDir, "run"))
		}
	})
	if madeErr != nil {
		t.Fatal(madeErr)
	}
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(madeDir, "run"))); err != nil {
		t.Fatal(err)
	}
	run, err := lidr.Reopen(dir, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	return run
}

func TestMain(m *testing.M) {
	code := m.Run()
	if madeDir != "" {
		os.RemoveAll(madeDir)
	}
	os.Exit(code)
}

func makeRun(dir string) error {
	s := lidr.MiniatureSettings().Tiny()
	s.Rounds, s.Train.LoRA = 1, lidr.LoRASettings{Rank: 2, Alpha: 4}
	run, err := lidr.Open(dir, s)
	if err != nil {
		return err
	}
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		return err
	}
	if _, _, err := lidr.Iterate(context.Background(), run, m0); err != nil {
		return err
	}
	if _, err := lidr.Report(context.Background(), run); err != nil {
		return err
	}
	return run.Close()
}

// frontMatter decodes the YAML of a card; a field that v does not have is an error.
func frontMatter(t *testing.T, s hub.Source, v any) (body string) {
	t.Helper()
	card, err := os.ReadFile(s.File)
	if err != nil {
		t.Fatal(err)
	}
	text, behind, ok := strings.Cut(strings.TrimPrefix(string(card), "---\n"), "\n---\n")
	if !ok || !bytes.HasPrefix(card, []byte("---\n")) {
		t.Fatalf("%s has no front matter: %.200s", s.File, card)
	}
	if err := yaml.NewDecoder(strings.NewReader(text), yaml.Strict()).Decode(v); err != nil {
		t.Fatalf("%s: %v\n%s", s.File, err, text)
	}
	return behind
}

// modelIndex is the form of the hub's documentation (hub-docs, modelcard.md).
type modelIndex struct {
	Name    string
	Results []struct {
		Task    struct{ Type, Name string }
		Dataset struct {
			Name, Type, Config, Revision string
			Args                         struct{ Shots, Seed int }
		}
		Metrics []struct {
			Type, Name string
			Value      float64
			Args       struct{ N int }
		}
	}
}

type modelFields struct {
	LibraryName  string `yaml:"library_name"`
	PipelineTag  string `yaml:"pipeline_tag"`
	BaseModel    string `yaml:"base_model"`
	BaseRelation string `yaml:"base_model_relation"`
	License      string
	Language     []string
	Tags         []string
	ModelIndex   []modelIndex `yaml:"model-index"`
}

// The model card has every score of the evaluation, with its standard error and number of problems, and the files of a
// push are those of the model's folder.
func TestModelCard(t *testing.T) {
	run := tinyRun(t)
	files, err := ModelFiles(run, "M1", "apache-2.0")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range files {
		names[f.Path] = true
	}
	for _, want := range []string{"README.md", "config.json", "model.safetensors", "tokenizer.json"} {
		if !names[want] {
			t.Errorf("%s is not among the files %v", want, names)
		}
	}
	card := files[len(files)-1]
	if filepath.Base(card.File) != "M1.md" {
		t.Errorf("the card is %s", card.File)
	}
	var got modelFields
	body := frontMatter(t, card, &got)
	if got.License != "apache-2.0" || got.LibraryName != "transformers" || got.PipelineTag != "text-generation" ||
		got.BaseModel != "" || !slices.Equal(got.Language, run.Settings.AllLanguages()) {
		t.Errorf("the front matter is %+v", got)
	}
	var scores []eval.Score
	if err := run.ReadJSON(run.Path("M1", "eval", "scores.json"), &scores); err != nil {
		t.Fatal(err)
	}
	want, found := map[string]string{}, map[string]string{}
	for _, s := range scores {
		config := s.Lang
		if strings.HasPrefix(s.Metric, "translation_") {
			config += "-translations"
		}
		want[config+" "+s.Metric] = fmt.Sprintf("%.6f %d", s.Value, s.N)
		want[config+" "+s.Metric+"_stderr"] = fmt.Sprintf("%.6f %d", s.SE, s.N)
	}
	for _, r := range got.ModelIndex[0].Results {
		for _, m := range r.Metrics {
			found[r.Dataset.Config+" "+m.Type] = fmt.Sprintf("%.6f %d", m.Value, m.Args.N)
		}
		if mean := r.Dataset.Config == "trained" || r.Dataset.Config == "unseen"; r.Dataset.Type != "miniature" ||
			r.Task.Type != "text-generation" || (len(r.Dataset.Revision) == 12) == (mean ||
			strings.HasSuffix(r.Dataset.Config, "-translations")) {
			t.Errorf("a result is of %+v", r.Dataset)
		}
	}
	for key, value := range want {
		if found[key] != value {
			t.Errorf("%s is %q in the card, expected %q", key, found[key], value)
		}
	}
	if len(found) != len(want) || len(want) < 40 {
		t.Errorf("the card has %d numbers, expected %d", len(found), len(want))
	}
	for _, part := range []string{"## Base model", "fingerprint `", "## Results", "## Training", "| loss |",
		"\"dominant\"", "## Settings"} {
		if !strings.Contains(body, part) {
			t.Errorf("the card has no %s", part)
		}
	}
	if strings.Contains(body, run.Dir) {
		t.Errorf("the card names the folder of the run, %s", run.Dir)
	}
	// The card that the training wrote has the languages as texts too: unquoted, Norwegian would be false.
	trained, err := os.ReadFile(run.Path("M1", "model", "README.md"))
	line := "language: " + list(run.Settings.AllLanguages()) + "\n"
	if err != nil || !strings.Contains(string(trained), line) {
		t.Errorf("the training's own card has no line %q (%v)", line, err)
	}
	adapter, err := ModelFiles(run, "M1/adapter", "")
	if err != nil {
		t.Fatal(err)
	}
	var peft modelFields
	frontMatter(t, adapter[len(adapter)-1], &peft)
	if peft.LibraryName != "peft" || peft.License != "" || len(peft.ModelIndex) != 1 {
		t.Errorf("the adapter's front matter is %+v", peft)
	}
}

// The card of the pairs counts them by language and direction, and a configuration is a round.
func TestPairsCard(t *testing.T) {
	run := tinyRun(t)
	files, err := PairsFiles(run, "")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		PrettyName      string `yaml:"pretty_name"`
		License         string
		Language        []string
		Multilinguality []string
		TaskCategories  []string `yaml:"task_categories"`
		SizeCategories  []string `yaml:"size_categories"`
		Annotations     []string `yaml:"annotations_creators"`
		Creators        []string `yaml:"language_creators"`
		Tags            []string
		Configs         []struct {
			Name    string `yaml:"config_name"`
			Default bool
			Files   []struct{ Split, Path string } `yaml:"data_files"`
		}
		Info []struct {
			Name     string `yaml:"config_name"`
			Features []struct{ Name, Dtype string }
			Splits   []struct {
				Name     string
				Examples int `yaml:"num_examples"`
			}
		} `yaml:"dataset_info"`
	}
	body := frontMatter(t, files[len(files)-1], &got)
	var pairs []lidr.Pair
	if err := run.ReadLines(run.Path("M0", "pairs.jsonl"), &pairs); err != nil {
		t.Fatal(err)
	}
	if len(got.Configs) != 1 || got.Configs[0].Files[0].Path != "M0/pairs.jsonl" || !got.Configs[0].Default ||
		got.Info[0].Splits[0].Examples != len(pairs) || len(got.Info[0].Features) != 6 ||
		got.SizeCategories[0] != "n<1K" || got.License != "" || !slices.Equal(got.Language, run.Settings.Languages()) {
		t.Errorf("the front matter is %+v", got)
	}
	count := map[[2]string]int{}
	for _, p := range pairs {
		count[[2]string{p.Lang, p.Source}]++
	}
	for key, n := range count {
		if line := fmt.Sprintf("| %s | %s | %d |\n", key[0], cell(key[1]), n); !strings.Contains(body, line) {
			t.Errorf("the card has no line %q:\n%s", line, body)
		}
	}
	if strings.Contains(body, run.Dir) || !strings.Contains(body, "fingerprint `") {
		t.Error("the card names the run's folder, or no fingerprint")
	}
}

// A card that was edited is the reader's: it is pushed as it is, with a note, and otherwise it follows the run.
func TestEditedCardStays(t *testing.T) {
	var notes []string
	run := tinyRun(t, lidr.WithProgress(func(e lidr.Event) { notes = append(notes, e.Note) }))
	files, err := ReportFiles(run)
	if err != nil {
		t.Fatal(err)
	}
	var page struct {
		Title, SDK string
		AppFile    string `yaml:"app_file"`
		Pinned     bool
		Tags       []string
	}
	frontMatter(t, files[0], &page)
	if page.SDK != "static" || page.AppFile != "index.html" || files[1].Path != "index.html" {
		t.Errorf("the page is %+v, %v", page, files)
	}
	own := []byte("---\ntitle: mine\nsdk: static\n---\nmine\n")
	if err := os.WriteFile(files[0].File, own, 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := ReportFiles(run)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(again[0].File); err != nil || !bytes.Equal(b, own) || len(notes) != 1 ||
		!strings.Contains(notes[0], "was edited, and stays") {
		t.Errorf("the edited card is %q, %v, with the notes %q", b, err, notes)
	}
	if err := os.Remove(files[0].File); err != nil {
		t.Fatal(err)
	}
	if _, err := ReportFiles(run); err != nil {
		t.Errorf("deleted, the card is not written again: %v", err)
	}
}

// What is not as the run left it, or not there, is not published.
func TestCardsRefuse(t *testing.T) {
	var run *lidr.Run
	for want, call := range map[string]func() error{
		"M2 of the run": func() error { _, err := ModelFiles(run, "M2", ""); return err },
		"M1/state of":   func() error { _, err := ModelFiles(run, "M1/state", ""); return err },
		"no identifier of a licence": func() error {
			_, err := PairsFiles(run, "MIT\nlanguage: x")
			return err
		},
		"model.safetensors was changed after its training": func() error {
			path := run.Path("M1", "model", "model.safetensors")
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b[len(b)-1] ^= 1
			if err := os.WriteFile(path, b, 0o644); err != nil {
				return err
			}
			_, err = ModelFiles(run, "M1", "")
			return err
		},
		"model.safetensors is gone since its training": func() error {
			if err := os.Remove(run.Path("M1", "model", "model.safetensors")); err != nil {
				return err
			}
			_, err := ModelFiles(run, "M1", "")
			return err
		},
		"pairs.jsonl": func() error {
			if err := os.WriteFile(run.Path("M0", "pairs.jsonl"), []byte("{}\n"), 0o644); err != nil {
				return err
			}
			_, err := PairsFiles(run, "")
			return err
		},
		"holds no files": func() error { _, err := FolderFiles(t.TempDir()); return err },
	} {
		run = tinyRun(t)
		if err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
}

// A card names no folder of whoever ran.
func TestCardsNameNoFolders(t *testing.T) {
	s := lidr.PaperSettings()
	s.Prompts.Source, s.Evaluate.Source, s.Evaluate.Exemplars = "/home/me/prompts", "/home/me/mgsm", "/home/me/shots.jsonl"
	block, err := settingsBlock(public(s))
	if err != nil || strings.Contains(block, "/home") || !strings.Contains(block, `"source": "mgsm"`) {
		t.Errorf("%v, the settings are %s", err, block)
	}
	run := tinyRun(t)
	models, err := origins(run)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"M0": "M0, from miniature, fingerprint", "M1": "M1, from this run, fing"} {
		if got := models[name].describe(); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q, expected %q", name, got, want)
		}
	}
}

// Values are what they are to readers of YAML 1.1 too, for which no is false, 1e-07 a text and 12e5 a number.
func TestValuesInYAML(t *testing.T) {
	for got, want := range map[string]string{
		list([]string{"no", "en"}): `["no", "en"]`, quote("a: \"b\" <é>\n"): `"a: \"b\" <é>\n"`, quote("12e5"): `"12e5"`,
		number(1e-7): "0.0", number(0.25): "0.25", number(3): "3.0", number(-0.0000012): "-0.000001",
	} {
		if got != want {
			t.Errorf("%s, expected %s", got, want)
		}
	}
	for path, want := range map[string][2]string{
		"Qwen/Qwen2.5-0.5B": {"Qwen/Qwen2.5-0.5B", ""}, "miniature": {}, "models/x.gguf": {}, "/data/a/b": {},
		"/c/hub/models--a--b-c/snapshots/" + strings.Repeat("0f", 20): {"a/b-c", strings.Repeat("0f", 20)},
	} {
		repo, revision := onHub(path)
		if (repo != want[0]) || revision != want[1] {
			t.Errorf("%s is %q at %q on the hub, expected %q", path, repo, revision, want)
		}
	}
}
