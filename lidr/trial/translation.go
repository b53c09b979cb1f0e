package trial

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/ledger"
)

// TranslationScore is what a translator's translations of human prompts are worth in one direction, beside the same
// prompts as people wrote them. Means are over those that did not fail.
type TranslationScore struct {
	Translator string  `json:"translator"` // "itself", or a server's address
	Direction  string  `json:"direction"`  // "en>es"
	N          int     `json:"n"`
	Failed     float64 `json:"failed"` // share without a translation
	FailedSE   float64 `json:"failed_se"`
	ChrF       float64 `json:"chrf"` // mean of the sentences' chrF++, in points of 100
	ChrFSE     float64 `json:"chrf_se"`
	Numbers    float64 `json:"numbers"` // share with the source's numbers, each as often
	NumbersSE  float64 `json:"numbers_se"`
	Language   float64 `json:"language"` // share identified as the target language
	LanguageSE float64 `json:"language_se"`
	Copied     float64 `json:"copied"` // mean share of words that the source has too ([eval.Copied])
	CopiedSE   float64 `json:"copied_se"`
	Length     float64 `json:"length"` // characters over those of the human prompt, the median
}

// Translations measures M0's own translations, before anything is trained, and those of the server that the settings
// name. It translates the free prompts by the pipeline's own step, as if they were answers: those in English into every
// trained language, and of each prompt one of the others into English.
func (t *Trial) Translations(ctx context.Context) ([]TranslationScore, error) {
	if err := t.writePrompts([]Cell{{"main", 1}}); err != nil {
		return nil, err
	}
	scores, err := t.translations(ctx, "translation", "itself")
	if err == nil && t.Translator != "" {
		var more []TranslationScore
		more, err = t.translations(ctx, "translator-"+ledger.Key(t.Translator)[:8], t.Translator)
		scores = append(scores, more...)
	}
	return scores, err
}

func (t *Trial) translations(ctx context.Context, folder, name string) (scores []TranslationScore, err error) {
	a, err := Cell{"main", 1}.arm()
	if err != nil {
		return nil, err
	}
	s := t.settings(Cell{"main", 1}, a)
	s.Rounds, s.Evaluate.Source = 1, ""
	run, err := t.openRun(folder, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	prompts, err := t.free(s.Languages())
	if err != nil {
		return nil, err
	}
	human := map[[2]string]string{}
	var texts []datasets.Response
	for _, p := range prompts {
		human[[2]string{p.ID, p.Lang}] = p.Prompt
		texts = append(texts, datasets.Response{ID: p.ID, Lang: p.Lang, Prompt: p.Prompt, Response: p.Prompt,
			FinishReason: "stop"})
	}
	var rows []datasets.Translation
	err = run.ReadLines(run.Path("trial.jsonl"), &rows)
	if errors.Is(err, fs.ErrNotExist) { // else the model need not be loaded
		rows, err = t.translate(ctx, run, texts, name)
	}
	if err != nil {
		return nil, err
	}
	var directions []string
	groups := map[string][]datasets.Translation{}
	for _, row := range rows {
		direction := row.From + ">" + row.To
		if groups[direction] == nil {
			directions = append(directions, direction)
		}
		groups[direction] = append(groups[direction], row)
	}
	for _, direction := range directions {
		score, err := translationScore(run, groups[direction], human)
		if err != nil {
			return nil, err
		}
		score.Translator, score.Direction = name, direction
		scores = append(scores, score)
	}
	return scores, nil
}

// translate lets M0, or the server of that name, translate texts.
func (t *Trial) translate(ctx context.Context, run *lidr.Run, texts []datasets.Response,
	name string) (rows []datasets.Translation, err error) {
	m, err := t.base()
	if err != nil {
		return nil, err
	}
	by := m
	if name != "itself" {
		if by, err = server(ctx, name); err != nil {
			return nil, err
		}
	}
	frame, err := lidr.TranslateBy(ctx, run, m, by, datasets.Frame(texts))
	if err != nil {
		return nil, err
	}
	if err := datasets.Rows(frame, &rows); err != nil {
		return nil, err
	}
	return rows, run.WriteLines(run.Path("trial.jsonl"), rows)
}

func translationScore(run *lidr.Run, rows []datasets.Translation,
	human map[[2]string]string) (s TranslationScore, err error) {
	var failed, chrf, kept, language, copied, length []float64
	for _, row := range rows {
		failed = append(failed, is(!row.OK))
		if !row.OK {
			continue
		}
		reference := human[[2]string{row.ID, row.To}]
		c, err := eval.SentenceChrF(row.Text, []string{reference})
		if err != nil {
			return s, fmt.Errorf("translation of %s: %w", row.ID, err)
		}
		lang, _ := run.Identify(row.Text)
		chrf = append(chrf, c.Score)
		kept = append(kept, is(slices.Equal(numbers(row.Source), numbers(row.Text))))
		language = append(language, is(lang == row.To))
		copied = append(copied, eval.Copied(row.Text, row.Source))
		length = append(length, float64(utf8.RuneCountInString(row.Text))/float64(max(1, utf8.RuneCountInString(reference))))
	}
	s.N = len(rows)
	f, c, k, l, w := eval.MeanSE(failed), eval.MeanSE(chrf), eval.MeanSE(kept), eval.MeanSE(language), eval.MeanSE(copied)
	s.Failed, s.FailedSE, s.ChrF, s.ChrFSE = f.Mean, f.SE, c.Mean, c.SE
	s.Numbers, s.NumbersSE, s.Language, s.LanguageSE = k.Mean, k.SE, l.Mean, l.SE
	s.Copied, s.CopiedSE = w.Mean, w.SE
	if slices.Sort(length); len(length) > 0 {
		s.Length = length[len(length)/2]
	}
	return s, nil
}

var digits = regexp.MustCompile(`\d+(?:[.,\x{a0}\x{202f}]\d+)*`)

// numbers lists the numbers of a text in order of size of their digits, separators left out: 1,000 and 1.000 are equal,
// and a translation may move them.
func numbers(text string) []string {
	found := digits.FindAllString(text, -1)
	for i, n := range found {
		found[i] = strings.NewReplacer(".", "", ",", "", "\u00a0", "", "\u202f", "").Replace(n)
	}
	slices.Sort(found)
	return found
}
