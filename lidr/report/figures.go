package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"

	"lidrlab/lidr/dpo"
	"lidrlab/lidr/eval"
	"lidrlab/plots"
)

// Figure is one plot of a report, laid out twice so that its text is readable on a desktop as on a phone.
type Figure struct {
	Name    string // its file name without extension: "accuracy"
	Title   string
	Caption string
	Wide    *plots.Figure // 150 mm
	Narrow  *plots.Figure // 80 mm
}

// Widths in millimetres. The page shows them at up to 720 and 400 px, so that their text is about as large as a
// caption.
const wide, narrow = 150, 80

// Figures draws the plots of the report. Markdown refers to them as plots/NAME.svg; HTML holds them itself.
func Figures(d Data) []Figure {
	var out []Figure
	add := func(name, title, caption string, draw func(width float64) *plots.Figure) {
		out = append(out, Figure{name, title, caption, draw(wide), draw(narrow)})
	}
	addMatches := func(what string, all []HeadToHead) {
		for _, m := range matches(all) {
			add(m.file(what), m.title(), "", func(width float64) *plots.Figure {
				return matchFigure(m.title(), outcomes(m.rows), width)
			})
		}
	}
	for _, m := range d.Metrics {
		add(m.Key, m.Name, "", func(width float64) *plots.Figure { return metricFigure(d, m, width) })
	}
	addMatches("head-to-head", d.HeadToHead)
	for _, own := range d.Measures {
		if own.Plot > 0 {
			add(own.Key, own.Title, "", func(width float64) *plots.Figure { return measureFigure(own, width) })
		}
		addMatches(own.Key, own.Matches)
	}
	for i, t := range d.Paper {
		for _, pair := range paperPairs(t) {
			title, rows := paperOutcomes(t, pair)
			add(paperFile(i)+"-"+pair, title, paperCaption, func(width float64) *plots.Figure {
				return matchFigure(title, rows, width)
			})
		}
		if t.Plot {
			add(paperFile(i), t.Title, paperCaption, func(width float64) *plots.Figure { return paperFigure(t, width) })
		}
	}
	if len(d.RewardAccuracy) > 0 {
		add("reward-accuracy", rewardTitle, "", func(width float64) *plots.Figure { return rewardFigure(d, width) })
	}
	if len(d.PairLengths) > 0 {
		add("pair-lengths", lengthsTitle, "Dashed: the medians.", func(width float64) *plots.Figure {
			return lengthsFigure(d, width)
		})
	}
	for i, t := range d.Training {
		if len(t.Steps) > 0 {
			add(trainingFile(i), trainingTitle(t), "Faint: each step; strong: moving average.",
				func(width float64) *plots.Figure { return trainingFigure(t, width) })
		}
	}
	return out
}

const (
	rewardTitle  = "Reward accuracy of the pairs"
	lengthsTitle = "Lengths of the answers in the pairs"
	paperCaption = "The paper’s numbers, not this run’s."
)

func trainingTitle(t Training) string { return "Training, " + t.Round }

func metricFigure(d Data, m Metric, width float64) *plots.Figure {
	b := plots.GroupedBars{Title: m.Name, Unit: quantity(m.Name), XLabel: "language", Percent: m.Percent, Width: width,
		Height: 70}
	if m.Percent {
		b.Unit += ", %"
	}
	if m.LowerIsBetter {
		b.Note = "lower is better"
	}
	var codes []string
	for _, l := range d.Languages {
		scored := slices.ContainsFunc(m.Scores, func(s eval.Score) bool { return s.Lang == l.Code })
		if scored && l.Role != "mean" {
			codes = append(codes, l.Code)
		}
	}
	b.Groups = codes
	for _, model := range d.Models {
		s := plots.Series{Name: model.Name}
		for _, code := range codes {
			v, ends := math.NaN(), [2]float64{math.NaN(), math.NaN()}
			for _, sc := range m.Scores {
				if sc.Lang == code && sc.Model == model.Name {
					v = sc.Value
					ends[0], ends[1] = sc.Interval()
				}
			}
			s.Values = append(s.Values, v)
			s.Intervals = append(s.Intervals, ends)
		}
		b.Series = append(b.Series, s)
	}
	return b.Figure()
}

// quantity is a measure's name as the title of an axis: "accuracy".
func quantity(name string) string {
	if first, size := utf8.DecodeRuneInString(name); size < len(name) && unicode.IsLower(rune(name[size])) {
		return string(unicode.ToLower(first)) + name[size:]
	}
	return name
}

func matchFigure(title string, rows []plots.Outcome, width float64) *plots.Figure {
	return plots.WinTieLose{Title: title, Unit: "share of the prompts, %", YLabel: "language", Rows: rows,
		Width: width}.Figure()
}

func outcomes(rows []HeadToHead) []plots.Outcome {
	var out []plots.Outcome
	for _, h := range rows {
		outcome := plots.Outcome{Label: h.Language, Win: float64(h.Win), Tie: float64(h.Tie), Lose: float64(h.Lose)}
		if n := h.Win + h.Tie + h.Lose; n > 0 {
			// Wilson's interval where a tie is half a success: of twice the items, with the width of as many as there are.
			outcome.Low, outcome.High = eval.Wilson(2*h.Win+h.Tie, 2*n, math.Sqrt2*eval.Z95)
		}
		out = append(out, outcome)
	}
	return out
}

// paperOutcomes is one published match, by its name of [paperPairs].
func paperOutcomes(t PaperTable, pair string) (title string, rows []plots.Outcome) {
	for _, m := range t.Matches {
		if m.A+"-"+m.B == pair {
			title = m.A + " against " + m.B + ", in the paper"
			rows = append(rows, plots.Outcome{Label: m.Language, Win: m.Win, Tie: m.Tie, Lose: m.Lose})
		}
	}
	return title, rows
}

func paperFigure(t PaperTable, width float64) *plots.Figure {
	b := plots.GroupedBars{Title: t.Title, Note: "the paper’s numbers", Unit: cmp.Or(t.Unit, "share"), XLabel: "language",
		Groups: t.Columns, Percent: t.Unit == "%", Width: width, Height: 70}
	for _, r := range t.Rows {
		b.Series = append(b.Series, plots.Series{Name: r.Name, Values: shares(r.Values, b.Percent)})
	}
	return b.Figure()
}

// shares returns values in per cent as shares, if that is their unit: their axis then ends at 100.
func shares(values []float64, percent bool) []float64 {
	out := slices.Clone(values)
	for i := range out {
		if percent {
			out[i] /= 100
		}
	}
	return out
}

func rewardFigure(d Data, width float64) *plots.Figure {
	l := plots.Lines{
		Title: rewardTitle, Note: "dashed: chance", Unit: "reward accuracy, %", XLabel: "round",
		X:       ordered(len(d.RewardAccuracy), func(i int) string { return d.RewardAccuracy[i].Round }),
		Percent: true, Reference: .5, Width: width, Height: 66,
	}
	for _, code := range ordered(len(d.RewardAccuracy), func(i int) string { return d.RewardAccuracy[i].Language }) {
		s := plots.Series{Name: code}
		for _, round := range l.X {
			v, ends := math.NaN(), [2]float64{math.NaN(), math.NaN()}
			for _, a := range d.RewardAccuracy {
				if a.Language == code && a.Round == round {
					v = a.Value
					ends[0], ends[1] = eval.Score{Scope: "language", Value: v, SE: a.SE, N: a.N}.Interval()
				}
			}
			s.Values = append(s.Values, v)
			s.Intervals = append(s.Intervals, ends)
		}
		l.Series = append(l.Series, s)
	}
	return l.Figure()
}

func lengthsFigure(d Data, width float64) *plots.Figure {
	h := plots.Histograms{Title: lengthsTitle, XLabel: "characters", YLabel: "pairs", Width: width,
		Columns: columns(width, 3, 2)}
	rounds := ordered(len(d.PairLengths), func(i int) string { return d.PairLengths[i].Round })
	for _, l := range d.PairLengths {
		p := plots.HistogramPanel{Title: l.Language, Samples: []plots.Sample{{Name: "chosen"}, {Name: "rejected"}}}
		if len(rounds) > 1 {
			p.Title += ", " + l.Round
		}
		for _, n := range l.Chosen {
			p.Samples[0].Values = append(p.Samples[0].Values, float64(n))
		}
		for _, n := range l.Rejected {
			p.Samples[1].Values = append(p.Samples[1].Values, float64(n))
		}
		h.Panels = append(h.Panels, p)
	}
	return h.Figure()
}

func columns(width float64, onWide, onNarrow int) int {
	if width == wide {
		return onWide
	}
	return onNarrow
}

func trainingFile(i int) string { return fmt.Sprintf("training-%d", i+1) }

// maxPoints is how many points a training curve is drawn with at most: longer trainings are drawn as means of blocks,
// so that the page stays small.
const maxPoints = 400

func trainingFigure(t Training, width float64) *plots.Figure {
	block := (len(t.Steps) + maxPoints - 1) / maxPoints
	curve := func(name string, of func(s dpo.Step) float64) plots.Curve {
		c := plots.Curve{Name: name}
		for i := 0; i < len(t.Steps); i += block {
			part := t.Steps[i:min(i+block, len(t.Steps))]
			x, y := 0., 0.
			for _, s := range part {
				x += float64(s.Step)
				y += of(s)
			}
			c.X = append(c.X, x/float64(len(part)))
			c.Y = append(c.Y, y/float64(len(part)))
		}
		return c
	}
	v := plots.Curves{Title: trainingTitle(t), XLabel: "step", Smoothing: .8, Width: width, Columns: columns(width, 2, 1)}
	if block > 1 {
		v.XLabel = fmt.Sprintf("step (a point is the mean of %d)", block)
	}
	for _, p := range []plots.Panel{
		{Title: "Loss", Unit: "nats", Curves: []plots.Curve{
			curve("total", func(s dpo.Step) float64 { return s.Loss }),
			curve("DPO", func(s dpo.Step) float64 { return s.DPO }),
			curve("NLL", func(s dpo.Step) float64 { return s.NLL })}},
		{Title: "Rewards", Unit: "β · log ratio, nats", Curves: []plots.Curve{
			curve("chosen", func(s dpo.Step) float64 { return s.RewardsChosen }),
			curve("rejected", func(s dpo.Step) float64 { return s.RewardsRejected }),
			curve("margin", func(s dpo.Step) float64 { return s.RewardsMargins })}},
		{Title: "Pairs with a margin above 0", Unit: "share", Curves: []plots.Curve{
			curve("", func(s dpo.Step) float64 { return s.RewardsAccuracies })}},
		{Title: "Gradient norm, before clipping", Unit: "norm", Curves: []plots.Curve{
			curve("", func(s dpo.Step) float64 { return s.GradNorm })}},
	} {
		var drawn []plots.Curve
		for _, c := range p.Curves {
			if measured(c.Y) {
				drawn = append(drawn, c)
			}
		}
		if p.Curves = drawn; drawn != nil {
			v.Panels = append(v.Panels, p)
		}
	}
	if width == narrow {
		v.Height = 10 + 44*float64(len(v.Panels))
	}
	return v.Figure()
}

// measured says whether a quantity is part of the objective at all.
func measured(values []float64) bool {
	return slices.ContainsFunc(values, func(v float64) bool { return v != 0 && !math.IsNaN(v) && !math.IsInf(v, 0) })
}
