package view

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Query is what a page of the browser shows, and the whole of its state: it is the query string of the page's address,
// so that a link shows the same to whoever opens it.
type Query struct {
	Run    string // name of the run
	Kind   string // "prompts", "answers", "translations", "pairs" or "verdicts"
	Model  string // of the model that the lines are of, "" for all
	Lang   string // "" for all
	Right  string // "yes", "no"; of pairs "chosen", "rejected", "both", "neither": which side is
	Target string // "on", "off"; of pairs "chosen-off", "rejected-off"
	State  string // what is kept or not: the values of [states]
	Beside string // of verdicts: the model that the answers stand beside
	Change string // of verdicts beside another model's: "better", "worse", "equal", by points
	ID     string // one prompt alone
	Text   string // words that all occur
	Sort   string // "", "length", "difference", "change"; with "-" in front the largest first
	From   int    // the number of the first line that is shown, from 0
}

// Limits of a query.
const (
	maxText = 500           // bytes of a value
	maxFrom = 1_000_000_000 // lines
)

// field is a field of a query: its name in the query string, where it is, and the values it takes, nil for any.
type field struct {
	name   string
	value  func(*Query) *string
	values []string
}

var states = []string{"kept", "dropped", "identical", "different", "whole", "faulty"}

var fields = []field{
	{"run", func(q *Query) *string { return &q.Run }, nil},
	{"kind", func(q *Query) *string { return &q.Kind }, kindNames},
	{"model", func(q *Query) *string { return &q.Model }, nil},
	{"lang", func(q *Query) *string { return &q.Lang }, nil},
	{"right", func(q *Query) *string { return &q.Right }, []string{"yes", "no", "chosen", "rejected", "both", "neither"}},
	{"target", func(q *Query) *string { return &q.Target }, []string{"on", "off", "chosen-off", "rejected-off"}},
	{"state", func(q *Query) *string { return &q.State }, states},
	{"beside", func(q *Query) *string { return &q.Beside }, nil},
	{"change", func(q *Query) *string { return &q.Change }, []string{"better", "worse", "equal"}},
	{"id", func(q *Query) *string { return &q.ID }, nil},
	{"text", func(q *Query) *string { return &q.Text }, nil},
	{"sort", func(q *Query) *string { return &q.Sort }, []string{
		"length", "-length", "difference", "-difference", "change", "-change",
	}},
}

// ParseQuery reads a query string. What it does not know is an error: a link that says more than the page understands
// would show something else than was meant.
func ParseQuery(raw string) (Query, error) {
	var q Query
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, fmt.Errorf("the address: %w", err)
	}
	for name, all := range values {
		value := all[0]
		switch {
		case len(all) > 1:
			return q, fmt.Errorf("the address names %.60q %d times, expected once", name, len(all))
		case len(value) > maxText || !utf8.ValidString(value) || strings.ContainsRune(value, 0):
			return q, fmt.Errorf("%.60q in the address is too long or no text, expected at most %d bytes of UTF-8", name,
				maxText)
		case name == "from":
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 || n > maxFrom {
				return q, fmt.Errorf("from is %.60q in the address, expected 0 to %d", value, maxFrom)
			}
			q.From = n
			continue
		}
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			return q, fmt.Errorf("the address names %.60q, expected %s or from", name, strings.Join(fieldNames(), ", "))
		}
		if known := fields[i].values; known != nil && value != "" && !slices.Contains(known, value) {
			return q, fmt.Errorf("%s is %.60q in the address, expected %s", name, value, strings.Join(known, ", "))
		}
		*fields[i].value(&q) = value
	}
	q.Kind = cmp.Or(q.Kind, kindNames[0])
	return q, nil
}

func fieldNames() []string {
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	return names
}

// String is the query string, the same for equal queries: what is not set is not there.
func (q Query) String() string {
	var parts []string
	for _, f := range fields {
		if value := *f.value(&q); value != "" {
			parts = append(parts, f.name+"="+url.QueryEscape(value))
		}
	}
	if q.From > 0 {
		parts = append(parts, fmt.Sprintf("from=%d", q.From))
	}
	return strings.Join(parts, "&")
}

// with returns the query with a field changed, from the first line on.
func (q Query) with(name, value string) Query {
	for _, f := range fields {
		if f.name == name {
			*f.value(&q) = value
		}
	}
	q.From = 0
	return q
}
