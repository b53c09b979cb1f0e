package plots

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// PDF returns the figure as a PDF of one page in the figure's size. The program rsvg-convert makes it from the SVG,
// since gonum's own PDF writer has no characters beyond code page 1252.
func (f *Figure) PDF() ([]byte, error) {
	svg, err := f.SVG()
	if err != nil {
		return nil, err
	}
	program, err := exec.LookPath("rsvg-convert")
	if err != nil {
		return nil, errors.New("a PDF is made by the program rsvg-convert, which is not there: " +
			"install librsvg2-bin (Debian) or librsvg (Homebrew), or save as .svg")
	}
	var out, complaint bytes.Buffer
	command := exec.Command(program, "--format=pdf")
	command.Stdin = bytes.NewReader(svg)
	command.Stdout = &out
	command.Stderr = &complaint
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("rsvg-convert: %w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return out.Bytes(), nil
}
