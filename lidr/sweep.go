package lidr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/ledger"
	"lidrlab/plots"
)

// SweepCell is one run of a sweep.
type SweepCell struct {
	Name     string // "alpha=5": what the cell changes, and its folder
	Settings Settings
}

// sweepRow is a row of the frame that [Sweep] returns.
type sweepRow struct {
	Cell         string  `json:"cell"`
	Model        string  `json:"model"`
	Metric       string  `json:"metric"`
	Lang         string  `json:"lang"`
	Value        float64 `json:"value"`
	SE           float64 `json:"se"`
	Difference   float64 `json:"difference"`    // from M0, on the same problems
	DifferenceSE float64 `json:"difference_se"` // of the paired difference; of one training, so it knows no variance between trainings
	N            int     `json:"n"`
}

// sideBySide is how many cells of a sweep run at once at most. The miniature's cells share the cores well; each of them
// holds about a gigabyte while it trains.
const sideBySide = 4

var cellName = regexp.MustCompile(`^[\pL\pN][\pL\pN=+.,_ -]*$`)

// Sweep runs every cell from m0 on and returns a frame with columns cell, model, metric (accuracy, correct_in_language,
// off_target), lang (the dominant language, "trained", "unseen"), value, se, difference, difference_se (from M0) and n.
// It writes sweep.json, sweep.csv and a plot of the last models' changes, sweep.png and sweep.svg, to dir, and one run
// folder a cell below dir/cells. Cells share the store beside dir, so that what several of them need, M0's answers above
// all, is computed once; cells of the embedded model run side by side. A sweep that was killed continues.
func Sweep(ctx context.Context, dir string, m0 *Model, cells []SweepCell, options ...Option) (dataframe.DataFrame, error) {
	rows, err := sweep(ctx, dir, m0, cells, options)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	frame := datasets.Frame(rows)
	var csv bytes.Buffer
	if err := frame.WriteCSV(&csv); err != nil {
		return frame, err
	}
	if err := ledger.WriteFile(filepath.Join(dir, "sweep.csv"), csv.Bytes()); err != nil {
		return frame, err
	}
	figure := sweepFigure(filepath.Base(dir), cells, rows)
	for _, extension := range []string{".png", ".svg"} {
		if err := figure.Save(filepath.Join(dir, "sweep"+extension)); err != nil {
			return frame, err
		}
	}
	return frame, ledger.WriteJSON(filepath.Join(dir, "sweep.json"), rows)
}

func sweep(ctx context.Context, dir string, m0 *Model, cells []SweepCell, options []Option) ([]sweepRow, error) {
	seen := map[string]bool{}
	for _, cell := range cells {
		if !cellName.MatchString(cell.Name) || seen[cell.Name] {
			return nil, fmt.Errorf("sweep: cell %q: expected a name that no other cell has, of letters, digits and = + . , _ -", cell.Name)
		}
		seen[cell.Name] = true
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lanes := make(chan struct{}, 1)
	if m0.Path == "miniature" {
		lanes = make(chan struct{}, min(runtime.GOMAXPROCS(0), sideBySide))
	}
	var reporting sync.Mutex // a Progress is called from one goroutine at a time
	rows, errs := make([][]sweepRow, len(cells)), make([]error, len(cells))
	var running sync.WaitGroup
	for i, cell := range cells {
		lanes <- struct{}{}
		running.Go(func() {
			defer func() { <-lanes }()
			own := func(r *Run) {
				outer := r.progress
				r.progress = func(e Event) {
					reporting.Lock()
					defer reporting.Unlock()
					e.Step = cell.Name + ": " + e.Step
					outer(e)
				}
			}
			all := slices.Concat([]Option{WithStore(filepath.Join(filepath.Dir(filepath.Clean(dir)), "store"))}, options, []Option{own})
			if rows[i], errs[i] = sweepCell(ctx, filepath.Join(dir, "cells", cell.Name), m0, cell, all); errs[i] != nil {
				errs[i] = fmt.Errorf("cell %s: %w", cell.Name, errs[i])
				cancel()
			}
		})
	}
	running.Wait()
	for _, err := range errs { // the one that stopped the others
		if err != nil && !errors.Is(err, context.Canceled) {
			return nil, err
		}
	}
	return slices.Concat(rows...), errors.Join(errs...)
}

func sweepCell(ctx context.Context, dir string, m0 *Model, cell SweepCell, options []Option) ([]sweepRow, error) {
	run, err := Open(dir, cell.Settings, options...)
	if err != nil {
		return nil, err
	}
	if _, err := Iterate(ctx, run, m0); err != nil {
		return nil, err
	}
	s := run.Settings
	var rows []sweepRow
	models, err := evaluatedModels(run) // fewer than the rounds ask for, where the run was saturated
	if err != nil {
		return nil, err
	}
	for _, model := range models {
		var scores []scoreRow
		if err := ledger.ReadJSON(run.path(model, "eval", "scores.json"), &scores); err != nil {
			return nil, err
		}
		changes, err := compare(run, m0.Name, model)
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if slices.Contains([]string{"accuracy", "correct_in_language", "off_target"}, c.Metric) && slices.Contains([]string{s.Dominant, "trained", "unseen"}, c.Lang) {
				row := sweepRow{Cell: cell.Name, Model: model, Metric: c.Metric, Lang: c.Lang, Difference: c.Difference, DifferenceSE: c.SE, N: c.N}
				at := slices.IndexFunc(scores, func(x scoreRow) bool { return x.Metric == c.Metric && x.Lang == c.Lang })
				row.Value, row.SE = scores[at].Value, scores[at].SE
				rows = append(rows, row)
			}
		}
	}
	return rows, nil
}

// sweepFigure draws how much the accuracy of each cell's last model differs from M0's.
func sweepFigure(title string, cells []SweepCell, rows []sweepRow) *plots.Figure {
	bars := plots.GroupedBars{Title: title, Unit: "change of accuracy from M0, points ± one standard error", Width: 180, Height: 90}
	for _, lang := range []string{"dominant", "trained", "unseen"} {
		series := plots.Series{Name: lang}
		for _, cell := range cells {
			code := lang
			if lang == "dominant" {
				code = cell.Settings.Dominant
			}
			value, se := math.NaN(), math.NaN()
			for _, row := range rows { // the last round's row is the last one
				if row.Cell == cell.Name && row.Metric == "accuracy" && row.Lang == code {
					value, se = 100*row.Difference, 100*row.DifferenceSE
				}
			}
			series.Values, series.Errors = append(series.Values, value), append(series.Errors, se)
		}
		bars.Series = append(bars.Series, series)
	}
	for _, cell := range cells {
		bars.Groups = append(bars.Groups, cell.Name)
	}
	return bars.Figure()
}

// SweepTable lays the frame of [Sweep] out as text: one line a cell and model, values in per cent and changes from M0 in
// points, with standard errors.
func SweepTable(frame dataframe.DataFrame) (string, error) {
	rows, err := rowsOf[sweepRow](frame, "sweep")
	if err != nil {
		return "", err
	}
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "cell\tmodel\tdominant, %\ttrained, %\tunseen, %\toff-target, trained, %\ttrained, change from M0, points")
	for i, row := range rows {
		if row.Metric != "accuracy" || row.Lang == "trained" || row.Lang == "unseen" {
			continue // one line for each accuracy in the dominant language
		}
		of := func(metric, lang string) sweepRow {
			for _, other := range rows[i:] {
				if other.Cell == row.Cell && other.Model == row.Model && other.Metric == metric && other.Lang == lang {
					return other
				}
			}
			return sweepRow{Value: math.NaN(), SE: math.NaN()}
		}
		percent := func(r sweepRow) string { return fmt.Sprintf("%.1f ± %.1f", 100*r.Value, 100*r.SE) }
		trained := of("accuracy", "trained")
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%+.1f ± %.1f\n", row.Cell, row.Model, percent(row), percent(trained),
			percent(of("accuracy", "unseen")), percent(of("off_target", "trained")), 100*trained.Difference, 100*trained.DifferenceSE)
	}
	err = table.Flush()
	return text.String(), err
}
