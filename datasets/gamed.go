package datasets

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
)

// GamedVerdict is a verdict on an answer whose length was manipulated, a row of alpaca_eval's df_gamed.csv.
type GamedVerdict struct {
	Index       int     // of the instruction in AlpacaEval, from 0
	Preference  float64 // 0 for the reference to 1 for the model, NaN for a failed judge
	DeltaLength float64 // characters of the reference − of the answer, in standard deviations
	Difficulty  float64 // of the instruction
}

// LoadGamed reads alpaca_eval's df_gamed.csv, from the dataset tatsu-lab/alpaca_eval of the Hugging Face hub: the
// columns index, preference, std_delta_len and instruction_difficulty; others are ignored.
func LoadGamed(path string) ([]GamedVerdict, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	defer file.Close()
	rows := csv.NewReader(file)
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w, expected a line of column names", path, err)
	}
	columns := []string{"index", "preference", "std_delta_len", "instruction_difficulty"}
	places := make([]int, len(columns))
	for i, name := range columns {
		if places[i] = slices.Index(header, name); places[i] < 0 {
			return nil, fmt.Errorf("%s:1: column %q is missing, found %q", path, name, header)
		}
	}
	var out []GamedVerdict
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return complete(path, "verdicts", out, nil)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		line, _ := rows.FieldPos(0)
		var numbers [4]float64
		for i, place := range places {
			if columns[i] == "preference" && row[place] == "" { // as pandas writes NaN
				numbers[i] = math.NaN()
				continue
			}
			numbers[i], err = strconv.ParseFloat(row[place], 64)
			if err != nil || math.IsNaN(numbers[i]) || math.IsInf(numbers[i], 0) {
				return nil, fmt.Errorf("%s:%d: column %q: expected a number, found %.20q", path, line, columns[i], row[place])
			}
		}
		g := GamedVerdict{int(numbers[0]), numbers[1], numbers[2], numbers[3]}
		if g.Index < 0 || float64(g.Index) != numbers[0] {
			return nil, fmt.Errorf("%s:%d: column \"index\": expected a whole number, found %.20q", path, line, row[places[0]])
		}
		if g.Preference < 0 || g.Preference > 1 {
			return nil, fmt.Errorf("%s:%d: column \"preference\": expected 0 to 1, found %.20q", path, line, row[places[1]])
		}
		out = append(out, g)
	}
}
