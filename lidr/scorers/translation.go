package scorers

import (
	"context"
	"errors"
	"math"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/lm"
)

// Candidates returns a model's own answers, a frame of [datasets.Response] rows, and their translations, a frame of
// [datasets.Translation] rows, as one frame of samples: the translations are further answers in the language that they
// are in, numbered after the own ones, and the column from has the language that they come from. So every scorer can
// choose among both, and the rule lidr of [lidr.Selection] makes LIDR's own pairs.
func Candidates(responses, translations dataframe.DataFrame) (dataframe.DataFrame, error) {
	var rows []datasets.Response
	var translated []datasets.Translation
	err := errors.Join(datasets.Rows(responses, &rows), datasets.Rows(translations, &translated))
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	type prompt struct{ id, lang string }
	asked, next, own := map[prompt]string{}, map[prompt]int{}, 0
	for _, row := range rows {
		asked[prompt{row.ID, row.Lang}] = row.Prompt
		own = max(own, row.Sample+1)
	}
	froms := map[prompt][]string{}
	for _, t := range translated {
		to := prompt{t.ID, t.To}
		round := -1
		for k, from := range froms[to] {
			if from == t.From {
				round = k
			}
		}
		if round < 0 {
			round = next[to]
			froms[to], next[to] = append(froms[to], t.From), next[to]+1
		}
		row := datasets.Response{ID: t.ID, Lang: t.To, Prompt: asked[to], Response: t.Text, From: t.From,
			Sample: t.Sample + own*(1+round), FinishReason: lm.FinishStop}
		if !t.OK {
			row.Fault, row.Reason = "failed translation", t.Reason
		}
		rows = append(rows, row)
	}
	return datasets.Frame(rows), nil
}

// Translation is LIDR's own reward (arXiv 2410.08964, section 3): of a prompt in another language, an answer that was
// translated from the dominant one is worth 1 and an own one 0; of a prompt in the dominant language, an own answer is
// worth 1 and one that was translated from another language 0. The samples are those of [Candidates].
type Translation struct{}

// Name implements [lidr.Scorer].
func (Translation) Name() string { return "translation" }

// Key implements [lidr.Scorer].
func (Translation) Key() string { return "translation/1" }

// Score implements [lidr.Scorer].
func (Translation) Score(_ context.Context, run *lidr.Run, _ *lidr.Model,
	samples []datasets.Response) ([]lidr.SampleScore, error) {
	dominant := run.Settings.Dominant
	rows := make([]lidr.SampleScore, len(samples))
	for i, row := range samples {
		better := row.From == dominant
		if row.Lang == dominant {
			better = row.From == ""
		}
		if better {
			rows[i].Score = 1
		}
	}
	return rows, nil
}

// nan is the score of what has none.
func nan(fault string) lidr.SampleScore { return lidr.SampleScore{Score: math.NaN(), Fault: fault} }
