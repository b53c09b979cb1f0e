package scorers

import (
	"context"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
)

// RoundTrip compares a sample with the English answers by way of its translation into English: the mean over the
// English answers e to its prompt of chrF++(back(y), e)/100 (Popović 2017; [eval.ChrF]), with back the translation by
// the run's translation template. An English sample is compared with the other English ones as it is.
type RoundTrip struct {
	Translator *lidr.Model
}

// Name implements [lidr.Scorer].
func (RoundTrip) Name() string { return "round-trip" }

// Key implements [lidr.Scorer].
func (s RoundTrip) Key() string { return ledger.Key("round-trip/1", s.Translator.Key()) }

// Score implements [lidr.Scorer]. The part max is that of the English answer that is most alike.
func (s RoundTrip) Score(ctx context.Context, run *lidr.Run, m *lidr.Model,
	samples []datasets.Response) ([]lidr.SampleScore, error) {
	dominant, settings := run.Settings.Dominant, run.Settings.Translate
	english := answers(samples, dominant)
	rows := make([]lidr.SampleScore, len(samples))
	back := make([]string, len(samples))
	var requests []lm.Request
	var at []int
	for i, row := range samples {
		switch {
		case len(others(english, row)) == 0:
			rows[i] = nan(noEnglish)
		case row.Lang == dominant:
			back[i] = row.Response
		default:
			messages, err := settings.Messages(row.Response, row.Lang, dominant)
			if err != nil {
				return nil, err
			}
			r := lm.Request{ID: requestID(row, "/back"), Messages: messages, Prefill: settings.Prefill}
			if s.Translator.Fits(r, "samples") != nil {
				rows[i] = nan(tooLong)
				continue
			}
			requests, at = append(requests, r), append(at, i)
		}
	}
	said, err := ask(ctx, run, s.Translator, m.Name()+" round trip", requests, settings.Sampling)
	if err != nil {
		return nil, err
	}
	for k, i := range at {
		text, ok, reason := datasets.ExtractTranslation(said[k].Text)
		fault := said[k].Fault()
		switch {
		case ok && (fault == "" || fault == lm.FaultCut): // the closing tag proves a text complete
			back[i] = text
		case fault != "":
			rows[i] = nan("failed translation: " + fault)
		default:
			rows[i] = nan("failed translation: " + reason)
		}
	}
	for i, row := range samples {
		if rows[i].Fault != "" {
			continue
		}
		most, own := 0.0, others(english, row)
		for _, e := range own {
			found, err := eval.SentenceChrF(back[i], []string{e.Response})
			if err != nil {
				return nil, err
			}
			rows[i].Score += found.Score / 100 / float64(len(own))
			most = max(most, found.Score/100)
		}
		rows[i] = rows[i].With("max", most)
	}
	return rows, nil
}

// ask is [lidr.Ask] of no request too.
func ask(ctx context.Context, run *lidr.Run, m *lidr.Model, step string, requests []lm.Request,
	s lm.Sampling) ([]lm.Answer, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	return lidr.Ask(ctx, run, m, step, requests, s, 0)
}
