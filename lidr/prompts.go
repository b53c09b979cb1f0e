package lidr

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/datasets/miniature"
)

// promptRow is a row of the frame that [Prompts] returns.
type promptRow struct {
	ID     string `json:"id"` // the same in every language
	Lang   string `json:"lang"`
	Prompt string `json:"prompt"`
	Answer string `json:"answer"` // the gold answer, "" where there is none
	Source string `json:"source"` // file:line, or the generator
}

// Prompts returns the prompts of a round (0 for the one that makes M1), N in each of the run's languages, with columns
// id, lang, prompt, answer and source, and writes M<round>/prompts.jsonl.
func Prompts(ctx context.Context, run *Run, round int) (dataframe.DataFrame, error) {
	rows, err := roundRows(run.Settings, round)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	return datasets.Frame(rows), writeLines(run, run.path(modelName(round), "prompts.jsonl"), rows)
}

func roundRows(s Settings, round int) ([]promptRow, error) {
	first := round * s.Prompts.N
	if s.Prompts.Reuse {
		first = 0
	}
	rows, err := readPrompts(s.Prompts.Source, "prompts", s.Languages(), first, s.Prompts.N, s.Seed)
	if err != nil {
		return nil, fmt.Errorf("prompts of round %d: %w", round, err)
	}
	return rows, nil
}

// evaluationRows returns the problems that [Evaluate] asks, in all languages of the run.
func evaluationRows(run *Run) ([]promptRow, error) {
	s := run.Settings
	rows, err := readPrompts(s.Evaluate.Source, "eval", slices.Concat(s.Languages(), s.Unseen), 0, s.Evaluate.N, s.Evaluate.Seed)
	if err != nil {
		return nil, fmt.Errorf("evaluation prompts: %w", err)
	}
	return rows, nil
}

// readPrompts reads n prompts a language from first on, language by language; n = 0 takes all.
func readPrompts(source, split string, langs []string, first, n int, seed int64) ([]promptRow, error) {
	if source != "miniature" {
		return readPromptFiles(source, langs, first, n)
	}
	problems := miniature.Problems(split, first+n, seed)[first:]
	rows := make([]promptRow, 0, len(problems)*len(langs))
	for _, lang := range langs {
		for _, problem := range problems {
			rows = append(rows, promptRow{problem.ID, lang, problem.Prompt(lang), fmt.Sprint(problem.Result()), "miniature"})
		}
	}
	return rows, nil
}

func readPromptFiles(source string, langs []string, first, n int) ([]promptRow, error) {
	prompts, err := datasets.LoadPrompts(source, langs)
	if err != nil {
		return nil, err
	}
	var rows []promptRow
	for _, lang := range langs {
		var own []promptRow
		for _, p := range prompts {
			if p.Lang == lang {
				own = append(own, promptRow{p.ID, p.Lang, p.Text, p.Answer, fmt.Sprintf("%s:%d", filepath.Base(p.File), p.Line)})
			}
		}
		if n == 0 {
			n = len(own) - first
		}
		if first+n > len(own) {
			return nil, fmt.Errorf("%s has %d prompts in %s, and %d to %d were asked for; lower prompts.n or set prompts.reuse", source, len(own), lang, first+1, first+n)
		}
		rows = append(rows, own[first:first+n]...)
	}
	return rows, nil
}

// TranslatePrompts makes parallel prompts from prompts in the dominant language alone: the model translates them into
// every trained language. It returns a frame with the columns of [Prompts]; a prompt whose translation fails in one
// language is left out in all of them, since pairs need it in each.
func TranslatePrompts(ctx context.Context, run *Run, m *Model, prompts dataframe.DataFrame) (dataframe.DataFrame, error) {
	rows, err := rowsOf[promptRow](prompts, "prompts")
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	var sources []passage
	for _, lang := range run.Settings.Trained {
		for _, row := range rows {
			if row.Lang != run.Settings.Dominant {
				return dataframe.DataFrame{}, fmt.Errorf("prompts: prompt %s is in %s, expected only %s", row.ID, row.Lang, run.Settings.Dominant)
			}
			sources = append(sources, passage{ID: row.ID, From: row.Lang, To: lang, Text: row.Prompt, Origin: row.Source})
		}
	}
	translations, err := translate(ctx, run, m, "translate prompts", sources)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	failed := map[string]bool{}
	for _, t := range translations {
		failed[t.ID] = failed[t.ID] || !t.OK
	}
	parallel := slices.DeleteFunc(slices.Clone(rows), func(r promptRow) bool { return failed[r.ID] })
	kept := parallel
	for k, lang := range run.Settings.Trained {
		for i, row := range rows {
			if !failed[row.ID] {
				row.Lang, row.Prompt = lang, translations[k*len(rows)+i].Text
				parallel = append(parallel, row)
			}
		}
	}
	if len(kept) == 0 && len(rows) > 0 {
		return dataframe.DataFrame{}, fmt.Errorf("none of the %d prompts was translated into every language; look at the completions in %s", len(rows), run.path(m.Name, "translated_prompts.jsonl"))
	}
	return datasets.Frame(parallel), writeLines(run, run.path(m.Name, "translated_prompts.jsonl"), translations)
}

// modelName names the model that a round starts from.
func modelName(round int) string { return fmt.Sprintf("M%d", round) }
