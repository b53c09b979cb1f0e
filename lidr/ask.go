package lidr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/report"
)

// Ask puts requests to any model, one of the run or a judge, through the store: for a step of one's own. step names the
// work in the progress and in timing.jsonl. Each answer is kept for itself, under its request, so that a changed
// request does not ask about the others again. A request that the server refuses for good is answered by a completion
// that says so (lm.FinishFailed), within the share of [GenerateSettings].MaxRefused; one that fails otherwise ends the
// step after all others are answered and kept. What a model thought before its answer is in Thought. top > 0 asks for
// the probabilities of the first token too, where the model tells them.
func Ask(ctx context.Context, run *Run, m *Model, step string, requests []lm.Request, sampling lm.Sampling,
	top int) ([]lm.Answer, error) {
	if err := run.unchanged(); err != nil {
		return nil, err
	}
	questions := make([]string, len(requests))
	for i, r := range requests {
		questions[i] = ledger.Key(r)
	}
	key := m.Key("verdicts", sampling, top)
	ask := func(requests []lm.Request, done func(int) bool, save func([]int, []lm.Answer) error) error {
		known := countDone(len(requests), done)
		meter := run.Meter(step, "answers", len(requests), known)
		defer meter.Stop()
		keep := func(idx []int, out []lm.Answer) error {
			if err := save(idx, out); err != nil {
				return err
			}
			known += len(idx)
			tokens := 0
			for _, a := range out {
				tokens += a.PromptTokens + a.Tokens
			}
			meter.Add(len(idx), tokens)
			return nil
		}
		keepCompletions := func(idx []int, out []lm.Completion) error {
			answers := make([]lm.Answer, len(out))
			for i, c := range out {
				answers[i] = lm.Answer{Completion: c}
			}
			return keep(idx, answers)
		}
		var err error
		if teller, ok := m.lm.(lm.Asker); ok && top > 0 {
			err = teller.Ask(ctx, requests, sampling, top, done, keep)
		} else {
			err = m.lm.Generate(ctx, requests, sampling, done, keepCompletions)
		}
		if err := run.settle(step, err, len(requests), &known, keepCompletions); err != nil {
			return err
		}
		return meter.End()
	}
	list := ledger.Key(key, questions)
	if run.shard.Of > 0 && !ledger.Knows(run.store, "verdicts", key, questions) {
		return nil, askShard(ctx, run, step, "verdicts", list, requests, ask)
	}
	answers, err := ledger.Remember(ctx, run.store, "verdicts", key, questions,
		orMerge(run, step, "verdicts", list, requests, ask))
	if err == nil && run.shard.Of == 0 {
		err = run.store.RemoveShards("verdicts", list)
	}
	if err != nil {
		return nil, err
	}
	count := newFaultCount(step)
	for i, a := range answers {
		answers[i].Completion = a.Split()
		fault := answers[i].Fault()
		if fault == lm.FaultCut && sampling.MaxTokens == 1 { // a judge's verdict is the one token that it is asked for
			fault = ""
		}
		count.add("", requests[i].ID, fault, saysOf(a.Completion))
	}
	return answers, run.told(count, func() string { return run.storeFile("verdicts", key) })
}

// storeFile is where the store keeps the output of a step of that kind.
func (r *Run) storeFile(kind, key string) string {
	return filepath.Join(r.store.Dir, kind, key+".jsonl")
}

// complete asks a model all requests of a step, through the store. A request that the server refuses for good has a
// completion that says so.
func complete(ctx context.Context, run *Run, m *Model, step string, requests []lm.Request,
	s lm.Sampling) ([]lm.Completion, error) {
	key := m.Key("completions", requests, s)
	ask := func(requests []lm.Request, done func(int) bool, save func([]int, []lm.Completion) error) error {
		known := countDone(len(requests), done)
		meter := run.Meter(step, "answers", len(requests), known)
		defer meter.Stop()
		keep := func(idx []int, out []lm.Completion) error {
			if err := save(idx, out); err != nil {
				return err
			}
			known += len(idx)
			tokens := 0
			for _, c := range out {
				tokens += c.Tokens
			}
			meter.Add(len(idx), tokens)
			return nil
		}
		err := m.lm.Generate(ctx, requests, s, done, keep)
		if err := run.settle(step, err, len(requests), &known, keep); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		return meter.End()
	}
	if run.shard.Of > 0 && !run.store.Has("completions", key) {
		return nil, askShard(ctx, run, step, "completions", key, requests, ask)
	}
	found, err := ledger.Collect(ctx, run.store, "completions", key, len(requests),
		orMerge(run, step, "completions", key, requests, ask))
	if err == nil && run.shard.Of == 0 {
		err = run.store.RemoveShards("completions", key)
	}
	return found, err
}

// asking asks requests of which some are done already, as [ledger.Collect] calls it.
type asking[T any] = func(requests []lm.Request, done func(int) bool, save func([]int, []T) error) error

// askShard asks the run's shard of the requests, and ends with ledger.ErrShard.
func askShard[T any](ctx context.Context, run *Run, step, kind, key string, requests []lm.Request,
	ask asking[T]) error {
	var own []lm.Request
	for _, i := range run.shard.Items(len(requests)) {
		own = append(own, requests[i])
	}
	askOwn := func(done func(int) bool, save func([]int, []T) error) error { return ask(own, done, save) }
	if err := ledger.CollectShard(ctx, run.store, kind, key, len(requests), run.shard, askOwn); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w: %d of %d requests; when all %d are there, the same step without a shard puts them "+
		"together (%s)", step, ledger.ErrShard, len(own), len(requests), run.shard.Of,
		filepath.Join(run.store.Dir, kind, key+".shards"))
}

// orMerge takes what the shards of a list have, where there are shards, and asks otherwise.
func orMerge[T any](run *Run, step, kind, key string, requests []lm.Request, ask asking[T]) func(func(int) bool,
	func([]int, []T) error) error {
	return func(done func(int) bool, save func([]int, []T) error) error {
		items, found, err := ledger.Shards[T](run.store, kind, key, len(requests))
		if err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		if !found {
			return ask(requests, done, save)
		}
		var at []int
		var missing []T
		for i, item := range items {
			if !done(i) {
				at, missing = append(at, i), append(missing, item)
			}
		}
		return save(at, missing)
	}
}

// settle keeps, for the requests that a server refuses for good, completions that say so, where err tells of nothing
// else and the run tolerates so many: what is kept is not asked again, and the step gives the same bytes when it is
// resumed. known counts the requests with an answer, of total.
func (r *Run) settle(step string, err error, total int, known *int,
	keep func([]int, []lm.Completion) error) error {
	var incomplete *lm.IncompleteError
	if !errors.As(err, &incomplete) || *known+len(incomplete.Failed) < total {
		return err
	}
	var refused []int
	var out []lm.Completion
	for _, f := range incomplete.Failed {
		if !f.Final {
			return err
		}
		refused = append(refused, f.Index)
		out = append(out, lm.Completion{FinishReason: lm.FinishFailed, Reason: f.Reason.Error()})
	}
	if s := r.Settings.Generate; !s.tolerates(len(refused), total) {
		return fmt.Errorf("the server refuses %d of %d requests for good, more than the share %g of generate.max_refused; "+
			"mend or leave out what it refuses, or raise the setting in a run folder beside this one, where nothing that was "+
			"answered is asked again: %w", len(refused), total, s.mayRefuse(), err)
	}
	return keep(refused, out)
}

// mayRefuse is the share of a step's requests that a server may refuse for good.
func (s GenerateSettings) mayRefuse() float64 { return cmp.Or(s.MaxRefused, maxRefused) }

// tolerates says whether a step may go on without n of its requests: a step of few requests without one, where the
// settings do not say, and none without all.
func (s GenerateSettings) tolerates(n, total int) bool {
	return n == 0 || n < total && (float64(n) <= s.mayRefuse()*float64(total) || n == 1 && s.MaxRefused == 0)
}

// tooMany is the share of a language's answers with one fault beyond which a reader is warned: then the fault, and not
// the model's skill, may decide what is measured, or which pairs there are.
const tooMany = 0.05

// faultsKey begins the keys of measures of answers that are none, or not whole.
const faultsKey = "faults-"

// faultCount counts the answers of a step by language, and among them those that are none, or not whole.
type faultCount struct {
	step    string // "M0 generate"
	langs   []string
	answers map[string]int
	faults  map[string]map[string]int // by fault and language
	first   string                    // the first of them that the server says something of
}

func newFaultCount(step string) *faultCount {
	return &faultCount{step: step, answers: map[string]int{}, faults: map[string]map[string]int{}}
}

// add counts an answer; reason is the server's word on its fault.
func (c *faultCount) add(lang, id, fault, reason string) {
	if c.answers[lang] == 0 {
		c.langs = append(c.langs, lang)
	}
	c.answers[lang]++
	if fault == "" {
		return
	}
	if c.faults[fault] == nil {
		c.faults[fault] = map[string]int{}
	}
	c.faults[fault][lang]++
	if reason != "" && c.first == "" {
		c.first = fmt.Sprintf("; of %s the server says: %s", id, reason)
	}
}

// saysOf is what a server says of a completion that is no answer.
func saysOf(c lm.Completion) string {
	if c.Reason == "" && c.By != "" {
		return fmt.Sprintf("it is by %s; if that is the same model, name it in remote.Options.Aliases", c.By)
	}
	return c.Reason
}

// of is the number of answers with a fault in all languages.
func (c *faultCount) of(fault string) int {
	n := 0
	for _, count := range c.faults[fault] {
		n += count
	}
	return n
}

// summary is "es 3 of 14 cut by its length, 1 of 14 empty; de …".
func (c *faultCount) summary() string {
	var parts []string
	for _, lang := range c.langs {
		var own []string
		for _, fault := range slices.Sorted(maps.Keys(c.faults)) {
			if n := c.faults[fault][lang]; n > 0 {
				own = append(own, fmt.Sprintf("%d of %d %s", n, c.answers[lang], fault))
			}
		}
		if len(own) > 0 {
			parts = append(parts, strings.TrimSpace(lang+" "+strings.Join(own, ", ")))
		}
	}
	return strings.Join(parts, "; ") + c.first
}

// tooMany says whether a reader is warned of a fault in a language.
func (c *faultCount) tooMany(fault, lang string) bool {
	return float64(c.faults[fault][lang]) > tooMany*float64(c.answers[lang])
}

// warning is one sentence on a fault in all languages that have too many of it, so that a report does not say the same
// of each.
func (c *faultCount) warning(fault string) string {
	var parts []string
	for _, lang := range c.langs {
		if c.tooMany(fault, lang) {
			parts = append(parts, fmt.Sprintf("%d of %d answers in %s", c.faults[fault][lang], c.answers[lang], lang))
		}
	}
	warning := fmt.Sprintf("%s: %s are no whole answers of the model (%s)", c.step, strings.Join(parts, ", "), fault)
	if fault == lm.FaultCut {
		warning += "; raise max_tokens"
		switch step := strings.TrimPrefix(c.step, strings.SplitN(c.step, " ", 2)[0]+" "); {
		case strings.HasPrefix(step, "translate") || strings.HasSuffix(step, "translation"):
			warning += " (translate.sampling.max_tokens in the settings)"
		case step == "generate" || step == "evaluate":
			warning += " (generate.sampling.max_tokens in the settings)"
		}
	}
	return warning
}

// told says what is wrong with the answers of a step: to the reader of the progress, in the model's measures, and by
// the process's exit code. It is an error where more requests are refused than the run tolerates. file names the file
// of the store that holds the step's answers.
func (r *Run) told(c *faultCount, file func() string) error {
	total := 0
	for _, n := range c.answers {
		total += n
	}
	s := r.Settings.Generate
	if n := c.of(lm.FaultFailed); !s.tolerates(n, total) {
		return fmt.Errorf("%s: the server has refused %d of %d requests for good, more than the share %g of "+
			"generate.max_refused (%s); another run may have tolerated so many: raise the setting in a run folder beside "+
			"this one, or delete %s to ask all of the step again", c.step, n, total, s.mayRefuse(), c.summary(), file())
	}
	for fault := range c.faults {
		if fault != lm.FaultCut {
			lm.CountUnanswered(c.of(fault))
		}
	}
	if len(c.faults) > 0 {
		again := ""
		if c.of(lm.FaultFailed) > 0 {
			again = fmt.Sprintf("; what was refused is not asked again, unless you delete %s, which asks all of the step again",
				file())
		}
		r.Note("%s: answers that are none, or not whole: %s%s", c.step, c.summary(), again)
	}
	return r.measureFaults(c)
}

// measureFaults writes the counts to the measures of the model that the step is named after. A step without faults
// writes none, unless it had some before.
func (r *Run) measureFaults(c *faultCount) error {
	if slices.Equal(c.langs, []string{""}) { // of a step of one's own, whose requests have no languages
		return nil
	}
	model, step, _ := strings.Cut(c.step, " ")
	m := report.Measure{
		Key: faultsKey + strings.ReplaceAll(step, " ", "-"), Title: "Answers that are none, or not whole: " + step,
		What: "Requests that the server refused, and answers that were withheld, empty, a thought alone, another model's, " +
			"or cut by their length.",
		Unit: "answers",
	}
	if len(c.faults) == 0 && !r.wrote(model+"/measures/"+m.Key+".json") {
		return nil
	}
	for _, fault := range slices.Sorted(maps.Keys(c.faults)) {
		warning := c.warning(fault)
		for _, lang := range c.langs {
			v := report.MeasureValue{Estimate: report.Estimate{Value: float64(c.faults[fault][lang])},
				Note: fmt.Sprintf("of %d", c.answers[lang])}
			if c.tooMany(fault, lang) {
				v.Warning = warning
			}
			m.Put(model+", "+fault, lang, v)
		}
	}
	return r.WriteMeasure(model, m)
}
