package view

import (
	"fmt"
	"math"
	"strings"

	"lidrlab/lidr/dpo"
)

// chart is a learning curve, drawn as SVG by a template: a polyline in a box of 320 by 120, and what the pointer reads.
type chart struct {
	Title, What string
	Lines       []chartLine
	Ticks       []tick // of the value, from the bottom up
	Last        string // step of the right end
	Steps       string // step numbers, joined by blanks: what the script reads on hover
}

type chartLine struct {
	Name   string
	Points string // of a polyline
	Values string // the values, joined by blanks
	Last   string
	Number int // from 1, of its colour and dash
}

type tick struct {
	Y    float64
	Text string
}

// The box of a chart in units of its SVG; the template has the margins.
const (
	chartWidth  = 320.0
	chartHeight = 120.0
	mostPoints  = 400 // drawn of a line: of a longer training the mean of each stretch
)

// series is a quantity of a training's steps.
type series struct {
	name  string
	value func(dpo.Step) float64
}

// charts are the learning curves of a training.
func charts(steps []dpo.Step) []chart {
	if len(steps) == 0 {
		return nil
	}
	all := []chart{
		draw("Loss", "what is minimised, and its two parts", steps,
			series{"loss", func(s dpo.Step) float64 { return s.Loss }},
			series{"DPO", func(s dpo.Step) float64 { return s.DPO }},
			series{"NLL", func(s dpo.Step) float64 { return s.NLL }}),
		draw("Implicit rewards", "of the chosen and the rejected side, and their margin", steps,
			series{"margin", func(s dpo.Step) float64 { return s.RewardsMargins }},
			series{"chosen", func(s dpo.Step) float64 { return s.RewardsChosen }},
			series{"rejected", func(s dpo.Step) float64 { return s.RewardsRejected }}),
		draw("Pairs with a margin above 0", "share of the batch, which cannot exceed what is not identical", steps,
			series{"margin above 0", func(s dpo.Step) float64 { return s.RewardsAccuracies }},
			series{"not identical", func(s dpo.Step) float64 { return 1 - s.Identical }}),
		draw("Gradient norm", "before clipping", steps,
			series{"gradient norm", func(s dpo.Step) float64 { return s.GradNorm }}),
	}
	return all
}

func draw(title, what string, steps []dpo.Step, quantities ...series) chart {
	c := chart{Title: title, What: what}
	n := min(len(steps), mostPoints)
	xs := make([]float64, n)
	ys := make([][]float64, len(quantities))
	for k := range ys {
		ys[k] = make([]float64, n)
	}
	var numbers []string
	low, high := math.Inf(1), math.Inf(-1)
	for i := range n {
		from, to := i*len(steps)/n, (i+1)*len(steps)/n
		xs[i] = float64(steps[to-1].Step)
		numbers = append(numbers, fmt.Sprint(steps[to-1].Step))
		for k, quantity := range quantities {
			sum := 0.0
			for _, step := range steps[from:to] {
				sum += quantity.value(step)
			}
			y := sum / float64(to-from)
			ys[k][i] = y
			if !math.IsNaN(y) && !math.IsInf(y, 0) {
				low, high = min(low, y), max(high, y)
			}
		}
	}
	c.Steps, c.Last = strings.Join(numbers, " "), numbers[n-1]
	if low > high {
		low, high = 0, 1
	}
	low, high = min(low, 0), max(high, 0)                  // losses, norms and shares are seen from 0
	if span := high - low; !(span > 1e-9 && span < 1e12) { // none, or none that a training has
		low, high = 0, 1
	}
	step := niceStep(high - low)
	low, high = step*math.Floor(low/step), step*math.Ceil(high/step)
	at := func(y float64) float64 { return chartHeight * (high - y) / (high - low) }
	for i := 0; low+float64(i)*step <= high+step/2; i++ {
		y := low + float64(i)*step
		c.Ticks = append(c.Ticks, tick{at(y), shortNumber(y, step)})
	}
	span := max(1, xs[n-1]-xs[0])
	for k, quantity := range quantities {
		line := chartLine{Name: quantity.name, Number: k + 1, Last: fmt.Sprintf("%.3g", ys[k][n-1])}
		var points, values []string
		for i, y := range ys[k] {
			values = append(values, fmt.Sprintf("%.4g", y))
			if !math.IsNaN(y) && !math.IsInf(y, 0) {
				points = append(points, fmt.Sprintf("%.1f,%.1f", (xs[i]-xs[0])/span*chartWidth, at(y)))
			}
		}
		line.Points, line.Values = strings.Join(points, " "), strings.Join(values, " ")
		c.Lines = append(c.Lines, line)
	}
	return c
}

// niceStep is a step of 1, 2 or 5 times a power of ten that makes 2 to 5 parts of a span.
func niceStep(span float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(span)))
	for _, times := range []float64{0.2, 0.5, 1, 2} {
		if span/(times*power) <= 5 {
			return times * power
		}
	}
	return 5 * power
}

func shortNumber(y, step float64) string {
	digits := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	if math.Abs(y) < step/2 {
		y = 0
	}
	return strings.Replace(fmt.Sprintf("%.*f", min(digits, 6), y), "-", "−", 1)
}
