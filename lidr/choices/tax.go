package choices

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
)

// Change is a row of the frame that [Tax] returns: how a metric differs between two models on the same questions.
type Change struct {
	From       string  `json:"from"`
	To         string  `json:"to"`
	Suite      string  `json:"suite"`
	Metric     string  `json:"metric"`
	Lang       string  `json:"lang"`
	Difference float64 `json:"difference"` // to − from: below 0 the training cost something
	SE         float64 `json:"se"`         // of the paired difference
	P          float64 `json:"p"`          // McNemar's exact test; paired bootstrap for mc2
	N          int     `json:"n"`
	FewShot    int     `json:"fewshot"`
}

// errOtherQuestions is the error for two models whose answers cannot be compared.
var errOtherQuestions = errors.New("were not asked the same questions with the same few-shot examples")

// errUnread is the error for answers that are not as they were written.
var errUnread = errors.New("the answers cannot be compared")

// Tax compares two models of a run that [Ask] has measured, by their names, on the same questions. It returns a frame
// of [Change] rows for the suites that both have answered.
func Tax(ctx context.Context, run *lidr.Run, from, to string) (dataframe.DataFrame, error) {
	if err := ctx.Err(); err != nil {
		return dataframe.DataFrame{}, err
	}
	changes, err := tax(run, from, to)
	if err == nil && len(changes) == 0 {
		err = fmt.Errorf("no suite was asked of both %s and %s; call choices.Ask on both first", from, to)
	}
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	return datasets.Frame(changes), nil
}

func tax(run *lidr.Run, from, to string) ([]Change, error) {
	var changes []Change
	for _, suite := range datasets.ChoiceSuites() {
		before, errBefore := readAnswers(run, from, suite)
		after, errAfter := readAnswers(run, to, suite)
		if errors.Is(errBefore, fs.ErrNotExist) || errors.Is(errAfter, fs.ErrNotExist) {
			continue
		}
		if err := cmp.Or(errBefore, errAfter); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", suite, errUnread, err)
		}
		if !slices.EqualFunc(before, after, sameQuestion) {
			return nil, fmt.Errorf("%s: %s and %s %w; call choices.Ask on both again", suite, from, to, errOtherQuestions)
		}
		for _, metric := range metricsOf[suite] {
			for _, lang := range run.Settings.AllLanguages() {
				a, b := inLanguage(before, lang), inLanguage(after, lang)
				if len(a) == 0 {
					continue
				}
				binary := metric != "mc2"
				difference, p, err := eval.ComparePaired(
					values(b, metric), values(a, metric), binary, run.Settings.Evaluate.Seed)
				if err != nil {
					return nil, err
				}
				changes = append(changes, Change{
					From: from, To: to, Suite: suite, Metric: metric, Lang: lang, Difference: difference.Mean,
					SE: difference.SE, P: p, N: len(a), FewShot: a[0].FewShot,
				})
			}
		}
	}
	return changes, nil
}

func sameQuestion(a, b Answer) bool {
	return a.ID == b.ID && a.Lang == b.Lang && a.FewShot == b.FewShot && a.Gold == b.Gold
}

// readAnswers reads back what [Ask] wrote of a suite.
func readAnswers(run *lidr.Run, model, suite string) ([]Answer, error) {
	var answers []Answer
	err := run.ReadLines(answersFile(run, model, suite), &answers)
	return answers, err
}
