package datasets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// ModelOutput is one answer in alpaca_eval's model_outputs.json.
type ModelOutput struct {
	Dataset     string `json:"dataset,omitempty"` // the part of AlpacaEval that the instruction is from, "" if not given
	Datasplit   string `json:"datasplit,omitempty"`
	Instruction string `json:"instruction"`
	Output      string `json:"output"` // as the model gave it; may be empty
	Generator   string `json:"generator"`

	// Others are the further fields of a published file, such as id, samples or raw_completion, kept as they are.
	Others map[string]json.RawMessage `json:"-"`
}

// Annotation is one verdict in alpaca_eval's annotations.json: Output2, the model's answer, against Output1, the
// reference's.
type Annotation struct {
	Dataset     string  `json:"dataset"` // "" if not given
	Instruction string  `json:"instruction"`
	Output1     string  `json:"output_1"`
	Generator1  string  `json:"generator_1"`
	Output2     string  `json:"output_2"`
	Generator2  string  `json:"generator_2"`
	Annotator   string  `json:"annotator"`
	Preference  float64 `json:"preference"`        // 1 the reference, 2 the model, 1.5 a draw, NaN a failed judge
	Price       float64 `json:"price_per_example"` // US dollars, 0 where the source does not say
	Time        float64 `json:"time_per_example"`  // seconds, 0 where the source does not say

	// RawCompletion is the judge's answer as JSON: a string, or what its function call returned. Nil if not kept.
	RawCompletion json.RawMessage `json:"-"`
	// Others are the further fields: id, which tells instructions of equal text apart, and those that alpaca_eval writes:
	// referenced_models, concise_explanation, glm_preference, datasplit, preference_version, preference_date. They are
	// kept as they are.
	Others map[string]json.RawMessage `json:"-"`
}

// annotationJSON is Annotation's form in a file, in alpaca_eval's order. JSON has no NaN.
type annotationJSON struct {
	Dataset       string          `json:"dataset,omitempty"`
	Instruction   string          `json:"instruction"`
	Output1       string          `json:"output_1"`
	Generator1    string          `json:"generator_1"`
	Output2       string          `json:"output_2"`
	Generator2    string          `json:"generator_2"`
	Annotator     string          `json:"annotator"`
	Preference    *float64        `json:"preference"`
	Price         float64         `json:"price_per_example,omitempty"`
	Time          float64         `json:"time_per_example,omitempty"`
	RawCompletion json.RawMessage `json:"raw_completion,omitempty"`
}

// MarshalJSON writes an annotation as alpaca_eval does, with null for the preference of a failed judge.
func (a Annotation) MarshalJSON() ([]byte, error) {
	row := annotationJSON{
		Dataset:       a.Dataset,
		Instruction:   a.Instruction,
		Output1:       a.Output1,
		Generator1:    a.Generator1,
		Output2:       a.Output2,
		Generator2:    a.Generator2,
		Annotator:     a.Annotator,
		Price:         a.Price,
		Time:          a.Time,
		RawCompletion: a.RawCompletion,
	}
	if !math.IsNaN(a.Preference) {
		row.Preference = &a.Preference
	}
	return withOthers(row, a.Others)
}

// withOthers encodes a row with further fields at its end.
func withOthers(row any, others map[string]json.RawMessage) ([]byte, error) {
	out, err := encode(row)
	if err != nil || len(others) == 0 {
		return out, err
	}
	rest, err := encode(others)
	if err != nil {
		return nil, err
	}
	return append(append(out[:len(out)-1], ','), rest[1:]...), nil
}

// MarshalJSON writes an answer as alpaca_eval does, with the further fields that it was read with.
func (o ModelOutput) MarshalJSON() ([]byte, error) {
	type plain ModelOutput
	return withOthers(plain(o), o.Others)
}

// UnmarshalJSON reads what alpaca_eval and MarshalJSON write, as strictly as [LoadModelOutputs].
func (o *ModelOutput) UnmarshalJSON(data []byte) error {
	r, err := parseObject("model output", 1, bytes.TrimSpace(data))
	if err == nil {
		*o, err = parseModelOutput(r)
	}
	return err
}

// UnmarshalJSON reads what alpaca_eval and MarshalJSON write, as strictly as [LoadAnnotations].
func (a *Annotation) UnmarshalJSON(data []byte) error {
	r, err := parseObject("annotation", 1, bytes.TrimSpace(data))
	if err == nil {
		*a, err = parseAnnotation(r)
	}
	return err
}

// LoadModelOutputs reads the answers of one or several models from alpaca_eval's model_outputs.json. Two answers of a
// model to the same instruction are an error, unless they have different ids. An "input" is the end of its instruction,
// as in [LoadPrompts].
func LoadModelOutputs(path string) ([]ModelOutput, error) { return modelOutputs.load(path) }

// SaveModelOutputs writes model_outputs.json, whole or not at all. Rows that [LoadModelOutputs] would not read back
// unchanged are an error, and nothing is written.
func SaveModelOutputs(path string, outputs []ModelOutput) error {
	return modelOutputs.save(path, outputs)
}

// LoadAnnotations reads the verdicts of alpaca_eval's annotations.json, as alpaca_eval reads them. Preferences are 1 to
// 2, and 0, a draw in its older versions, becomes 1.5. What is no preference (null, NaN, −1, none at all) is a failed
// judge and becomes NaN: a win rate leaves it out and counts it. An instruction that is judged twice counts twice; the
// win rate says so too.
func LoadAnnotations(path string) ([]Annotation, error) {
	form, judged := annotations, false
	var none error
	form.parse = func(r record) (Annotation, error) {
		a, err := parseAnnotation(r)
		judged = judged || r.has("preference")
		if none == nil {
			none = r.errorf("field %q is missing, found %s", "preference", r.names())
		}
		return a, err
	}
	rows, err := form.load(path)
	if err == nil && !judged { // of all rows: no file of verdicts
		return nil, none
	}
	return rows, err
}

// SaveAnnotations writes annotations.json, whole or not at all. Rows that [LoadAnnotations] would not read back
// unchanged, and two verdicts of an annotator on the same models and instruction, are an error, and nothing is written.
func SaveAnnotations(path string, verdicts []Annotation) error {
	return annotations.save(path, verdicts)
}

// EncodeAnnotations returns the bytes that [SaveAnnotations] writes, for a caller that writes files in another way.
func EncodeAnnotations(verdicts []Annotation) ([]byte, error) { return annotations.encode(verdicts) }

// LoadDifficulties reads the difficulty of each instruction for the full form of the length-controlled win rate. A line
// is an object with "instruction" and "instruction_difficulty", which is alpaca_eval's column of that name.
func LoadDifficulties(path string) (map[string]float64, error) {
	difficulty := map[string]float64{}
	err := readRecords(path, func(r record) error {
		if err := r.onlyFields("instruction", "instruction_difficulty"); err != nil {
			return err
		}
		instruction, err := r.filled("instruction")
		if err != nil {
			return err
		}
		if _, twice := difficulty[instruction]; twice {
			return r.errorf("instruction %.40q appears twice, expected one difficulty each", instruction)
		}
		var d float64
		err = r.value("instruction_difficulty", "a number", &d)
		difficulty[instruction] = d
		return err
	})
	if err == nil && len(difficulty) == 0 {
		err = fmt.Errorf("%s: no difficulties, expected one JSON object a line", path)
	}
	if err != nil {
		return nil, err
	}
	return difficulty, nil
}

var modelOutputs = arrayForm[ModelOutput]{"model outputs", parseModelOutput,
	func(o ModelOutput) [4]string { return [4]string{o.Instruction, o.Generator, string(o.Others["id"])} }, false}

func parseModelOutput(r record) (o ModelOutput, err error) {
	if o.Others, err = r.others([]string{"dataset", "datasplit", "instruction", "output", "generator"}); err != nil {
		return o, err
	}
	if o.Instruction, err = r.filled("instruction"); err != nil {
		return o, err
	}
	input, err := r.input()
	if err != nil {
		return o, err
	}
	if input != "" {
		o.Instruction += "\n\n" + input
		if delete(o.Others, "input"); len(o.Others) == 0 {
			o.Others = nil
		}
	}
	if o.Output, err = r.text("output"); err != nil {
		return o, err
	}
	if o.Generator, err = r.filled("generator"); err != nil {
		return o, err
	}
	if o.Dataset, err = r.textOrNull("dataset"); err != nil {
		return o, err
	}
	o.Datasplit, err = r.textOrNull("datasplit")
	return o, err
}

var annotations = arrayForm[Annotation]{"annotations", parseAnnotation,
	func(a Annotation) [4]string {
		// Instructions of equal text are told apart by their ids.
		return [4]string{a.Instruction + "\n" + string(a.Others["id"]), a.Generator1, a.Generator2, a.Annotator}
	}, true}

// The names of the fields that an annotation may lack: those of alpaca_eval's published files, and those that its
// versions from 0.6 on write, which put "preference_" before some of them.
var (
	priceNames = []string{"price_per_example", "preference_price_per_example"}
	timeNames  = []string{"time_per_example", "preference_time_per_example"}
	rawNames   = []string{"raw_completion", "preference_raw_completion"}
)

func parseAnnotation(r record) (a Annotation, err error) {
	known := []string{
		"dataset", "instruction", "output_1", "generator_1", "output_2", "generator_2", "annotator", "preference",
	}
	if a.Others, err = r.others(slices.Concat(known, priceNames, timeNames, rawNames)); err != nil {
		return a, err
	}
	for _, f := range []struct {
		name string
		read func(string) (string, error)
		into *string
	}{
		{"dataset", r.textOrNull, &a.Dataset}, {"instruction", r.filled, &a.Instruction},
		{"output_1", r.text, &a.Output1}, {"generator_1", r.filled, &a.Generator1},
		{"output_2", r.text, &a.Output2}, {"generator_2", r.filled, &a.Generator2},
		{"annotator", r.filled, &a.Annotator},
	} {
		if *f.into, err = f.read(f.name); err != nil {
			return a, err
		}
	}
	if a.Preference, err = parsePreference(r); err != nil {
		return a, err
	}
	if a.Price, err = r.optionalAmount(priceNames); err != nil {
		return a, err
	}
	if a.Time, err = r.optionalAmount(timeNames); err != nil {
		return a, err
	}
	for _, name := range rawNames {
		if raw := r.fields[name]; raw != nil && string(raw) != "null" {
			a.RawCompletion = compact(raw)
		}
	}
	return a, nil
}

func parsePreference(r record) (float64, error) {
	switch string(r.fields["preference"]) {
	case "", "null", "-1", "-1.0": // −1 is what alpaca_eval keeps where an annotation is missing
		return math.NaN(), nil
	}
	var p float64
	if err := r.value("preference", "a number of 1 to 2, or null", &p); err != nil {
		return 0, err
	}
	if p == 0 {
		return 1.5, nil
	}
	if p < 1 || p > 2 {
		return 0, r.errorf("field %q: expected a number of 1 to 2, or null for a failed judge, found %v", "preference", p)
	}
	return p, nil
}

// others returns the fields that are not known. One that is known but for its spelling is an error.
func (r record) others(known []string) (map[string]json.RawMessage, error) {
	if err := r.spelled(known); err != nil {
		return nil, err
	}
	var out map[string]json.RawMessage
	for name, raw := range r.fields {
		if slices.Contains(known, name) {
			continue
		}
		if out == nil {
			out = map[string]json.RawMessage{}
		}
		out[name] = compact(raw)
	}
	return out, nil
}

// optional returns a string field, "" if it is missing.
func (r record) optional(field string) (string, error) {
	if !r.has(field) {
		return "", nil
	}
	return r.text(field)
}

// textOrNull returns a string field, "" if it is missing or null, as pandas writes what is missing.
func (r record) textOrNull(field string) (string, error) {
	if string(r.fields[field]) == "null" {
		return "", nil
	}
	return r.optional(field)
}

// optionalAmount returns the number of at least 0 under one of the names, 0 if there is none or it is null.
func (r record) optionalAmount(names []string) (amount float64, err error) {
	for _, name := range names {
		if !r.has(name) || string(r.fields[name]) == "null" {
			continue
		}
		if err = r.value(name, "a number", &amount); err == nil && amount < 0 {
			err = r.errorf("field %q: expected a number of at least 0, found %v", name, amount)
		}
		if err != nil {
			return 0, err
		}
	}
	return amount, nil
}

// compact removes the white space between the parts of a JSON value, so that what was read equals what was written.
func compact(value json.RawMessage) json.RawMessage {
	var out bytes.Buffer
	if json.Compact(&out, value) != nil { // the value was decoded before, so it is JSON
		return value
	}
	return out.Bytes()
}
