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
	"sync"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/show"
	"lidrlab/plots"
)

// SweepCell is one run of a sweep.
type SweepCell struct {
	Name     string // "alpha=5": what the cell changes, and its folder
	Settings Settings
}

// sideBySide is how many cells of a sweep of a small model run at once at most: they share the cores well, and each of
// them holds about a gigabyte while it trains.
const sideBySide = 4

var cellName = regexp.MustCompile(`^[\pL\pN][\pL\pN=+.,_ -]*$`)

// Sweep runs every cell from m0 on and returns a frame of [SweepScore] rows: accuracy, correct_in_language and
// off_target in the dominant language and as means over the trained and the unseen ones. It writes sweep.json,
// sweep.csv and a plot of the last models' changes, sweep.png and sweep.svg, to dir, and one run folder a cell below
// dir/cells. Cells share the store beside dir, so that what several of them need, M0's answers above all, is computed
// once; cells of a small model, such as the embedded one, run side by side. A sweep that was killed continues.
func Sweep(ctx context.Context, dir string, m0 *Model, cells []SweepCell, options ...Option) (dataframe.DataFrame,
	error) {
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

func sweep(ctx context.Context, dir string, m0 *Model, list []SweepCell, options []Option) ([]SweepScore, error) {
	if m0.Round > 0 {
		return nil, fmt.Errorf("sweep: every cell is a run of its own, which %s of another one cannot start; load %s by "+
			"LoadModel",
			m0.Name(), m0.Path)
	}
	seen := map[string]bool{}
	for _, cell := range list {
		if !cellName.MatchString(cell.Name) || seen[cell.Name] {
			return nil, fmt.Errorf("sweep: cell %q: expected a name that no other cell has, of letters, digits and = + . , _ -",
				cell.Name)
		}
		if err := newRun("", cell.Settings, options).works(); err != nil { // before the others have worked for hours
			return nil, fmt.Errorf("cell %s: %w", cell.Name, err)
		}
		seen[cell.Name] = true
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lanes := make(chan struct{}, 1)
	if m0.small() {
		lanes = make(chan struct{}, min(runtime.GOMAXPROCS(0), sideBySide))
	}
	all := show.NewCells(len(list), 0)
	rows, errs := make([][]SweepScore, len(list)), make([]error, len(list))
	var running sync.WaitGroup
	for i, cell := range list {
		lanes <- struct{}{}
		running.Go(func() {
			defer func() { <-lanes }()
			over := func() {}
			own := func(r *Run) { r.progress, over = all.Cell(i+1, cell.Name, r.progress) }
			options := slices.Concat([]Option{WithStore(ledger.StoreBeside(dir))}, options, []Option{own})
			rows[i], errs[i] = sweepCell(ctx, filepath.Join(dir, "cells", cell.Name), m0, cell, options)
			over()
			if errs[i] != nil {
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

func sweepCell(ctx context.Context, dir string, m0 *Model, cell SweepCell, options []Option) ([]SweepScore, error) {
	run, err := Open(dir, cell.Settings, options...)
	if err != nil {
		return nil, err
	}
	defer run.Close() // the lock of a folder that nothing is written to any more
	last, all, err := iterate(ctx, run, m0)
	if err != nil {
		return nil, err
	}
	s := run.Settings
	var rows []SweepScore
	for round := range last.Round + 1 { // fewer than the rounds ask for, where the run was saturated
		model := modelName(round)
		changes, err := compare(run, m0.Name(), model)
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if slices.Contains([]string{"accuracy", "correct_in_language", "off_target"}, c.Metric) &&
				slices.Contains([]string{s.Dominant, "trained", "unseen"}, c.Lang) {
				row := SweepScore{Cell: cell.Name, Model: model, Metric: c.Metric, Lang: c.Lang, Difference: c.Difference,
					DifferenceSE: c.SE, N: c.N}
				at := slices.IndexFunc(all, func(x eval.Score) bool {
					return x.Model == model && x.Metric == c.Metric && x.Lang == c.Lang
				})
				row.Value, row.SE = all[at].Value, all[at].SE
				rows = append(rows, row)
			}
		}
	}
	return rows, nil
}

// sweepFigure draws how much the accuracy of each cell's last model differs from M0's.
func sweepFigure(title string, cells []SweepCell, rows []SweepScore) *plots.Figure {
	bars := plots.GroupedBars{Title: title, Unit: "change of accuracy from M0, points", XLabel: "cell",
		Width: 180, Height: 90}
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
			series.Values, series.Errors = append(series.Values, value), append(series.Errors, eval.Z95*se)
		}
		bars.Series = append(bars.Series, series)
	}
	for _, cell := range cells {
		bars.Groups = append(bars.Groups, cell.Name)
	}
	return bars.Figure()
}
