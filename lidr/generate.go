package lidr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

// Generate lets the model answer every prompt and returns a frame with columns id, lang, prompt, response,
// finish_reason and tokens; it writes <model>/responses/LANG.jsonl. Answers that the store holds are not generated
// again.
func Generate(ctx context.Context, run *Run, m *Model, prompts dataframe.DataFrame) (dataframe.DataFrame, error) {
	rows, err := rowsOf[promptRow](prompts, "prompts")
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	responses, err := respond(ctx, run, m, "generate", rows, nil)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	for _, lang := range langsOf(responses) {
		if err := writeLines(run, run.path(m.Name, "responses", lang+".jsonl"), only(responses, lang)); err != nil {
			return dataframe.DataFrame{}, err
		}
	}
	return datasets.Frame(responses), nil
}

// respond answers prompts; step names the work in the progress and in timing.jsonl, and shots are turns that stand before the
// prompts of a language.
func respond(ctx context.Context, run *Run, m *Model, step string, prompts []promptRow, shots map[string][]tokenizer.Message) ([]datasets.Response, error) {
	s := run.Settings.Generate
	ask, err := asker(s)
	if err != nil {
		return nil, err
	}
	requests := make([]lm.Request, len(prompts))
	for i, row := range prompts {
		messages, err := ask(row.Prompt, row.Lang)
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(row.Prompt) == "" {
			return nil, fmt.Errorf("%s: prompt %s in %s is empty, expected text", row.Source, row.ID, row.Lang)
		}
		messages = slices.Insert(messages, len(messages)-1, shots[row.Lang]...)
		requests[i] = lm.Request{ID: row.ID + "/" + row.Lang, Messages: messages}
		if err := fits(m, requests[i], row.Source); err != nil {
			return nil, err
		}
	}
	completions, err := complete(ctx, run, m, step, requests, s.Sampling)
	if err != nil {
		return nil, err
	}
	responses := make([]datasets.Response, len(prompts))
	for i, row := range prompts {
		c := completions[i]
		responses[i] = datasets.Response{ID: row.ID, Lang: row.Lang, Prompt: row.Prompt, Response: c.Text, FinishReason: c.FinishReason, Tokens: c.Tokens}
	}
	return responses, nil
}

// complete asks the model all requests, through the store.
func complete(ctx context.Context, run *Run, m *Model, step string, requests []lm.Request, sampling lm.Sampling) ([]lm.Completion, error) {
	key := m.key("completions", requests, sampling)
	return ledger.Collect(ctx, run.store, "completions", key, len(requests), func(done func(int) bool, save func([]int, []lm.Completion) error) error {
		meter := run.meter(m.Name+" "+step, "answers", len(requests), countDone(len(requests), done))
		err := m.lm.Generate(ctx, requests, sampling, done, func(idx []int, out []lm.Completion) error {
			if err := save(idx, out); err != nil {
				return err
			}
			tokens := 0
			for _, c := range out {
				tokens += c.Tokens
			}
			meter.add(len(idx), tokens)
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s %s: %w", m.Name, step, err)
		}
		return meter.end()
	})
}

// fits reports a request that leaves the model no room to answer. A server's tokens can only be estimated, so there its
// own error decides.
func fits(m *Model, r lm.Request, source string) error {
	if m.tokenizer == nil {
		return nil
	}
	tokens, err := m.lm.CountTokens(r)
	if err != nil {
		return fmt.Errorf("%s: prompt %s: %w", source, r.ID, err)
	}
	if limit := m.lm.ContextLength(); tokens >= limit {
		return fmt.Errorf("%s: prompt %s: field prompt has %d tokens with its template, expected fewer than the context length of %s, %d; shorten or remove it",
			source, r.ID, tokens, m.Path, limit)
	}
	return nil
}

// langsOf returns the languages of rows in order of appearance.
func langsOf(rows []datasets.Response) []string {
	var langs []string
	seen := map[string]bool{}
	for _, row := range rows {
		if !seen[row.Lang] {
			seen[row.Lang] = true
			langs = append(langs, row.Lang)
		}
	}
	return langs
}

// only returns the rows in one language.
func only(rows []datasets.Response, lang string) []datasets.Response {
	var own []datasets.Response
	for _, row := range rows {
		if row.Lang == lang {
			own = append(own, row)
		}
	}
	return own
}
