package trial

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
)

// A record is what was measured of a cell, in a file of its own, records/CELL.jsonl, which names no folder: cells that
// several machines have run are one trial once their records lie in one folder. A cell whose rounds are finished is not
// run again there; one with rounds left is continued where it was run, since all that they need lies there, and begins
// anew elsewhere.
type record struct {
	header
	items map[string][]Item // by model
}

// header is the first line of a record, written when the rounds that were asked for are finished.
type header struct {
	Cell       string   `json:"cell"`
	Key        string   `json:"key"`        // of all that is set, without paths and addresses
	M0         string   `json:"m0"`         // fingerprint
	Data       string   `json:"data"`       // key of the prompts, problems and texts
	Kernels    []string `json:"kernels"`    // what computed, and in which order it adds up
	Judge      string   `json:"judge"`      // fingerprint, "" for none
	Translator string   `json:"translator"` // likewise
	Models     []string `json:"models"`     // M0, M1, …: those whose items follow
	Rounds     int      `json:"rounds"`     // that were asked for
	Lines      int      `json:"lines"`      // that follow
}

// values is every further line: one metric of one model in one language, by id.
type values struct {
	Model  string             `json:"model"`
	Metric string             `json:"metric"`
	Lang   string             `json:"lang"`
	Values map[string]float64 `json:"values"`
}

// measuring counts the changes of what is measured and how; records of two counts are not compared.
const measuring = 1

// key is the same for all folders and machines.
func (t *Trial) key(c Cell, a arm) string {
	s := t.settings(c, a)
	s.Prompts.Source, s.Evaluate.Source = "", ""
	return ledger.Key(measuring, s, t.FreeN, t.Votes, t.Dev, t.Quantize)
}

func (t *Trial) recordFile(c Cell) string { return t.path("records", c.String()+".jsonl") }

// record reads a cell's record; one without models where there is none, or where its models are still to be judged.
func (t *Trial) record(c Cell) (record, error) {
	path := t.recordFile(c)
	lines, err := ledger.ReadLines[json.RawMessage](path)
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, nil
	} else if err != nil {
		return record{}, err
	}
	a, err := c.arm()
	if err != nil {
		return record{}, err
	}
	r, err := parseRecord(lines)
	switch {
	case err != nil:
		err = fmt.Errorf("%w; copy it again from where the cell was run, or take it away", err)
	case r.Cell != c.String():
		err = fmt.Errorf("it is the record of %s; name it so, or take it away", r.Cell)
	case r.Key != t.key(c, a):
		err = errors.New("it was made with other settings, or by a version that measures otherwise; take it away, or " +
			"choose another folder")
	case t.m0 != nil && r.M0 != t.m0.Fingerprint():
		err = fmt.Errorf("it begins with the model %s, and this is %s; take it away, or choose another folder", r.M0,
			t.m0.Fingerprint())
	case t.data != "" && r.Data != t.data:
		err = errors.New("it was made with other prompts or problems; take it away, or choose another folder")
	}
	if err != nil {
		return record{}, fmt.Errorf("%s: %w", path, err)
	}
	if t.Judge != "" && r.Judge == "" {
		return record{}, nil
	}
	return r, nil
}

// records reads those that are there, of the plan's cells and of further seeds, all of one model, one data and the same
// servers.
func (t *Trial) records() (map[Cell]record, error) {
	all := map[Cell]record{}
	said := map[string]string{}
	for _, name := range Arms() {
		for seed := int64(1); seed < 100; seed++ {
			c := Cell{name, seed}
			r, err := t.record(c)
			if err != nil {
				return nil, err
			}
			if len(r.Models) == 0 {
				continue
			}
			all[c] = r
			for what, value := range map[string]string{"M0": r.M0, "data": r.Data, "judge": r.Judge,
				"translator": r.Translator} {
				if value != "" && said[what] != "" && said[what] != value {
					return nil, fmt.Errorf("%s: its %s is %s, and that of others is %s; a trial has one: take a file away",
						t.recordFile(c), what, value, said[what])
				}
				said[what] = cmp.Or(said[what], value)
			}
		}
	}
	return all, nil
}

// writeRecord writes the record of a cell.
func (t *Trial) writeRecord(r record) error {
	var rows []values
	for _, model := range r.Models {
		var own []values
		for _, item := range r.items[model] {
			at := slices.IndexFunc(own, func(v values) bool { return v.Metric == item.Metric && v.Lang == item.Lang })
			if at < 0 {
				at = len(own)
				own = append(own, values{model, item.Metric, item.Lang, map[string]float64{}})
			}
			own[at].Values[item.ID] = item.Value
		}
		rows = append(rows, own...)
	}
	r.Lines = len(rows)
	lines := []any{r.header}
	for _, row := range rows {
		lines = append(lines, row)
	}
	return ledger.WriteLines(t.path("records", r.Cell+".jsonl"), lines)
}

// parseRecord reads a record, whose lines another machine may have written.
func parseRecord(lines []json.RawMessage) (r record, err error) {
	if len(lines) == 0 {
		return r, errors.New("it is empty")
	}
	strict := func(number int, v any) error {
		d := json.NewDecoder(bytes.NewReader(lines[number]))
		d.DisallowUnknownFields()
		if err := d.Decode(v); err != nil {
			return fmt.Errorf("line %d: %w", number+1, err)
		}
		return nil
	}
	if err := strict(0, &r.header); err != nil {
		return r, err
	}
	for i, model := range r.Models {
		if model != fmt.Sprint("M", i) {
			return r, fmt.Errorf("line 1: model %d is %q, expected M%d", i, model, i)
		}
	}
	if len(r.Models) == 0 || r.M0 == "" {
		return r, errors.New("line 1: no models, or no fingerprint of M0")
	}
	if r.Lines != len(lines)-1 {
		return r, fmt.Errorf("it has %d lines after the first, expected %d", len(lines)-1, r.Lines)
	}
	r.items = map[string][]Item{}
	for i := range lines[1:] {
		var v values
		if err := strict(i+1, &v); err != nil {
			return r, err
		}
		known := slices.ContainsFunc(metrics, func(m Metric) bool { return m.Name == v.Metric })
		if !known || !slices.Contains(r.Models, v.Model) {
			return r, fmt.Errorf("line %d: the model %q or the metric %q is not known", i+2, v.Model, v.Metric)
		}
		for id, value := range v.Values {
			r.items[v.Model] = append(r.items[v.Model], Item{v.Metric, v.Lang, id, value})
		}
	}
	return r, nil
}

// measured reads the items of a model that this folder has measured for the record of its cell; none where it has not.
func (r record) measured(run *lidr.Run, model string) (items []Item, err error) {
	if !slices.Contains(r.Models, model) {
		return nil, nil
	}
	err = run.ReadLines(itemsFile(run, model), &items)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return items, err
}
