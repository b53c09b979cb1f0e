package cards

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/hub"
	"lidrlab/lidr/input"
)

// ModelFiles writes the card of a model that the run trained, and returns what a push sends: the files of its folder,
// as its training left them, with the card as README.md. model is "M1" and so on, or "M1/adapter" for what LoRA
// trained alone.
func ModelFiles(run *lidr.Run, model, license string) ([]hub.Source, error) {
	name, part, _ := strings.Cut(model, "/")
	if part == "" {
		part = "model"
	}
	var t lidr.Training
	err := run.ReadJSON(run.Path(name, "training.json"), &t)
	if errors.Is(err, fs.ErrNotExist) || part != "model" && part != "adapter" {
		return nil, fmt.Errorf("%s of the run in %s is not trained, expected a model such as M1, or M1/adapter: %w", model,
			run.Dir, errors.Join(err, fs.ErrNotExist))
	} else if err != nil {
		return nil, err
	}
	card, err := modelCard(run, t, part, license)
	if err != nil {
		return nil, err
	}
	readme, err := writeCard(run, strings.TrimSuffix(name+"-"+part, "-model"), card)
	if err != nil {
		return nil, err
	}
	files, err := FolderFiles(run.Path(name, part))
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(s hub.Source) bool { return s.Path == "README.md" })
	for _, s := range files {
		if err := asTrained(s, t.Files[part+"/"+s.Path]); err != nil {
			return nil, err
		}
	}
	for _, noted := range slices.Sorted(maps.Keys(t.Files)) {
		own, of := strings.CutPrefix(noted, part+"/")
		if of && !slices.ContainsFunc(files, func(s hub.Source) bool { return s.Path == own }) {
			return nil, fmt.Errorf("%s is gone since its training wrote it; put it back, or delete the folder and train again",
				run.Path(name, part, own))
		}
	}
	return append(files, readme), nil
}

// asTrained compares a file with the SHA-256 that its training noted.
func asTrained(s hub.Source, noted string) error {
	if noted == "" {
		return nil // no file that the model is loaded from
	}
	file, err := input.OpenFile(s.File)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != noted {
		return fmt.Errorf("%s was changed after its training (SHA-256 %.12s then, %.12s now); put it back, or delete the "+
			"folder and train again", s.File, noted, got)
	}
	return nil
}

// FolderFiles returns the files of a folder, such as a model of one's own, to push as they are: not hidden ones, nor
// what a process that was killed left behind.
func FolderFiles(dir string) ([]hub.Source, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []hub.Source
	for _, entry := range entries {
		name := entry.Name()
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.IsDir() || name[0] == '.' || strings.HasSuffix(name, ".new") || strings.Contains(name, ".edited") {
			continue
		}
		files = append(files, hub.Source{Path: name, File: path})
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no files; expected the folder of a model", dir)
	}
	return files, nil
}

func modelCard(run *lidr.Run, t lidr.Training, part, licenseID string) (string, error) {
	s := public(run.Settings)
	named, err := license(licenseID)
	if err != nil {
		return "", err
	}
	models, err := origins(run)
	if err != nil {
		return "", err
	}
	base := models["M0"]
	onHub, library, relation := "", "transformers", "finetune"
	if part == "adapter" {
		library, relation = "peft", "adapter"
	}
	if base.Repo != "" {
		onHub = fmt.Sprintf("base_model: %s\nbase_model_relation: %s\n", quote(base.Repo), relation)
	}
	index, table, err := results(run, t.Model)
	if err != nil {
		return "", err
	}
	var steps []dpo.Step
	if err := run.ReadLines(run.Path(t.Model, "train.jsonl"), &steps); err != nil {
		return "", err
	}
	warnings, err := run.Warnings(t.Model)
	if err != nil {
		return "", err
	}
	settings, err := settingsBlock(s)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "---\nlibrary_name: %s\npipeline_tag: text-generation\n%s%slanguage: %s\ntags: %s\n%s---\n", library,
		onHub, named, list(s.AllLanguages()), list(tags), index)
	fmt.Fprintf(&b, "# %s of %s\n\nMade by Language Imbalance Driven Rewarding (arXiv 2410.08964): the model's own %s "+
		"answers,\ntranslated by itself, preferred over its answers in other languages.\n\n", t.Model, filepath.Base(run.Dir),
		lidr.LanguageName(s.Dominant))
	fmt.Fprintf(&b, "## Base model\n\n%s.\n\n%s was trained from the model of fingerprint `%s`; its own is `%s`.\n\n",
		cell(base.describe()), t.Model, t.Base, t.Fingerprint)
	fmt.Fprintf(&b, "## Data\n\n%d preference pairs in %s, made of prompts from %s. They were trained on with the labels "+
		"%q.\n\n", t.Pairs, strings.Join(s.Languages(), " "), cell(s.Prompts.Source), s.Train.Labels)
	b.WriteString(table)
	if len(steps) > 0 {
		first, last := steps[0], steps[len(steps)-1]
		fmt.Fprintf(&b, "## Training\n\nObjective %s, loss %s, %d steps.\n\n| | first step | last step |\n|---|--:|--:|\n",
			s.Train.Objective, s.Train.Loss, len(steps))
		for _, row := range []struct {
			name        string
			first, last float64
		}{{"loss", first.Loss, last.Loss}, {"NLL of the chosen", first.NLL, last.NLL},
			{"rewards/margins", first.RewardsMargins, last.RewardsMargins},
			{"rewards/accuracies", first.RewardsAccuracies, last.RewardsAccuracies}} {
			fmt.Fprintf(&b, "| %s | %.4f | %.4f |\n", row.name, row.first, row.last)
		}
		b.WriteString("\n")
	}
	if len(warnings) > 0 {
		b.WriteString("## Look at this first\n\n")
		for _, w := range warnings {
			fmt.Fprintf(&b, "- %s\n", cell(w))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "## Settings\n\nAll that determines the run; the key of the training is `%s`.\n\n%s", t.Key, settings)
	return b.String(), nil
}

// results returns the model-index of a model's evaluation, and its table beside that of M0; both say so where there is
// none.
func results(run *lidr.Run, model string) (index, table string, err error) {
	scores, err := scoresOf(run, model)
	if err != nil {
		return "", "", err
	}
	if len(scores) == 0 {
		return "", "## Results\n\nThe run has not evaluated this model.\n\n", nil
	}
	before, err := scoresOf(run, "M0")
	if err != nil {
		return "", "", err
	}
	baseline := map[[2]string]eval.Score{}
	for _, s := range before {
		baseline[[2]string{s.Metric, s.Lang}] = s
	}
	e := run.Settings.Evaluate
	name, identifier := sourceName(e.Source), ""
	var y, md strings.Builder
	fmt.Fprintf(&y, "model-index:\n- name: %s\n  results:\n", quote(model+" of "+filepath.Base(run.Dir)))
	fmt.Fprintf(&md, "## Results\n\nOn %s, %d worked examples before each problem. Shares with their standard errors "+
		"over problems, and those of M0 on the\nsame. A revision is of the ids and answers of a language's problems.\n\n"+
		"| language | metric | %s | M0 | n | revision |\n|---|---|--:|--:|--:|---|\n", cell(name), e.Shots, model)
	for _, part := range parts(scores) {
		version := ""
		if part.scope != "mean" && !part.translations {
			if version, err = revision(run, model, part.lang); err != nil {
				return "", "", err
			}
		}
		part.index(&y, name, version, e)
		for _, s := range part.scores {
			fmt.Fprintf(&md, "| %s | %s | %.4f ± %.4f | %s | %d | %s |\n", s.Lang, s.Metric, s.Value, s.SE,
				beside(baseline, s), s.N, version)
			identifier = cmp.Or(identifier, s.Identifier)
		}
	}
	md.WriteString("\n")
	if identifier != "" {
		fmt.Fprintf(&md, "The languages of answers were labelled by %s.\n\n", identifier)
	}
	return y.String(), md.String(), nil
}

// part is the scores of one data set: the problems of a language or the mean over several, or texts to translate.
type part struct {
	lang, scope  string
	translations bool
	scores       []eval.Score
}

// parts are the data sets of scores, in their order.
func parts(scores []eval.Score) []part {
	var all []part
	for _, s := range scores {
		translations := strings.HasPrefix(s.Metric, "translation_")
		i := slices.IndexFunc(all, func(p part) bool {
			return p.lang == s.Lang && p.scope == s.Scope && p.translations == translations
		})
		if i < 0 {
			all, i = append(all, part{lang: s.Lang, scope: s.Scope, translations: translations}), len(all)
		}
		all[i].scores = append(all[i].scores, s)
	}
	return all
}

// index writes a result of the model-index.
func (p part) index(y *strings.Builder, source, version string, e lidr.EvaluateSettings) {
	config, name := p.lang, source+", "+p.lang
	if p.scope == "mean" {
		name = source + ", mean over the " + p.lang + " languages"
	}
	if p.translations {
		config, name = config+"-translations", name+", worked answers to translate"
	}
	fmt.Fprintf(y, "  - task:\n      type: text-generation\n      name: Text Generation\n    dataset:\n      name: %s\n"+
		"      type: %s\n      config: %s\n", quote(name), quote(slug(source)), quote(config))
	if version != "" {
		fmt.Fprintf(y, "      revision: %s\n", quote(version))
	}
	fmt.Fprintf(y, "      args:\n        shots: %d\n        seed: %d\n    metrics:\n", e.Shots, e.Seed)
	for _, s := range p.scores {
		fmt.Fprintf(y, "    - type: %s\n      value: %s\n      name: %s\n      args:\n        n: %d\n", quote(s.Metric),
			number(s.Value), quote(metricName(s)), s.N)
		fmt.Fprintf(y, "    - type: %s\n      value: %s\n      name: %s\n      args:\n        n: %d\n",
			quote(s.Metric+"_stderr"), number(s.SE), quote("Standard error of "+s.Metric), s.N)
	}
}

func beside(baseline map[[2]string]eval.Score, s eval.Score) string {
	b, ok := baseline[[2]string{s.Metric, s.Lang}]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.4f ± %.4f", b.Value, b.SE)
}

func metricName(s eval.Score) string {
	name := strings.ReplaceAll(s.Metric, "_", " ")
	return strings.ToUpper(name[:1]) + name[1:]
}

func scoresOf(run *lidr.Run, model string) ([]eval.Score, error) {
	var scores []eval.Score
	err := run.ReadJSON(run.Path(model, "eval", "scores.json"), &scores)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return scores, err
}

// revision is a version of the problems in a language: twelve digits of the SHA-256 of their ids and gold answers.
func revision(run *lidr.Run, model, lang string) (string, error) {
	var verdicts []lidr.Verdict
	if err := run.ReadLines(run.Path(model, "eval", "problems", lang+".jsonl"), &verdicts); err != nil {
		return "", err
	}
	gold := map[string]string{}
	for _, v := range verdicts {
		gold[v.ID] = v.Gold
	}
	sum := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(gold)) {
		fmt.Fprintf(sum, "%q %q\n", id, gold[id])
	}
	return hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// slug is a name as a data set's identifier.
func slug(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(name)), "-.")
}
