package lidr

import (
	"fmt"
	"strings"

	"lidrlab/lidr/report"
	"lidrlab/plots"
)

// Figure draws a figure of the run's report by its name, "accuracy", "off_target", "pair-lengths", "training-1" and so
// on, from what the run folder holds so far; [Show] shows it. An unknown name is an error that lists the names there are.
func Figure(run *Run, name string) (*plots.Figure, error) {
	data, err := ReportData(run)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, figure := range report.Figures(data) {
		if figure.Name == name {
			return figure.Wide, nil
		}
		names = append(names, figure.Name)
	}
	return nil, fmt.Errorf("%s has no figure %q, it has %s", run.Dir, name, strings.Join(names, ", "))
}
