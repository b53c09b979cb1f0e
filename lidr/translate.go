package lidr

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"regexp"
	"slices"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
)

// Translate lets the model translate its own answers, a frame of [datasets.Response] rows: those in the dominant
// language into every trained one, and, for the English rejected side, each prompt's answer in one trained language
// back (which one: [PairSettings].Mode). It returns a frame of [datasets.Translation] rows and writes
// <model>/translations/FROM-TO.jsonl. A failed translation keeps its reason and is never read as text.
func Translate(ctx context.Context, run *Run, m *Model, responses dataframe.DataFrame) (dataframe.DataFrame, error) {
	return TranslateBy(ctx, run, m, m, responses)
}

// TranslateBy is [Translate] of m's answers by another model, which is no part of the run.
func TranslateBy(ctx context.Context, run *Run, m, translator *Model,
	responses dataframe.DataFrame) (dataframe.DataFrame, error) {
	rows, err := rowsOf[datasets.Response](responses, "responses")
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	translations, err := translate(ctx, run, m, translator, rows)
	return datasets.Frame(translations), err
}

func translate(ctx context.Context, run *Run, m, translator *Model,
	responses []datasets.Response) ([]datasets.Translation, error) {
	if err := run.Enter(m); err != nil {
		return nil, err
	}
	if err := translator.suits(run.Settings); err != nil {
		return nil, err
	}
	s := run.Settings
	given := responses
	responses = withFaults(responses)
	var passages []passage
	add := func(row datasets.Response, to string) {
		p := passage{ID: row.ID, From: row.Lang, To: to, Sample: row.Sample, Text: row.Response, Origin: "responses"}
		if !s.Pairs.keeps(row.Fault) {
			p.Fault = row.Fault
		}
		passages = append(passages, p)
	}
	for _, row := range inLanguage(responses, s.Dominant) {
		for _, lang := range s.Trained {
			add(row, lang)
		}
	}
	for _, lang := range s.Trained {
		for _, row := range inLanguage(responses, lang) {
			if s.Pairs.Mode == released || rejectedFrom(s, row.ID) == lang {
				add(row, s.Dominant)
			}
		}
	}
	if err := run.claim(m, "translations", ledger.Key(given, translator.known())); err != nil {
		return nil, err
	}
	translations, err := translatePassages(ctx, run, translator, m.Name()+" translate", passages)
	if err != nil {
		return nil, err
	}
	files := map[string][]datasets.Translation{}
	for _, row := range translations {
		files[row.From+"-"+row.To] = append(files[row.From+"-"+row.To], row)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := run.WriteLines(run.Path(m.Name(), "translations", name+".jsonl"), files[name]); err != nil {
			return nil, err
		}
	}
	return translations, nil
}

// rejectedFrom names the language whose back-translation is the English rejected side of a prompt: one drawn at random
// for each prompt ("paper"; public review answers of the authors), or always the last trained one ("released": the
// reference code overwrites its English pairs language by language).
func rejectedFrom(s Settings, id string) string {
	if s.Pairs.Mode == released {
		return s.Trained[len(s.Trained)-1]
	}
	draw := fnv.New64a()
	fmt.Fprintf(draw, "%d/%s", s.Seed, id)
	return s.Trained[draw.Sum64()%uint64(len(s.Trained))]
}

// translatePassages translates in order. A passage that is empty, or of an answer that is none, is not asked: it fails
// with its reason.
func translatePassages(ctx context.Context, run *Run, m *Model, step string,
	passages []passage) ([]datasets.Translation, error) {
	s := run.Settings.Translate
	rows := make([]datasets.Translation, len(passages))
	var requests []lm.Request
	var asked []int
	for i, p := range passages {
		rows[i] = datasets.Translation{ID: p.ID, From: p.From, To: p.To, Sample: p.Sample, Source: p.Text}
		messages, err := s.Messages(p.Text, p.From, p.To)
		if err != nil {
			return nil, err
		}
		request := lm.Request{ID: p.ID + "/" + p.From + "-" + p.To, Messages: messages, Prefill: s.Prefill}
		if p.Sample > 0 {
			request.ID += fmt.Sprintf("/%d", p.Sample)
		}
		if p.Text == "" {
			rows[i].Reason = "the text to translate is empty"
		} else if p.Fault != "" {
			rows[i].Reason = "the answer to translate is none, or not whole: " + p.Fault
		} else if err := m.Fits(request, p.Origin); err != nil {
			rows[i].Reason = "the text to translate is longer than the model's context"
		} else {
			requests, asked = append(requests, request), append(asked, i)
		}
	}
	completions, err := complete(ctx, run, m, step, requests, s.Sampling)
	if err != nil {
		return nil, err
	}
	count := newFaultCount(step)
	for k, i := range asked {
		row, c := &rows[i], completions[k]
		row.Completion, row.Fault = c.Text, c.Split().Fault()
		switch {
		case row.Fault == lm.FaultCut || run.Settings.Pairs.keeps(row.Fault): // the closing tag proves a text complete
			if row.Text, row.OK, row.Reason = datasets.ExtractTranslation(c.Text); row.OK {
				row.Fault = ""
			}
		case cmp.Or(c.Reason, c.By) != "":
			row.Reason = row.Fault + ": " + cmp.Or(c.Reason, c.By)
		default:
			row.Reason = row.Fault
		}
		count.add(row.From+" to "+row.To, requests[k].ID, row.Fault, saysOf(c))
	}
	return rows, run.told(count, func() string {
		return run.storeFile("completions", m.Key("completions", requests, s.Sampling))
	})
}

// translationPrompt recognises prompts that are about translation by their English wording: the 17 of the first 2,000
// Alpagasus prompts that the reference code lists are the 17 that ask for one (an 18th only mentions the word).
var translationPrompt = regexp.MustCompile(`(?i)\btranslat(e|es|ed|ing|ion|ions)\b`)
