package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// unknown is an estimate of which nothing is known.
var unknown = Estimate{Value: math.NaN(), SE: math.NaN()}

// valueJSON is the form of an Estimate or a MeasureValue in a file: null is an unknown number, since JSON has no NaN.
type valueJSON struct {
	Value   *float64 `json:"value"`
	SE      *float64 `json:"se"`
	Note    string   `json:"note,omitempty"`
	Warning string   `json:"warning,omitempty"`
}

// MarshalJSON writes {"value": …, "se": …} with null for what is unknown.
func (e Estimate) MarshalJSON() ([]byte, error) { return MeasureValue{Estimate: e}.MarshalJSON() }

// UnmarshalJSON reads what MarshalJSON writes.
func (e *Estimate) UnmarshalJSON(data []byte) error {
	var v MeasureValue
	if err := v.UnmarshalJSON(data); err != nil {
		return err
	}
	if v.Note != "" || v.Warning != "" {
		return errors.New(`an estimate has only "value" and "se"`)
	}
	*e = v.Estimate
	return nil
}

// MarshalJSON writes {"value": …, "se": …, "note": …, "warning": …} with null for what is unknown; empty texts are left
// out.
func (v MeasureValue) MarshalJSON() ([]byte, error) {
	known := func(x float64) *float64 {
		if math.IsNaN(x) {
			return nil
		}
		return &x
	}
	return encode(valueJSON{known(v.Value), known(v.SE), v.Note, v.Warning})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *MeasureValue) UnmarshalJSON(data []byte) error {
	var j valueJSON
	if err := decode(data, &j); err != nil {
		return err
	}
	known := func(x *float64) float64 {
		if x == nil {
			return math.NaN()
		}
		return *x
	}
	*v = MeasureValue{Estimate{known(j.Value), known(j.SE)}, j.Note, j.Warning}
	return nil
}

// ParseMeasure reads a file of measures/. Fields that it does not know are errors, and so are a key that is no file
// name and rows that do not fit the columns.
func ParseMeasure(data []byte) (Measure, error) {
	var m Measure
	if err := decode(data, &m); err != nil {
		return Measure{}, fmt.Errorf("measure: %w", err)
	}
	if m.Key == "" || m.Key[0] == '.' || notInFileNames.MatchString(m.Key) {
		return Measure{}, fmt.Errorf("measure: field key is %q, expected a file name of letters, digits, dots, - and _",
			m.Key)
	}
	if slices.ContainsFunc(m.Matches, func(h HeadToHead) bool { return h.Win < 0 || h.Tie < 0 || h.Lose < 0 }) {
		return Measure{}, fmt.Errorf("measure %s: field matches has a negative count", m.Key)
	}
	return m, m.check()
}

// decode reads one JSON value without fields that v does not have.
func decode(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("found more after the value, expected one value")
	}
	return nil
}

// encode writes JSON with <, > and & as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}
