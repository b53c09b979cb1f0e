package lidr

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lidrlab/lidr/input"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/report"
)

// measures reads every <model>/measures/KEY.json of the run folder. It returns one measure for each key, and the names
// of the models that have any.
func measures(run *Run) (joined []report.Measure, models []string, err error) {
	files, err := measureFiles(run)
	if err != nil {
		return nil, nil, err
	}
	models = slices.SortedFunc(maps.Keys(files), byRound)
	var parts []report.Measure
	for _, model := range models {
		own, err := modelMeasures(run, model, files[model])
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, own...)
	}
	joined, err = report.Join(parts)
	return joined, models, err
}

// measureFiles names the files of measures by model: those that are there, and those that were written.
func measureFiles(run *Run) (map[string]map[string]bool, error) {
	folders, err := os.ReadDir(run.Dir)
	if err != nil {
		return nil, err
	}
	files := map[string]map[string]bool{}
	add := func(model, file string) {
		if filepath.Ext(file) != ".json" { // an edited one that was kept
			return
		}
		if files[model] == nil {
			files[model] = map[string]bool{}
		}
		files[model][file] = true
	}
	for _, folder := range folders {
		if err := eachFile(run.Path(folder.Name(), "measures"), func(file string) { add(folder.Name(), file) }); err != nil {
			return nil, err
		}
	}
	hashes, err := ledger.Listed(run.Dir)
	if err != nil {
		return nil, err
	}
	for name := range hashes {
		if parts := strings.Split(name, "/"); len(parts) == 3 && parts[1] == "measures" {
			add(parts[0], parts[2])
		}
	}
	return files, nil
}

// eachFile calls add with the names of a folder's files: of none where it is missing.
func eachFile(folder string, add func(string)) error {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil
	}
	files, err := os.ReadDir(folder)
	for _, file := range files {
		add(file.Name())
	}
	return err
}

// modelMeasures reads what was measured of a model.
func modelMeasures(run *Run, model string, files map[string]bool) ([]report.Measure, error) {
	var all []report.Measure
	for _, file := range slices.Sorted(maps.Keys(files)) {
		path := run.Path(model, "measures", file)
		data, changed := run.Read(path)
		if changed != nil {
			if data, err := input.ReadFile(path); err == nil { // what is wrong with it says more
				if _, err := report.ParseMeasure(data); err != nil {
					changed = fmt.Errorf("%s: %w; %w", path, err, changed)
				}
			}
			return nil, changed
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

// faultWarnings are the warnings of the tables of answers that are none, or not whole, each once: they are of the run
// as much as of a table.
func faultWarnings(measures []report.Measure) []report.Warning {
	var out []report.Warning
	for _, m := range measures {
		if !strings.HasPrefix(m.Key, faultsKey) {
			continue
		}
		for _, row := range m.Rows {
			for _, v := range row.Values {
				if w := (report.Warning{Text: v.Warning}); v.Warning != "" && !slices.Contains(out, w) {
					out = append(out, w)
				}
			}
		}
	}
	return out
}
