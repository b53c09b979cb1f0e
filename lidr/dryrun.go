package lidr

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/go-gota/gota/dataframe"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"lidrlab/datasets"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

// costRow is a row of the frames that [DryRun] and its kin return.
type costRow struct {
	Model        string  `json:"model"`
	Step         string  `json:"step"`
	Requests     int     `json:"requests"`
	PromptTokens int     `json:"prompt_tokens"`
	AnswerTokens int     `json:"answer_tokens"`
	Dollars      float64 `json:"dollars"`
}

// add counts n requests of the given prompt tokens in all, each with an answer of at most so many.
func (c *costRow) add(n, prompt, answer int, p lm.Prices) {
	c.Requests, c.PromptTokens, c.AnswerTokens = c.Requests+n, c.PromptTokens+prompt, c.AnswerTokens+n*answer
	c.Dollars += p.Dollars(prompt, n*answer)
}

// DryRun returns what each step of [Iterate] will take at most, before anything is asked: a frame with columns model, step
// (generate, translate, evaluate), requests, prompt_tokens, answer_tokens and dollars, 0 without prices. Known texts are
// counted by [lm.EstimateTokens]; an answer that is still to be given counts with all the tokens that it may have, so most
// runs take far less. What a store already holds is counted as if it were asked again.
func DryRun(s Settings, p lm.Prices) (dataframe.DataFrame, error) {
	if err := s.Validate(); err != nil {
		return dataframe.DataFrame{}, err
	}
	problems, err := evaluationRows(&Run{Settings: s})
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	shots, err := exemplars(s.Generate, s.Evaluate.Exemplars, s.Evaluate.Shots, slices.Concat(s.Languages(), s.Unseen))
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	var costs []costRow
	for round := range s.Rounds + 1 {
		evaluate, err := answerCost(s, modelName(round), "evaluate", problems, shots, p)
		if err != nil {
			return dataframe.DataFrame{}, err
		}
		costs = append(costs, evaluate)
		if s.Evaluate.Source == "miniature" {
			others := slices.Concat(s.Trained, s.Unseen)
			translations, err := translationCost(s, modelName(round), "evaluate translation", 2*len(others)*s.Evaluate.Translations, p)
			if err != nil {
				return dataframe.DataFrame{}, err
			}
			costs = append(costs, translations)
		}
		if round == s.Rounds {
			break
		}
		prompts, err := roundRows(s, round)
		if err != nil {
			return dataframe.DataFrame{}, err
		}
		generate, err := answerCost(s, modelName(round), "generate", prompts, nil, p)
		if err != nil {
			return dataframe.DataFrame{}, err
		}
		// An English answer goes into every trained language, and one of each prompt's others into English.
		translate, err := translationCost(s, modelName(round), "translate", s.Prompts.N*(len(s.Trained)+1), p)
		if err != nil {
			return dataframe.DataFrame{}, err
		}
		costs = append(costs, generate, translate)
	}
	return datasets.Frame(costs), nil
}

func answerCost(s Settings, model, step string, prompts []promptRow, shots map[string][]tokenizer.Message, p lm.Prices) (costRow, error) {
	cost := costRow{Model: model, Step: step}
	ask, err := asker(s.Generate)
	if err != nil {
		return cost, err
	}
	for _, row := range prompts {
		messages, err := ask(row.Prompt, row.Lang)
		if err != nil {
			return cost, err
		}
		cost.add(1, lm.EstimateTokens(lm.Request{Messages: append(messages, shots[row.Lang]...)}), s.Generate.Sampling.MaxTokens, p)
	}
	return cost, nil
}

// translationCost is that of n answers, each as long as it may be.
func translationCost(s Settings, model, step string, n int, p lm.Prices) (costRow, error) {
	cost := costRow{Model: model, Step: step}
	ask, err := translator(s.Translate)
	if err != nil {
		return cost, err
	}
	messages, err := ask("", s.Dominant, s.Trained[0])
	if err != nil {
		return cost, err
	}
	around := lm.EstimateTokens(lm.Request{Messages: messages, Prefill: s.Translate.Prefill})
	cost.add(n, n*(around+s.Generate.Sampling.MaxTokens), s.Translate.Sampling.MaxTokens, p)
	return cost, nil
}

// question is what a dry run needs of a prompt.
type question struct {
	ID     string `json:"id"`
	Lang   string `json:"lang"`
	Prompt string `json:"prompt"`
}

// DryRunGenerate is [DryRun] for one [Generate] on prompts, a frame with the columns id, lang and prompt: one row, whose step
// is named.
func DryRunGenerate(s Settings, model, step string, prompts dataframe.DataFrame, p lm.Prices) (dataframe.DataFrame, error) {
	questions, err := rowsOf[question](prompts, "prompts")
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	rows := make([]promptRow, len(questions))
	for i, q := range questions {
		rows[i] = promptRow{ID: q.ID, Lang: q.Lang, Prompt: q.Prompt}
	}
	cost, err := answerCost(s, model, step, rows, nil, p)
	return datasets.Frame([]costRow{cost}), err
}

// DryRunJudge is [DryRun] for one [Judge] of answers of up to answerTokens tokens to prompts, a frame with the columns id,
// lang and prompt: one row, at the judge's prices.
func DryRunJudge(name string, prompts dataframe.DataFrame, answerTokens int, s JudgeSettings, p lm.Prices) (dataframe.DataFrame, error) {
	rows, err := rowsOf[question](prompts, "prompts")
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	wrap, err := parseTemplate("judge.template", s.Template)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	cost := costRow{Model: "judge", Step: "judge " + name}
	for _, row := range rows {
		user, err := render(wrap, map[string]string{"Instruction": row.Prompt, "Language": LanguageName(row.Lang), "First": "", "Second": ""})
		if err != nil {
			return dataframe.DataFrame{}, err
		}
		tokens := lm.EstimateTokens(lm.Request{Messages: turn(s.System, user)}) + 2*answerTokens
		times := len(orders(s, judgement{ID: row.ID, Lang: row.Lang}))
		cost.add(times, times*tokens, s.Sampling.MaxTokens, p)
	}
	return datasets.Frame([]costRow{cost}), nil
}

// CostTable lays rows of [DryRun] and its kin out as text, with their sum.
func CostTable(frame dataframe.DataFrame) (string, error) {
	rows, err := rowsOf[costRow](frame, "costs")
	if err != nil {
		return "", err
	}
	sum := costRow{Model: "all", Step: "at most"}
	for _, r := range rows {
		sum.Requests, sum.PromptTokens, sum.AnswerTokens = sum.Requests+r.Requests, sum.PromptTokens+r.PromptTokens, sum.AnswerTokens+r.AnswerTokens
		sum.Dollars += r.Dollars
	}
	var text strings.Builder
	english := message.NewPrinter(language.English)
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "model\tstep\trequests\tprompt tokens\tanswer tokens\tdollars")
	for _, r := range append(rows, sum) {
		english.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%.2f\n", r.Model, r.Step, r.Requests, r.PromptTokens, r.AnswerTokens, r.Dollars)
	}
	err = table.Flush()
	return text.String(), err
}
