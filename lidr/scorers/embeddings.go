package scorers

import (
	"context"
	"encoding/json"
	"fmt"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
)

// Embeddings is LRPO's reward (Guo et al. 2026, arXiv 2605.25360, and the authors' code): the cosine of the embeddings
// of a sample and of the English answers to its prompt, the mean over them, calibrated by what languages have in
// common in such embeddings, whatever the texts say:
//
//	score = cos − n/(n+K)·(μ_pair − μ_ref), within −1 and 1
//
// with μ_pair the mean of the n cosines between the sample's language and English, and μ_ref that over all languages,
// which is the mean of the pairs' means weighted by n. The authors take the means from a corpus beside; here they are
// those of the samples at hand. Multiplied by [Language], it has their gate by the language of an answer.
type Embeddings struct {
	Server
	K float64 // how many cosines a pair's mean has to be of to count half; the authors': 0
}

// Name implements [lidr.Scorer].
func (Embeddings) Name() string { return "embeddings" }

// Key implements [lidr.Scorer].
func (s Embeddings) Key() string { return ledger.Key("embeddings/1", s.Model, s.K) }

// Score implements [lidr.Scorer]. Parts are cosine, before it is calibrated, and shift, what was taken from it.
func (s Embeddings) Score(ctx context.Context, run *lidr.Run, m *lidr.Model,
	samples []datasets.Response) ([]lidr.SampleScore, error) {
	if !(s.K >= 0) {
		return nil, fmt.Errorf("embeddings: field K is %v, expected 0 or more", s.K)
	}
	bodies := make([]map[string]any, len(samples))
	for i, row := range samples {
		bodies[i] = map[string]any{"input": row.Response}
	}
	said, err := s.ask(ctx, run, m.Name()+" embeddings", "/v1/embeddings", bodies)
	if err != nil {
		return nil, err
	}
	english := answers(samples, run.Settings.Dominant)
	vectors := map[datasets.Response][]float64{}
	rows := make([]lidr.SampleScore, len(samples))
	for i, row := range samples {
		if said[i].Fault != "" {
			rows[i] = nan(said[i].Fault)
			continue
		}
		var found struct{ Embedding []float64 }
		if err := json.Unmarshal(said[i].Data, &found); err != nil || len(found.Embedding) == 0 {
			return nil, fmt.Errorf("%s: sample %s has no embedding (%.100s)", s.URL, requestID(row), said[i].Data)
		}
		vectors[row] = found.Embedding
	}
	sums, counts := map[string]float64{}, map[string]int{}
	total, all := 0.0, 0
	for i, row := range samples {
		var own []float64
		for _, e := range others(english, row) {
			if a, b := vectors[row], vectors[e]; a != nil && b != nil {
				if len(a) != len(b) {
					return nil, fmt.Errorf("%s: embeddings of %d and %d numbers, expected as many of each text", s.URL, len(a),
						len(b))
				}
				own = append(own, cosine(a, b))
			}
		}
		if rows[i].Fault != "" {
			continue
		}
		if len(own) == 0 {
			rows[i] = nan(noEnglish)
			continue
		}
		for _, x := range own {
			rows[i].Score += x / float64(len(own))
			sums[row.Lang], total = sums[row.Lang]+x, total+x
		}
		counts[row.Lang], all = counts[row.Lang]+len(own), all+len(own)
	}
	for i, row := range samples {
		if rows[i].Fault == "" {
			raw, n := rows[i].Score, counts[row.Lang]
			rows[i].Score = Calibrated(raw, n, s.K, sums[row.Lang]/float64(n), total/float64(all))
			rows[i] = rows[i].With("cosine", raw).With("shift", raw-rows[i].Score)
		}
	}
	return rows, nil
}

// Calibrated is cos − n/(n+k)·(pair − reference) within −1 and 1: 0.82, with means of 0.75 and 0.70 and k 0, is 0.77.
func Calibrated(cos float64, n int, k, pair, reference float64) float64 {
	return max(-1, min(1, cos-float64(n)/(float64(n)+k)*(pair-reference)))
}
