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

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/ledger"
)

// Filter decides whether a pair is kept; Name is counted with the number of pairs that it dropped.
type Filter struct {
	Name string
	Keep func(Pair) bool
}

// Pairs makes the preference pairs of m's round from frames of [datasets.Response] and [datasets.Translation] rows. It
// returns a frame of [Pair] rows and one of [PairCount] rows: candidates, what each filter dropped, and what is left.
// It writes <model>/pairs.jsonl and <model>/pairs.stats.json. The run's PairSettings name the filters of the tool; more
// adds the caller's own, after them.
func Pairs(ctx context.Context, run *Run, m *Model, responses, translations dataframe.DataFrame, more ...Filter) (pairs,
	counts dataframe.DataFrame, err error) {
	answers, err := rowsOf[datasets.Response](responses, "responses")
	if err != nil {
		return pairs, counts, err
	}
	translated, err := rowsOf[datasets.Translation](translations, "translations")
	if err != nil {
		return pairs, counts, err
	}
	kept, stats, err := makePairs(ctx, run, m, answers, translated, more)
	return datasets.Frame(kept), datasets.Frame(stats), err
}

func makePairs(ctx context.Context, run *Run, m *Model, answers []datasets.Response, translated []datasets.Translation,
	more []Filter) ([]Pair, []PairCount, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if err := run.Enter(m); err != nil {
		return nil, nil, err
	}
	all, err := candidates(run.Settings, withFaults(answers), translated)
	if err != nil {
		return nil, nil, err
	}
	kept, stats := sift(run.Settings, run.promptTask(), all, more)
	// What a filter of the caller's does is known by what it leaves.
	if err := run.claim(m, "pairs", ledger.Key(kept, stats)); err != nil {
		return nil, nil, err
	}
	return kept, stats, run.writePairs(m, kept, stats)
}

func (r *Run) writePairs(m *Model, kept []Pair, stats []PairCount) error {
	if err := r.WriteLines(r.Path(m.Name(), "pairs.jsonl"), kept); err != nil {
		return err
	}
	return r.WriteJSON(r.Path(m.Name(), "pairs.stats.json"), stats)
}

// Candidates makes the pairs of a round anew from the answers and translations in the run folder, before any filter,
// and says of each what dropped it, "" for one that was kept: the name of a filter, one of the reasons of the counts,
// or "a filter of the run's own" for a pair that this program would keep and pairs.jsonl does not hold. It writes
// nothing and asks no model. Pairs that were selected by score, or changed since, have no such candidates, which is an
// error.
func (r *Run) Candidates(model string) (pairs []Pair, dropped []string, err error) {
	byScore := fmt.Errorf("the pairs of %s were chosen by score, or changed since: what was dropped is counted in %s "+
		"alone", model, r.Path(model, "pairs.stats.json"))
	if r.Settings.Generate.Samples > 1 {
		return nil, nil, byScore
	}
	responses, err := r.Responses(model)
	if err != nil {
		return nil, nil, err
	}
	answers, err := rowsOf[datasets.Response](responses, "responses")
	if err != nil {
		return nil, nil, err
	}
	var translated []datasets.Translation
	dominant := r.Settings.Dominant
	for _, lang := range r.Settings.Trained {
		for _, direction := range []string{dominant + "-" + lang, lang + "-" + dominant} {
			err := r.ReadLines(r.Path(model, "translations", direction+".jsonl"), &translated)
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // a direction that the run does not need
				return nil, nil, err
			}
		}
	}
	var kept []Pair
	if err := r.ReadLines(r.Path(model, "pairs.jsonl"), &kept); err != nil {
		return nil, nil, err
	}
	held := map[Pair]int{}
	for _, p := range kept {
		held[p]++
	}
	all, err := candidates(r.Settings, withFaults(answers), translated)
	if err != nil {
		return nil, nil, err
	}
	filters := ownFilters(r.Settings.Pairs, r.promptTask())
	for _, c := range all {
		why := ""
		if held[c.Pair] > 0 {
			held[c.Pair]--
		} else if why = dropReason(r.Settings.Pairs, c, filters); why == "" {
			why = "a filter of the run's own"
		}
		pairs, dropped = append(pairs, c.Pair), append(dropped, why)
	}
	for _, left := range held {
		if left > 0 { // of an answer and its translations, which scores can choose from too
			return nil, nil, byScore
		}
	}
	return pairs, dropped, nil
}

// candidate is a pair before the filters; a failed translation has no text.
type candidate struct {
	Pair
	failed      bool
	translation bool   // the English prompt asks for a translation
	text, from  string // the translated side and what it was translated from, "" for none
	faulty      string // which side is of an answer that is none, or not whole, and why
}

// candidates makes one candidate for every answer in a trained language, and one for every answer in the dominant one;
// answers of several to a prompt are paired by their number.
// In released mode both pairs of a prompt and language fail with either translation between that language and the
// dominant one, those of prompts that ask for a translation too, as in the reference code (process_translations).
func candidates(s Settings, answers []datasets.Response, translated []datasets.Translation) ([]candidate, error) {
	type key struct {
		id, from, to string
		sample       int
	}
	texts := map[key]datasets.Translation{}
	for _, row := range translated {
		texts[key{row.ID, row.From, row.To, row.Sample}] = row
	}
	find := func(row datasets.Response, from, to string) (datasets.Translation, error) {
		t, ok := texts[key{row.ID, from, to, row.Sample}]
		if !ok {
			return t, fmt.Errorf("translations: prompt %s has no row from %s to %s; pass the whole frame that Translate "+
				"returned", row.ID, from, to)
		}
		return t, nil
	}
	english := map[key]datasets.Response{}
	for _, row := range inLanguage(answers, s.Dominant) {
		english[key{id: row.ID, sample: row.Sample}] = row
	}
	own := map[key]datasets.Response{}
	for _, row := range answers {
		own[key{id: row.ID, from: row.Lang, sample: row.Sample}] = row
	}
	var out []candidate
	for _, row := range answers {
		source, ok := english[key{id: row.ID, sample: row.Sample}]
		if !ok {
			return nil, fmt.Errorf("responses: prompt %s is answered in %s and not in %s, so no pair can be made; generate "+
				"both languages", row.ID, row.Lang, s.Dominant)
		}
		c := candidate{Pair: Pair{ID: row.ID, Lang: row.Lang, Prompt: row.Prompt},
			translation: translationPrompt.MatchString(source.Prompt)}
		from, to := s.Dominant, row.Lang
		if row.Lang == s.Dominant {
			from, to = rejectedFrom(s, row.ID), s.Dominant
		} else if !slices.Contains(s.Trained, row.Lang) {
			continue
		}
		t, err := find(row, from, to)
		if err != nil {
			return nil, err
		}
		c.Source, c.failed = from+">"+to, !t.OK
		if s.Pairs.Mode == released {
			back, err := find(row, to, from)
			if err != nil {
				return nil, err
			}
			c.failed = c.failed || !back.OK
		}
		chosen, rejected := source, row
		if row.Lang == s.Dominant {
			rejected = own[key{id: row.ID, from: from, sample: row.Sample}]
		}
		if !s.Pairs.keeps(chosen.Fault) {
			c.faulty = "chosen answer: " + chosen.Fault
		} else if !s.Pairs.keeps(rejected.Fault) {
			c.faulty = "rejected answer: " + rejected.Fault
		}
		switch {
		case row.Lang == s.Dominant:
			c.Chosen, c.Rejected, c.text, c.from = row.Response, t.Text, t.Text, t.Source
		case c.translation:
			c.Chosen, c.Rejected, c.Source = source.Response, row.Response, s.Dominant
			c.failed = c.failed && s.Pairs.Mode == released
		default:
			c.Chosen, c.Rejected, c.text, c.from = t.Text, row.Response, t.Text, t.Source
		}
		out = append(out, c)
	}
	return out, nil
}

// sift applies the filters in order; each pair is counted under the first filter that drops it.
func sift(s Settings, task Task, candidates []candidate, more []Filter) ([]Pair, []PairCount) {
	filters := append(ownFilters(s.Pairs, task), more...)
	dropped := map[string]map[string]int{}
	total := map[string]int{}
	var langs []string
	kept := []Pair{}
	for _, c := range candidates {
		if total[c.Lang] == 0 {
			langs = append(langs, c.Lang)
			dropped[c.Lang] = map[string]int{}
		}
		total[c.Lang]++
		if reason := dropReason(s.Pairs, c, filters); reason != "" {
			dropped[c.Lang][reason]++
			continue
		}
		kept = append(kept, c.Pair)
	}
	faulty := map[string]bool{} // these reasons are in the counts of all languages where they occur in one
	for _, c := range candidates {
		if c.faulty != "" {
			faulty[c.faulty] = true
		}
	}
	reasons := append(slices.Sorted(maps.Keys(faulty)), "failed translation")
	if slices.ContainsFunc(langs, func(lang string) bool { return dropped[lang][emptySide] > 0 }) {
		reasons = append(reasons, emptySide)
	}
	if s.Pairs.DropTranslationPrompts {
		reasons = append(reasons, "translation prompt")
	}
	if s.Pairs.MaxCopied > 0 {
		reasons = append(reasons, copiedWords)
	}
	for _, f := range filters {
		reasons = append(reasons, f.Name)
	}
	stats := []PairCount{}
	for _, lang := range langs {
		left := total[lang]
		stats = append(stats, PairCount{lang, "candidates", "", left})
		for _, reason := range reasons {
			stats = append(stats, PairCount{lang, "dropped", reason, dropped[lang][reason]})
			left -= dropped[lang][reason]
		}
		stats = append(stats, PairCount{lang, "pairs", "", left})
	}
	return kept, stats
}

// emptySide is why a pair is dropped of which a side has no text: a model that learns from it learns to say nothing.
// The reason is in the counts where it has dropped a pair.
const emptySide = "empty answer"

// copiedWords is why a pair is dropped by PairSettings.MaxCopied.
const copiedWords = "copied words"

func dropReason(s PairSettings, c candidate, filters []Filter) string {
	if c.faulty != "" {
		return c.faulty
	}
	if c.failed {
		return "failed translation"
	}
	if strings.TrimSpace(c.Chosen) == "" || strings.TrimSpace(c.Rejected) == "" {
		return emptySide
	}
	if c.translation && s.DropTranslationPrompts {
		return "translation prompt"
	}
	if s.MaxCopied > 0 && eval.Copied(c.text, c.from) > s.MaxCopied {
		return copiedWords
	}
	for _, f := range filters {
		if !f.Keep(c.Pair) {
			return f.Name
		}
	}
	return ""
}

// ownFilters returns the filters that are switched on.
func ownFilters(s PairSettings, task Task) []Filter {
	var filters []Filter
	add := func(on bool, name string, keep func(Pair) bool) {
		if on {
			filters = append(filters, Filter{name, keep})
		}
	}
	add(s.DropRepeatedLines, "repeated lines", func(p Pair) bool {
		return !eval.RepeatsLines(p.Chosen) && !eval.RepeatsLines(p.Rejected)
	})
	add(s.MaxLengthRatio > 0, "length ratio", func(p Pair) bool {
		return eval.LengthRatio(p.Chosen, p.Rejected) <= s.MaxLengthRatio
	})
	add(s.SameLanguage, "chosen in another language", func(p Pair) bool {
		lang := task.Identify(p.Chosen)
		return lang == "" || lang == p.Lang || lang == baseLanguage(p.Lang)
	})
	add(s.DropIdentical, "identical sides", func(p Pair) bool { return p.Chosen != p.Rejected })
	return filters
}
