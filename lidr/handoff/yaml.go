package handoff

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// yamlRow is a line of a YAML file.
type yamlRow struct {
	key     string
	value   any
	comment string // "" for none
}

// encodeYAML returns rows after a header of comments. JSON's texts and lists are YAML too.
func encodeYAML(header string, rows []yamlRow) []byte {
	var out strings.Builder
	for _, line := range strings.Split(header, "\n") {
		fmt.Fprintln(&out, "#", line)
	}
	for _, row := range rows {
		fmt.Fprintf(&out, "%s: %s", row.key, yamlValue(row.value))
		if row.comment != "" {
			out.WriteString("  # " + row.comment)
		}
		out.WriteString("\n")
	}
	return []byte(out.String())
}

func yamlValue(value any) string {
	switch v := value.(type) {
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if mantissa, exponent, ok := strings.Cut(text, "e"); ok && !strings.Contains(mantissa, ".") {
			text = mantissa + ".0e" + exponent // PyYAML reads 5e-07 as a text
		} else if v == math.Trunc(v) && !ok {
			text += ".0"
		}
		return text
	case []float64:
		texts := make([]string, len(v))
		for i, x := range v {
			texts[i] = yamlValue(x)
		}
		return "[" + strings.Join(texts, ", ") + "]"
	}
	if v, ok := value.(map[string]float64); ok {
		var texts []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			texts = append(texts, key+": "+yamlValue(v[key]))
		}
		return "{" + strings.Join(texts, ", ") + "}"
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // texts, numbers, truth values and lists of them
	}
	return string(text)
}
