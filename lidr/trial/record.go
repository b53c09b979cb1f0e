package trial

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"

	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
)

// A record is what was measured of a cell, in a file of its own, records/CELL.jsonl, which names no folder: cells that
// several machines have run are one trial once their records lie in one folder, and no step of theirs is taken again.
type record struct {
	header
	items map[string][]Item // by model
}

// header is the first line of a record, written when the rounds that were asked for are finished.
type header struct {
	Cell     string   `json:"cell"`
	Settings Settings `json:"settings"` // without paths and addresses
	M0       string   `json:"m0"`       // fingerprint
	Data     string   `json:"data"`     // SHA-256 of the prompts, problems and texts
	Kernels  string   `json:"kernels"`  // what computed, and in which order it adds up
	Models   []string `json:"models"`   // M0, M1, …: those whose items follow
	Rounds   int      `json:"rounds"`   // that were asked for
	Judge    bool     `json:"judge"`
}

// values is every further line: one metric of one model in one language, by id.
type values struct {
	Model  string             `json:"model"`
	Metric string             `json:"metric"`
	Lang   string             `json:"lang"`
	Values map[string]float64 `json:"values"`
}

// portable are the settings that a record has.
func (s Settings) portable() Settings {
	s.Model, s.Data, s.Translator, s.Judge = "", "", "", ""
	return s
}

func (t *Trial) recordFile(c Cell) string { return t.path("records", c.String()+".jsonl") }

// record reads a cell's record; one without models where there is none.
func (t *Trial) record(c Cell) (r record, err error) {
	path := t.recordFile(c)
	lines, err := ledger.ReadLines[json.RawMessage](path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		r, err = parseRecord(lines)
	}
	switch now := t.Settings.portable(); {
	case err != nil:
	case r.Cell != c.String():
		err = fmt.Errorf("it is the record of %s", r.Cell)
	case !reflect.DeepEqual(r.Settings, now):
		err = fmt.Errorf("it was made with other settings, %+v, and these are %+v", r.Settings, now)
	}
	if err != nil {
		return record{}, fmt.Errorf("%s: %w; take the file away, or choose another folder", path, err)
	}
	return r, nil
}

// records reads those that are there, of the plan's cells and of further seeds, all of one model and one data.
func (t *Trial) records() (map[Cell]record, error) {
	all := map[Cell]record{}
	var first Cell
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
			if first.Arm == "" {
				first = c
			}
			if r.M0 != all[first].M0 && len(all) > 0 || r.Data != all[first].Data && len(all) > 0 {
				return nil, fmt.Errorf("%s is of the model %s and the data %s, and %s of %s and %s; a trial has one of each: take "+
					"one file away", t.recordFile(c), r.M0, r.Data, t.recordFile(first), all[first].M0, all[first].Data)
			}
			all[c] = r
		}
	}
	return all, nil
}

// suits says whether a record is of this model and data.
func (r record) suits(t *Trial, m0 *lidr.Model) error {
	if len(r.Models) > 0 && (r.M0 != m0.Fingerprint() || r.Data != t.data) {
		return fmt.Errorf("%s is of the model %s and the data %s, and these are %s and %s; take the file away, or choose "+
			"another folder", t.path("records", r.Cell+".jsonl"), r.M0, r.Data, m0.Fingerprint(), t.data)
	}
	return nil
}

// writeRecord writes the record of a cell.
func (t *Trial) writeRecord(r record) error {
	lines := []any{r.header}
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
		slices.SortStableFunc(own, func(a, b values) int { // those of a record that was read come in no order
			return cmp.Or(cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Lang, b.Lang))
		})
		for _, v := range own {
			lines = append(lines, v)
		}
	}
	return ledger.WriteLines(t.path("records", r.Cell+".jsonl"), lines)
}

// parseRecord reads a record, whose lines another machine may have written.
func parseRecord(lines []json.RawMessage) (r record, err error) {
	if len(lines) == 0 {
		return r, errors.New("it is empty")
	}
	if err := json.Unmarshal(lines[0], &r.header); err != nil {
		return r, fmt.Errorf("line 1: %w", err)
	}
	for i, model := range r.Models {
		if model != fmt.Sprint("M", i) {
			return r, fmt.Errorf("line 1: model %d is %q, expected M%d", i, model, i)
		}
	}
	if len(r.Models) == 0 || r.M0 == "" {
		return r, fmt.Errorf("line 1: no models, or no fingerprint of M0")
	}
	r.items = map[string][]Item{}
	for i, line := range lines[1:] {
		var v values
		if err := json.Unmarshal(line, &v); err != nil {
			return r, fmt.Errorf("line %d: %w", i+2, err)
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
