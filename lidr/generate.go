package lidr

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/report"
	"lidrlab/lidr/tokenizer"
)

// Generate lets the model answer every prompt, a frame of [Prompt] rows, and returns a frame of [datasets.Response]
// rows. It writes <model>/responses/LANG.jsonl. Answers that the store holds are not generated again. With
// [GenerateSettings].Samples each prompt has several rows, numbered in the column sample. [Run.Responses] reads all of
// them back.
func Generate(ctx context.Context, run *Run, m *Model, prompts dataframe.DataFrame) (dataframe.DataFrame, error) {
	rows, err := rowsOf[Prompt](prompts, "prompts")
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	responses, err := generate(ctx, run, m, rows)
	return datasets.Frame(responses), err
}

func generate(ctx context.Context, run *Run, m *Model, prompts []Prompt) ([]datasets.Response, error) {
	if err := run.Enter(m); err != nil {
		return nil, err
	}
	requests, err := answerRequests(run.Settings.Generate, m, prompts, nil, run.Settings.Generate.Samples)
	if err != nil {
		return nil, err
	}
	if err := run.claim(m, "responses", ledger.Key(prompts)); err != nil {
		return nil, err
	}
	responses, err := respond(ctx, run, m, "generate", prompts, requests)
	if err != nil {
		return nil, err
	}
	var langs []string
	for _, row := range responses {
		if !slices.Contains(langs, row.Lang) {
			langs = append(langs, row.Lang)
		}
	}
	for _, lang := range langs {
		if err := run.WriteLines(run.Path(m.Name(), "responses", lang+".jsonl"), inLanguage(responses, lang)); err != nil {
			return nil, err
		}
	}
	return responses, run.measureTokens(m.Name(), langs, responses)
}

// measureTokens writes what the answers of each language cost: one that needs more tokens for the same text gets
// shorter answers from the same limit. Servers that count no tokens leave nothing to write.
func (r *Run) measureTokens(model string, langs []string, responses []datasets.Response) error {
	m := report.Measure{
		Key: "tokens", Title: "What answers cost", Unit: "see the rows", Digits: 2,
		What: "Tokens of the generated answers, and how many were cut by their length: a language that needs more tokens " +
			"for the same text gets shorter answers from the same limit.",
	}
	for _, lang := range langs {
		tokens, characters, cut, n := 0, 0, 0, 0
		for _, row := range inLanguage(responses, lang) {
			if row.Tokens == 0 || row.Response == "" {
				continue
			}
			tokens, characters, n = tokens+row.Tokens, characters+utf8.RuneCountInString(row.Response), n+1
			if row.FinishReason == lm.FinishLength {
				cut++
			}
		}
		if n == 0 {
			continue
		}
		put := func(name string, value float64) {
			m.Put(model+", "+name, lang, report.MeasureValue{Estimate: report.Estimate{Value: value},
				Note: fmt.Sprintf("n = %d", n)})
		}
		put("tokens per character", float64(tokens)/float64(characters))
		put("tokens per answer", float64(tokens)/float64(n))
		put("cut by their length, %", 100*float64(cut)/float64(n))
	}
	if len(m.Rows) == 0 {
		return nil
	}
	return r.WriteMeasure(model, m)
}

// answerRequests makes the requests for so many answers to each prompt, those of one prompt after each other; shots are
// turns before the prompts of a language. A request's ID, which its random stream is drawn by, has the number of its
// answer from the second one on, so that one answer is asked for as it always was.
func answerRequests(s GenerateSettings, m *Model, prompts []Prompt, shots map[string][]tokenizer.Message,
	samples int) ([]lm.Request, error) {
	var requests []lm.Request
	for _, row := range prompts {
		messages, err := s.Messages(row.Prompt, row.Lang)
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(row.Prompt) == "" {
			return nil, fmt.Errorf("%s: prompt %s in %s is empty, expected text", row.Source, row.ID, row.Lang)
		}
		messages = slices.Insert(messages, len(messages)-1, shots[row.Lang]...)
		request := lm.Request{ID: row.ID + "/" + row.Lang, Messages: messages, Thinking: s.Thinking}
		if err := m.Fits(request, row.Source); err != nil {
			return nil, err
		}
		requests = append(requests, request)
		for sample := 1; sample < samples; sample++ {
			another := request
			another.ID += fmt.Sprintf("/%d", sample)
			requests = append(requests, another)
		}
	}
	return requests, nil
}

// respond answers prompts by their requests, equally many for each; step names the work in the progress and in
// timing.jsonl.
func respond(ctx context.Context, run *Run, m *Model, step string, prompts []Prompt,
	requests []lm.Request) ([]datasets.Response, error) {
	completions, err := complete(ctx, run, m, m.Name()+" "+step, requests, run.Settings.Generate.Sampling)
	if err != nil {
		return nil, err
	}
	responses := make([]datasets.Response, len(requests))
	count := newFaultCount(m.Name() + " " + step)
	for i := range requests {
		samples := len(requests) / len(prompts)
		row, c := prompts[i/samples], completions[i].Split()
		responses[i] = datasets.Response{
			ID: row.ID, Lang: row.Lang, Prompt: row.Prompt, Sample: i % samples, Response: c.Text,
			FinishReason: c.FinishReason, Tokens: c.Tokens, Fault: c.Fault(), Reason: cmp.Or(c.Reason, c.By),
		}
		count.add(row.Lang, requests[i].ID, c.Fault(), saysOf(c))
	}
	return responses, run.told(count, func() string {
		return run.storeFile("completions", m.Key("completions", requests, run.Settings.Generate.Sampling))
	})
}

// withFaults returns answers with the faults of those that do not name one, and without thoughts: rows of another
// program, or of a caller's own, have both.
func withFaults(rows []datasets.Response) []datasets.Response {
	out := slices.Clone(rows)
	for i, row := range out {
		c := lm.Completion{Text: row.Response, FinishReason: row.FinishReason}.Split()
		out[i].Response, out[i].Fault = c.Text, cmp.Or(row.Fault, c.Fault())
	}
	return out
}

// keeps says whether an answer with a fault may be a side of a pair.
func (s PairSettings) keeps(fault string) bool {
	return fault == "" || slices.Contains(s.KeepFaulty, fault)
}

// Responses reads back what a model has answered in a run, the frame that [Generate] returned, without the model.
func (r *Run) Responses(model string) (dataframe.DataFrame, error) {
	var all []datasets.Response
	for _, lang := range r.Settings.Languages() {
		var rows []datasets.Response
		err := r.ReadLines(r.Path(model, "responses", lang+".jsonl"), &rows)
		if err != nil {
			return dataframe.DataFrame{}, fmt.Errorf("%s has not answered in %s; call Generate first: %w", model, lang, err)
		}
		all = append(all, rows...)
	}
	return datasets.Frame(all), nil
}
