package lidr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/go-gota/gota/dataframe"
	"golang.org/x/text/unicode/norm"

	"lidrlab/datasets"
	"lidrlab/lidr/ledger"
)

// Prompts returns the prompts of m's round, those that make the model after it: N in each of the run's languages, a
// frame of [Prompt] rows. It writes <model>/prompts.jsonl.
func Prompts(ctx context.Context, run *Run, m *Model) (dataframe.DataFrame, error) {
	rows, err := prompts(ctx, run, m)
	return datasets.Frame(rows), err
}

func prompts(ctx context.Context, run *Run, m *Model) ([]Prompt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := run.Enter(m); err != nil {
		return nil, err
	}
	rows, err := run.roundPrompts(m.Round)
	if err != nil {
		return nil, err
	}
	if err := run.claim(m, "prompts", ledger.Key(rows)); err != nil {
		return nil, err
	}
	if warning := run.alsoEvaluated(modelName(m.Round+1), rows); warning != "" {
		run.Note("%s", warning)
	}
	for _, warning := range run.misnamed(run.Settings.Prompts.Source, rows) {
		run.Note("%s", warning)
	}
	return rows, run.WriteLines(run.Path(m.Name(), "prompts.jsonl"), rows)
}

func (r *Run) roundPrompts(round int) ([]Prompt, error) {
	s := r.Settings
	first := round * s.Prompts.N
	if s.Prompts.Reuse {
		first = 0
	}
	rows, err := r.promptTask().Prompts("prompts", s.Languages(), first, s.Prompts.N, s.Seed)
	if err != nil {
		return nil, fmt.Errorf("prompts of round %d: %w", round, err)
	}
	return rows, r.parallel(rows, s.Languages(), s.Prompts.N)
}

// Problems returns the problems that [Evaluate] asks, in all languages of the run.
func (r *Run) Problems() ([]Prompt, error) {
	s := r.Settings
	if s.Evaluate.Source == "" {
		return nil, fmt.Errorf("settings: field evaluate.source is empty, expected \"miniature\" or a folder of problems")
	}
	rows, err := r.evalTask().Prompts("eval", s.AllLanguages(), 0, s.Evaluate.N, s.Evaluate.Seed)
	if err != nil {
		return nil, fmt.Errorf("evaluation prompts: %w", err)
	}
	if languages := len(s.AllLanguages()); len(rows) < 2*languages {
		return nil, fmt.Errorf("evaluation prompts: %s has one problem a language, expected at least two: one gives no "+
			"standard error",
			s.Evaluate.Source)
	}
	return rows, r.parallel(rows, s.AllLanguages(), s.Evaluate.N)
}

// alsoEvaluated warns of prompts that make a model of that name and are among those that it is evaluated on, "" for
// none. Case, white space and the form of accents make no difference.
func (r *Run) alsoEvaluated(model string, prompts []Prompt) string {
	if r.Settings.Evaluate.Source == "" || r.synthetic() { // the synthetic world keeps them apart
		return ""
	}
	evaluated, err := r.Problems()
	if err != nil { // [Evaluate] says so
		return ""
	}
	plain := func(text string) string {
		return strings.ToLower(strings.Join(strings.Fields(norm.NFC.String(text)), " "))
	}
	asked := map[string]bool{}
	for _, row := range evaluated {
		asked[plain(row.Prompt)] = true
	}
	found, first, count := map[string]int{}, "", 0
	for _, row := range prompts {
		if !asked[plain(row.Prompt)] {
			continue
		}
		if count++; first == "" {
			first = fmt.Sprintf("%s in %s", row.ID, row.Lang)
		}
		found[row.Lang]++
	}
	if count == 0 {
		return ""
	}
	var languages []string
	for _, lang := range slices.Sorted(maps.Keys(found)) {
		languages = append(languages, fmt.Sprintf("%s %d", lang, found[lang]))
	}
	return fmt.Sprintf("%d of the %d prompts of %s's training are evaluation prompts too (%s; the first is %s): what it "+
		"learns of them counts as accuracy; take other prompts for one of the two", count, len(prompts), model,
		strings.Join(languages, ", "), first)
}

// misnamed warns of files that are named after a language and whose texts are in another, by the identifier of the
// evaluation: most of them in one that it knows as well, of a few at least. Neighbours that it takes for one another
// stay far below that.
func (r *Run) misnamed(source string, rows []Prompt) (warnings []string) {
	const fewest, share = 5, 0.6
	task, files := r.taskOf(source).(fileTask)
	if !files {
		return nil
	}
	texts, found, file := map[string]int{}, map[string]map[string]int{}, map[string]string{}
	for _, row := range rows {
		if texts[row.Lang]++; found[row.Lang] == nil {
			found[row.Lang] = map[string]int{}
			file[row.Lang], _, _ = strings.Cut(row.Source, ":")
		}
		found[row.Lang][task.Identify(row.Prompt)]++
	}
	for _, lang := range slices.Sorted(maps.Keys(texts)) {
		for _, other := range slices.Sorted(maps.Keys(found[lang])) {
			n := found[lang][other]
			if other == "" || other == baseLanguage(lang) || n < fewest || float64(n) < share*float64(texts[lang]) ||
				!slices.Contains(task.Languages(), baseLanguage(lang)) {
				continue
			}
			warnings = append(warnings, fmt.Sprintf("%s of %s: %d of its %d texts in %s are in %s, says %s: put the texts of "+
				"the language there, or the file under its own language", file[lang], source, n, texts[lang], lang, other,
				task.identifier()))
		}
	}
	return warnings
}

// promptsOf are the prompts of pairs, each once a pair.
func promptsOf(pairs []Pair) []Prompt {
	rows := make([]Prompt, len(pairs))
	for i, pair := range pairs {
		rows[i] = Prompt{ID: pair.ID, Lang: pair.Lang, Prompt: pair.Prompt}
	}
	return rows
}

// parallel is an error for prompts of the caller's own task that are not n in every language (n = 0: any number), the
// same ones in the same order and each once. The loaders of files see to that themselves.
func (r *Run) parallel(rows []Prompt, langs []string, n int) error {
	if r.own == nil {
		return nil
	}
	each := len(rows) / len(langs)
	if each*len(langs) != len(rows) || n > 0 && each != n {
		return fmt.Errorf("task %s: %d prompts in %d languages, expected %d in each",
			r.own.Name(), len(rows), len(langs), max(n, each))
	}
	seen := map[string]bool{}
	for i, row := range rows {
		if row.Lang != langs[i/each] || row.ID != rows[i%each].ID {
			return fmt.Errorf("task %s: row %d is prompt %q in %q, expected the same ids in the same order in each of %v",
				r.own.Name(), i+1, row.ID, row.Lang, langs)
		}
		if i < each && (row.ID == "" || seen[row.ID]) {
			return fmt.Errorf("task %s: row %d has the id %q, expected one that no other prompt has", r.own.Name(), i+1, row.ID)
		}
		seen[row.ID] = true
	}
	return nil
}

// goldOf reads the gold answers of the prompts that a model's round was given, by id and language: none for prompts
// that [Prompts] has not written.
func (r *Run) goldOf(model string) (map[[2]string]string, error) {
	var rows []Prompt
	err := r.ReadLines(r.Path(model, "prompts.jsonl"), &rows)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	gold := map[[2]string]string{}
	for _, row := range rows {
		gold[[2]string{row.ID, row.Lang}] = row.Answer
	}
	return gold, err
}

// TranslatePrompts makes parallel prompts from prompts in the dominant language alone: the model translates them into
// every trained language. It returns a frame of [Prompt] rows; a prompt whose translation fails in one language is left
// out in all of them, since pairs need it in each. It writes <model>/translated_prompts.jsonl.
func TranslatePrompts(ctx context.Context, run *Run, m *Model, prompts dataframe.DataFrame) (dataframe.DataFrame,
	error) {
	rows, err := rowsOf[Prompt](prompts, "prompts")
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	if err := run.Enter(m); err != nil {
		return dataframe.DataFrame{}, err
	}
	var sources []passage
	for _, lang := range run.Settings.Trained {
		for _, row := range rows {
			if row.Lang != run.Settings.Dominant {
				return dataframe.DataFrame{}, fmt.Errorf("prompts: prompt %s is in %s, expected only %s", row.ID, row.Lang,
					run.Settings.Dominant)
			}
			sources = append(sources, passage{ID: row.ID, From: row.Lang, To: lang, Text: row.Prompt, Origin: row.Source})
		}
	}
	if err := run.claim(m, "translated prompts", ledger.Key(rows)); err != nil {
		return dataframe.DataFrame{}, err
	}
	translations, err := translatePassages(ctx, run, m, m.Name()+" translate prompts", sources)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	failed := map[string]bool{}
	for _, t := range translations {
		failed[t.ID] = failed[t.ID] || !t.OK
	}
	parallel := slices.DeleteFunc(slices.Clone(rows), func(r Prompt) bool { return failed[r.ID] })
	kept := len(parallel)
	for k, lang := range run.Settings.Trained {
		for i, row := range rows {
			if !failed[row.ID] {
				row.Lang, row.Prompt = lang, translations[k*len(rows)+i].Text
				parallel = append(parallel, row)
			}
		}
	}
	file := run.Path(m.Name(), "translated_prompts.jsonl")
	if kept == 0 && len(rows) > 0 {
		return dataframe.DataFrame{}, fmt.Errorf("none of the %d prompts was translated into every language; "+
			"look at the completions in %s", len(rows), file)
	}
	return datasets.Frame(parallel), run.WriteLines(file, translations)
}
