package show

import (
	"bytes"
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// SVG returns x as an SVG if x is a figure: one of package plots or a gonum plot. ok is false for anything else.
func SVG(x any) (svg []byte, ok bool, err error) {
	switch x := x.(type) {
	case interface{ SVG() ([]byte, error) }:
		svg, err = x.SVG()
		return svg, true, err
	case *plot.Plot:
		svg, err = drawn(x, "svg")
		return svg, true, err
	}
	return nil, false, nil
}

// PNG returns a figure as a PNG, for programs that show no SVG of a notebook: one that they do not trust, a page of the
// web.
func PNG(figure any) ([]byte, error) {
	switch x := figure.(type) {
	case interface{ PNG() ([]byte, error) }:
		return x.PNG()
	case *plot.Plot:
		return drawn(x, "png")
	}
	return nil, fmt.Errorf("show: %T is no figure", figure)
}

func drawn(p *plot.Plot, format string) ([]byte, error) {
	w, err := p.WriterTo(160*vg.Millimeter, 100*vg.Millimeter, format)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = w.WriteTo(&b)
	return b.Bytes(), err
}
