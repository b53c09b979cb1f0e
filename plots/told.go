package plots

import (
	"fmt"
	"html"
	"math"
	"regexp"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// spot is a strip of a plot, between two values of the axis that it stands on, and what an SVG tells a reader who
// points there. A strip is easier to hit than a bar of height 0.
type spot struct {
	from, to float64
	lines    []string
}

// unseen draws what marks a spot: SVG alone shows it, and no other line has this width.
var unseen = draw.LineStyle{Color: faded(ink, 0), Width: .0123}

// unseenPath is such a line as gonum writes it.
var unseenPath = regexp.MustCompile(`<path d="([^"]*)" style="[^"]*stroke-width:0?\.0123" ?/>`)

// tell marks the panel's spots on an SVG canvas; [told] gives them their texts.
func (p panel) tell(q *plot.Plot, c draw.Canvas) {
	if _, svg := innermost(c).(*vgsvg.Canvas); !svg {
		return
	}
	data := q.DataCanvas(c)
	x, y := q.Transforms(&data)
	for _, s := range p.spots {
		low := vg.Point{X: max(x(s.from), data.Min.X), Y: data.Min.Y}
		high := vg.Point{X: min(x(s.to), data.Max.X), Y: data.Max.Y}
		if p.rows {
			low, high = vg.Point{X: data.Min.X, Y: y(s.from)}, vg.Point{X: data.Max.X, Y: y(s.to)}
		}
		c.StrokeLines(unseen, []vg.Point{low, {X: high.X, Y: low.Y}, high, {X: low.X, Y: high.Y}})
	}
}

// told gives the marks in an SVG their texts, as tooltips that need no script.
func (f *Figure) told(svg string) string {
	var spots []spot
	for _, p := range f.panels {
		spots = append(spots, p.spots...)
	}
	n := -1
	return unseenPath.ReplaceAllStringFunc(svg, func(path string) string {
		n++
		var lines []string
		for _, line := range spots[n].lines {
			lines = append(lines, html.EscapeString(printable(line)))
		}
		return fmt.Sprintf(`<path d="%s" fill-opacity="0"><title>%s</title></path>`, unseenPath.FindStringSubmatch(path)[1],
			strings.Join(lines, "\n"))
	})
}

// told is a number in words.
func told(v float64) string {
	switch {
	case math.IsNaN(v):
		return "not measured"
	case math.IsInf(v, 0):
		return "infinite"
	}
	return strings.Replace(fmt.Sprintf("%.4g", v), "-", "−", 1)
}

// valueTold is value i of a series in words, with its interval.
func (s Series) valueTold(i int, percent bool) string {
	write, unit := told, ""
	if percent && !math.IsNaN(s.Values[i]) {
		write, unit = func(v float64) string { return number(v, 1) }, " %"
	}
	text := write(s.Values[i]) + unit
	if low, high := s.ends(i); high > low {
		text += fmt.Sprintf(" (95 %% interval %s to %s%s)", write(low), write(high), unit)
	}
	return text
}

// columnsTold are the spots of labels at 0, 1, 2, …: what all series say of each.
func columnsTold(labels []string, series []Series, percent bool) []spot {
	var spots []spot
	for i, label := range labels {
		lines := []string{label}
		for _, s := range series {
			name := s.Name
			if s.Published {
				name += ", published"
			}
			lines = append(lines, name+": "+s.valueTold(i, percent))
		}
		spots = append(spots, spot{float64(i) - .5, float64(i) + .5, lines})
	}
	return spots
}
