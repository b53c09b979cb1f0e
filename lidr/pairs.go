package lidr

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/datasets/miniature"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/langid"
)

// Pair is one preference pair in words.
type Pair struct {
	ID       string `json:"id"`
	Lang     string `json:"lang"`
	Prompt   string `json:"prompt"`
	Chosen   string `json:"chosen"`
	Rejected string `json:"rejected"`
	// Source says how the pair was made: "en>de" is a translated English answer over the model's own German one,
	// "de>en" the model's English answer over a German one translated back, "en" an untranslated English answer.
	Source string `json:"source"`
}

// Filter decides whether a pair is kept; Name stands beside the number of pairs that it dropped.
type Filter struct {
	Name string
	Keep func(Pair) bool
}

// pairCount is a row of the statistics that [Pairs] returns.
type pairCount struct {
	Lang  string `json:"lang"`
	Count string `json:"count"` // candidates, pairs, or "dropped: " and a filter's name
	N     int    `json:"n"`
}

// Pairs makes the preference pairs of a round and returns them, with columns id, lang, prompt, chosen, rejected and
// source, and a frame of counts with columns lang, count and n: candidates, what each filter dropped, and what is left.
// It writes <model>/pairs.jsonl and <model>/pairs.stats.json. The run's PairSettings name the filters of the tool;
// more adds the caller's own, after them.
func Pairs(ctx context.Context, run *Run, m *Model, responses, translations dataframe.DataFrame, more ...Filter) (pairs, counts dataframe.DataFrame, err error) {
	answers, err := rowsOf[datasets.Response](responses, "responses")
	if err != nil {
		return pairs, counts, err
	}
	translated, err := rowsOf[datasets.Translation](translations, "translations")
	if err != nil {
		return pairs, counts, err
	}
	candidates, err := candidates(run.Settings, answers, translated)
	if err != nil {
		return pairs, counts, err
	}
	kept, stats := sift(run.Settings, candidates, more)
	if err := writeLines(run, run.path(m.Name, "pairs.jsonl"), kept); err != nil {
		return pairs, counts, err
	}
	if err := writeJSON(run, run.path(m.Name, "pairs.stats.json"), stats); err != nil {
		return pairs, counts, err
	}
	return datasets.Frame(kept), datasets.Frame(stats), nil
}

// candidate is a pair before the filters; a failed translation has no text.
type candidate struct {
	Pair
	failed      bool
	translation bool // the English prompt asks for a translation
}

// candidates makes one candidate for every prompt and trained language, and one for every prompt in the dominant one.
func candidates(s Settings, answers []datasets.Response, translated []datasets.Translation) ([]candidate, error) {
	type key struct{ id, from, to string }
	texts := map[key]datasets.Translation{}
	for _, row := range translated {
		texts[key{row.ID, row.From, row.To}] = row
	}
	english := map[string]datasets.Response{}
	for _, row := range only(answers, s.Dominant) {
		english[row.ID] = row
	}
	var out []candidate
	for _, row := range answers {
		source, ok := english[row.ID]
		if !ok {
			return nil, fmt.Errorf("responses: prompt %s is answered in %s and not in %s, so no pair can be made; generate both languages", row.ID, row.Lang, s.Dominant)
		}
		c := candidate{Pair: Pair{ID: row.ID, Lang: row.Lang, Prompt: row.Prompt}, translation: translationPrompt.MatchString(source.Prompt)}
		from, to := s.Dominant, row.Lang
		if row.Lang == s.Dominant {
			from, to = rejectedFrom(s, row.ID), s.Dominant
		} else if !slices.Contains(s.Trained, row.Lang) {
			continue
		}
		t, ok := texts[key{row.ID, from, to}]
		if !ok {
			return nil, fmt.Errorf("translations: prompt %s has no row from %s to %s; pass the whole frame that Translate returned", row.ID, from, to)
		}
		c.Source, c.failed = from+">"+to, !t.OK
		switch {
		case row.Lang == s.Dominant:
			c.Chosen, c.Rejected = row.Response, t.Text
		case c.translation:
			c.Chosen, c.Rejected, c.Source, c.failed = source.Response, row.Response, s.Dominant, false
		default:
			c.Chosen, c.Rejected = t.Text, row.Response
		}
		out = append(out, c)
	}
	return out, nil
}

// sift applies the filters in order; each pair is counted under the first filter that drops it.
func sift(s Settings, candidates []candidate, more []Filter) ([]Pair, []pairCount) {
	filters := append(ownFilters(s.Pairs), more...)
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
	reasons := []string{"failed translation"}
	if s.Pairs.DropTranslationPrompts {
		reasons = append(reasons, "translation prompt")
	}
	for _, f := range filters {
		reasons = append(reasons, f.Name)
	}
	var stats []pairCount
	for _, lang := range langs {
		left := total[lang]
		stats = append(stats, pairCount{lang, "candidates", left})
		for _, reason := range reasons {
			stats = append(stats, pairCount{lang, "dropped: " + reason, dropped[lang][reason]})
			left -= dropped[lang][reason]
		}
		stats = append(stats, pairCount{lang, "pairs", left})
	}
	return kept, stats
}

func dropReason(s PairSettings, c candidate, filters []Filter) string {
	if c.failed {
		return "failed translation"
	}
	if c.translation && s.DropTranslationPrompts {
		return "translation prompt"
	}
	for _, f := range filters {
		if !f.Keep(c.Pair) {
			return f.Name
		}
	}
	return ""
}

// ownFilters returns the filters that are switched on.
func ownFilters(s PairSettings) []Filter {
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
		lang := identify(p.ID, p.Chosen)
		return lang == "" || lang == p.Lang
	})
	add(s.DropIdentical, "identical sides", func(p Pair) bool { return p.Chosen != p.Rejected })
	return filters
}

// identify names the language of a text: by the miniature's word lists for its own problems, by langid otherwise.
func identify(id, text string) string {
	if _, err := miniature.Decode(id); err == nil {
		return miniature.Identify(text)
	}
	lang, _ := langid.Default().Identify(text)
	return lang
}
