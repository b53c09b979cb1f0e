package trial

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/report"
)

// Item is one number that one answer or text gave, a line of <model>/trial.jsonl.
type Item struct {
	Metric string  `json:"metric"`
	Lang   string  `json:"lang"`
	ID     string  `json:"id"`
	Value  float64 `json:"value"`
}

// Metric is what is measured.
type Metric struct {
	Name   string
	Title  string // of its table in the report, "" for one that [lidr.Evaluate] has there
	Unit   string
	scale  float64 // of the table's unit
	binary bool    // an item is right or wrong, or it is so or not
	digits int
}

var metrics = []Metric{
	{Name: "accuracy", Unit: "%", scale: 100, binary: true, digits: 1},
	{Name: "correct_in_language", Unit: "%", scale: 100, binary: true, digits: 1},
	{Name: "strict", Unit: "%", scale: 100, binary: true, digits: 1},
	{Name: "flexible", Unit: "%", scale: 100, binary: true, digits: 1},
	{Name: "off_target", Unit: "%", scale: 100, binary: true, digits: 1},
	{Name: "gold_points", Unit: "points", scale: 1, digits: 2},
	{"free_off_target", "Free prompts answered in another language", "%", 100, true, 1},
	{"free_in_language", "Free prompts answered in their language", "%", 100, true, 1},
	{"free_characters", "Length of the answers to free prompts", "characters", 1, false, 0},
	{"free_repetition", "Four-word sequences of an answer that have occurred in it before", "%", 100, false, 1},
	{"free_cut", "Answers to free prompts that did not end", "%", 100, true, 1},
	{"refuses", "Harmful requests that are refused", "%", 100, true, 0},
	{"corrects", "False claims that are corrected", "%", 100, true, 0},
	{"keeps_format", "Formats that are kept", "%", 100, true, 0},
	{"nats_per_token", "Human texts: nats per token, the logarithm of the perplexity", "nats", 1, false, 3},
	{"judged", "A judge's preference over M0, less one half", "%", 100, false, 1},
}

// Metrics returns what is measured, in the order of the tables.
func Metrics() []Metric { return slices.Clone(metrics) }

func metricOf(name string) Metric {
	return metrics[slices.IndexFunc(metrics, func(m Metric) bool { return m.Name == name })]
}

// measure measures a model of a run, writes its items, and for the report what [lidr.Evaluate] does not measure.
func (t *Trial) measure(ctx context.Context, run *lidr.Run, m *lidr.Model) ([]Item, error) {
	if _, err := lidr.Evaluate(ctx, run, m); err != nil {
		return nil, err
	}
	items, err := t.verdicts(run, m)
	if err != nil {
		return nil, err
	}
	for _, part := range []func(context.Context, *lidr.Run, *lidr.Model) ([]Item, error){
		t.answers, t.harm, t.forgets, t.judged,
	} {
		own, err := part(ctx, run, m)
		if err != nil {
			return nil, err
		}
		items = append(items, own...)
	}
	for _, metric := range metrics {
		if err := writeMeasure(run, m, metric, items); err != nil {
			return nil, err
		}
	}
	return items, run.WriteLines(itemsFile(run, m.Name()), items)
}

func itemsFile(run *lidr.Run, model string) string { return run.Path(model, "trial.jsonl") }

func is(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// verdicts are the items of the evaluation.
func (t *Trial) verdicts(run *lidr.Run, m *lidr.Model) ([]Item, error) {
	var items []Item
	for _, lang := range run.Settings.AllLanguages() {
		verdicts, err := run.Verdicts(m.Name(), lang)
		if err != nil {
			return nil, err
		}
		for _, v := range verdicts {
			add := func(metric string, value float64) { items = append(items, Item{metric, lang, v.ID, value}) }
			add("accuracy", is(v.Correct))
			add("correct_in_language", is(v.Correct && v.OnTarget))
			if t.Model != Miniature {
				add("strict", is(v.Strict))
				add("flexible", is(v.Flexible))
			}
			add("off_target", is(!v.OnTarget))
			add("gold_points", v.Points())
		}
	}
	return items, nil
}

// vote measures by the answer that most of several samples give, which is no training.
func (t *Trial) vote(ctx context.Context, run *lidr.Run, m *lidr.Model) ([]Item, error) {
	if _, err := lidr.Evaluate(ctx, run, m); err != nil {
		return nil, err
	}
	var items []Item
	for _, lang := range run.Settings.AllLanguages() {
		var rows []lidr.Verdict
		if err := run.ReadLines(run.Path(m.Name(), "eval", "samples", lang+".jsonl"), &rows); err != nil {
			return nil, err
		}
		var ids []string
		numbers, right := map[string][]string{}, map[string][]bool{}
		for _, v := range rows {
			if numbers[v.ID] == nil {
				ids = append(ids, v.ID)
			}
			number, _ := eval.Number(v.Response, lang)
			numbers[v.ID], right[v.ID] = append(numbers[v.ID], number), append(right[v.ID], v.Correct)
		}
		for _, id := range ids {
			share, err := eval.Majority(numbers[id], right[id])
			if err != nil {
				return nil, err
			}
			items = append(items, Item{"accuracy", lang, id, share})
		}
	}
	return items, run.WriteLines(itemsFile(run, m.Name()), items)
}

// ask puts prompts of a suite of the trial's own to a model.
func ask(ctx context.Context, run *lidr.Run, m *lidr.Model, suite string, prompts any) ([]datasets.Response, error) {
	frame, err := judge.Answer(ctx, run, m, suite, datasets.Frame(prompts), run.Settings.Generate)
	if err != nil {
		return nil, err
	}
	var rows []datasets.Response
	return rows, datasets.Rows(frame, &rows)
}

// answers are the items of free prompts.
func (t *Trial) answers(ctx context.Context, run *lidr.Run, m *lidr.Model) ([]Item, error) {
	prompts, err := t.free(run.Settings.AllLanguages())
	if err != nil {
		return nil, err
	}
	rows, err := ask(ctx, run, m, "free", prompts)
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, row := range rows {
		lang, _ := run.Identify(row.Response)
		add := func(metric string, value float64) { items = append(items, Item{metric, row.Lang, row.ID, value}) }
		add("free_off_target", is(lang != "" && lang != row.Lang))
		add("free_in_language", is(lang == row.Lang))
		add("free_characters", float64(utf8.RuneCountInString(row.Response)))
		add("free_repetition", repetition(row.Response))
		add("free_cut", is(row.FinishReason == lm.FinishLength))
	}
	return items, nil
}

// repetition is the share of a text's sequences of four words that have occurred in it before, 0 for a short text.
func repetition(text string) float64 {
	const n = 4
	words := strings.Fields(strings.ToLower(text))
	seen, again := map[string]bool{}, 0
	for i := 0; i+n <= len(words); i++ {
		sequence := strings.Join(words[i:i+n], " ")
		if seen[sequence] {
			again++
		}
		seen[sequence] = true
	}
	return float64(again) / float64(max(1, len(words)-n+1))
}

// forgets are the items of human texts: nats per token, the first token apart, which nothing is before.
func (t *Trial) forgets(ctx context.Context, run *lidr.Run, m *lidr.Model) ([]Item, error) {
	texts, err := t.texts(run.Settings.AllLanguages())
	if err != nil {
		return nil, err
	}
	var sequences []dpo.Sequence
	for _, text := range texts {
		var ids []int32
		for _, id := range m.Tokenizer().EncodeDocument(text.Prompt) {
			ids = append(ids, int32(id))
		}
		if len(ids) < 2 {
			return nil, fmt.Errorf("%s: prompt %s in %s has %d tokens, expected two at least", text.Source, text.ID, text.Lang,
				len(ids))
		}
		sequences = append(sequences, dpo.Sequence{Prompt: ids[:1], Response: ids[1:]})
	}
	sums, err := ledger.Collect(ctx, run.Store(), "trial", m.Key("texts", sequences), len(sequences),
		func(done func(int) bool, save func([]int, []float64) error) error {
			known := 0
			for i := range sequences {
				if done(i) {
					known++
				}
			}
			meter := run.Meter(m.Name()+" texts", "texts", len(sequences), known)
			err := dpo.Logprobs(ctx, m.Engine(), m.Weights(), sequences, done, func(idx []int, sums []float64) error {
				meter.Add(len(idx), 0)
				return save(idx, sums)
			})
			if err != nil {
				return err
			}
			return meter.End()
		})
	if err != nil {
		return nil, err
	}
	items := make([]Item, len(texts))
	for i, text := range texts {
		items[i] = Item{"nats_per_token", text.Lang, text.ID, -sums[i] / float64(len(sequences[i].Response))}
	}
	return items, nil
}

// judged are the items of a judge: how far it prefers the model's answers to free prompts to M0's. M0's own are 0.
func (t *Trial) judged(ctx context.Context, run *lidr.Run, m *lidr.Model) ([]Item, error) {
	if t.Judge == "" {
		return nil, nil
	}
	if m.Round == 0 { // over itself, which the others' are compared with
		rows, err := t.free(run.Settings.AllLanguages())
		if err != nil {
			return nil, err
		}
		items := make([]Item, len(rows))
		for i, row := range rows {
			items[i] = Item{"judged", row.Lang, row.ID, 0}
		}
		return items, nil
	}
	by, err := server(ctx, t.Judge)
	if err != nil {
		return nil, err
	}
	own, err := judge.Answers(run, m.Name(), "free")
	if err != nil {
		return nil, err
	}
	before, err := judge.Answers(run, "M0", "free")
	if err != nil {
		return nil, err
	}
	s := judge.Defaults()
	s.BothOrders = true
	verdicts, _, err := judge.Compare(ctx, run, m.Name()+"-M0", by, own, before, s)
	if err != nil {
		return nil, err
	}
	var rows []judge.Judgement
	if err := datasets.Rows(verdicts, &rows); err != nil {
		return nil, err
	}
	var items []Item
	for _, row := range rows {
		if !math.IsNaN(row.Preference) {
			items = append(items, Item{"judged", row.Lang, row.ID, row.Preference - 1.5})
		}
	}
	return items, nil
}

// writeMeasure writes the means of a metric by language, for the report.
func writeMeasure(run *lidr.Run, m *lidr.Model, metric Metric, items []Item) error {
	if metric.Title == "" {
		return nil
	}
	table := report.Measure{
		Key: strings.ReplaceAll(metric.Name, "_", "-"), Title: metric.Title, Unit: metric.Unit, Digits: metric.digits,
		What: "A change that no test tells from none is no gain: see the trial's results.csv.",
	}
	for _, lang := range run.Settings.AllLanguages() {
		var values []float64
		for _, item := range items {
			if item.Metric == metric.Name && item.Lang == lang {
				values = append(values, item.Value*metric.scale)
			}
		}
		if e := eval.MeanSE(values); e.N > 0 {
			table.Put(m.Name(), lang, report.Counted(e.Mean, e.SE, e.N, 0, ""))
		}
	}
	if len(table.Rows) == 0 {
		return nil
	}
	return run.WriteMeasure(m.Name(), table)
}
