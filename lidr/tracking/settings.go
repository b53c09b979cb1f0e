package tracking

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Settings say where curves are sent to. They belong to no run: its bytes are the same with any of them.
type Settings struct {
	// To names programs: tensorboard, whose files trackio imports too, and mlflow, whose address is that of
	// MLFLOW_TRACKING_URI or follows an equals sign: "mlflow=http://127.0.0.1:5000".
	To []string `json:"to"`
	// PeakTFLOPS is what the machine's processors can do at most in the arithmetic of training, in 10¹² operations a
	// second: perf/mfu is told by it, and not told where it is 0, which stands for unknown.
	PeakTFLOPS float64 `json:"peak_tflops"`
}

const (
	tensorBoardName = "tensorboard"
	mlflowName      = "mlflow"
)

// Validate returns an error that names the field which cannot work, and what was expected.
func (s Settings) Validate() error {
	_, err := s.sinks()
	return err
}

// sinks are the programs of To, each once.
func (s Settings) sinks() ([]sink, error) {
	var all []sink
	var seen []string
	for _, to := range s.To {
		name, address, _ := strings.Cut(to, "=")
		if slices.Contains(seen, name) {
			return nil, fmt.Errorf("tracking: %s is named twice, expected once", name)
		}
		seen = append(seen, name)
		switch {
		case name == tensorBoardName && to == name:
			all = append(all, &tensorBoard{})
		case name == mlflowName:
			address = cmp.Or(address, os.Getenv("MLFLOW_TRACKING_URI"))
			parsed, err := url.Parse(address)
			if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
				return nil, errors.New("tracking: the address of mlflow is none of http or https, expected one such as " +
					"mlflow=http://127.0.0.1:5000, or MLFLOW_TRACKING_URI") // not told: it may hold a password
			}
			all = append(all, newMLflow(strings.TrimRight(address, "/")))
		default:
			program, _, _ := strings.Cut(name, ":") // of an address without a name no more than its scheme
			return nil, fmt.Errorf("tracking: field to names %q, expected tensorboard, whose files trackio imports too, "+
				"without an address, or mlflow=ADDRESS", program)
		}
	}
	if s.PeakTFLOPS < 0 || math.IsNaN(s.PeakTFLOPS) || math.IsInf(s.PeakTFLOPS, 0) {
		return nil, fmt.Errorf("tracking: field peak_tflops is %g, expected 0 for unknown, or a number above", s.PeakTFLOPS)
	}
	return all, nil
}
