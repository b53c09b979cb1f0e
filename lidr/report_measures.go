package lidr

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lidrlab/lidr/input"
	"lidrlab/lidr/report"
)

// measures reads every <model>/measures/KEY.json of the run folder. It returns one measure for each key, and the names
// of the models that have any.
func measures(run *Run) (joined []report.Measure, models []string, err error) {
	folders, err := os.ReadDir(run.Dir)
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(folders, func(a, b fs.DirEntry) int { return byRound(a.Name(), b.Name()) })
	var parts []report.Measure
	for _, folder := range folders {
		own, err := modelMeasures(run.Path(folder.Name()))
		if err != nil {
			return nil, nil, err
		}
		if len(own) > 0 {
			models = append(models, folder.Name())
		}
		parts = append(parts, own...)
	}
	joined, err = report.Join(parts)
	return joined, models, err
}

// modelMeasures reads what was measured of the model whose folder this is: nothing of a file or another folder.
func modelMeasures(folder string) ([]report.Measure, error) {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, nil
	}
	files, err := os.ReadDir(filepath.Join(folder, "measures"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []report.Measure
	for _, file := range files {
		if filepath.Ext(file.Name()) != ".json" { // an edited one that was kept
			continue
		}
		path := filepath.Join(folder, "measures", file.Name())
		data, err := input.ReadFile(path)
		if err != nil {
			return nil, err
		}
		m, err := report.ParseMeasure(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; mend it, or delete it and measure the model again", path, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// byRound orders names of models: M0, M1, … by their number, and then others by the alphabet.
func byRound(a, b string) int {
	round := func(name string) int {
		if n, err := strconv.Atoi(strings.TrimPrefix(name, "M")); err == nil && name == modelName(n) {
			return n
		}
		return math.MaxInt
	}
	return cmp.Or(cmp.Compare(round(a), round(b)), strings.Compare(a, b))
}

// faultWarnings are the warnings of the tables of answers that are none, or not whole: they are of the run as much as
// of a table.
func faultWarnings(measures []report.Measure) []report.Warning {
	var out []report.Warning
	for _, m := range measures {
		if !strings.HasPrefix(m.Key, faultsKey) {
			continue
		}
		for _, row := range m.Rows {
			for _, v := range row.Values {
				if v.Warning != "" {
					out = append(out, report.Warning{Where: m.Title, Text: v.Warning})
				}
			}
		}
	}
	return out
}
