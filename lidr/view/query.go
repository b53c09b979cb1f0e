package view

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Query is what a page of the browser shows, and the whole of its state: it is the query string of the page's address,
// so that a link shows the same to whoever opens it.
type Query struct {
	Run    string // name of the run
	Kind   string // one of [kindNames]
	Model  string // of the model that the lines are of, or the comparison that was judged, "" for all
	Lang   string // "" for all
	Right  string // "yes", "no"; of pairs "chosen", "rejected", "both", "neither": which side is
	Target string // "on", "off"; of pairs "chosen-off", "rejected-off"
	State  string // what is kept or not, whole or not, or who won: the values of [states]
	Beside string // of verdicts: the model that the answers stand beside
	Change string // of verdicts beside another model's: "better", "worse", "equal", by points
	ID     string // one prompt alone
	Text   string // words that all occur
	Sort   string // "", "length", "difference", "change", "judge", "margin"; with "-" in front the largest first
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

var states = []string{"kept", "dropped", "identical", "different", "whole", "faulty", "win", "tie", "lose", "failed"}

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
		"length", "-length", "difference", "-difference", "change", "-change", "judge", "-judge", "margin", "-margin",
	}},
}

// ParseQuery reads a query string. What it does not know is an error: a link that says more than the page understands
// would show something else than was meant.
func ParseQuery(raw string) (Query, error) {
	var q Query
	values, err := params(raw, append(fieldNames(), "from")...)
	if err != nil {
		return q, err
	}
	for _, f := range fields {
		value := values[f.name]
		if f.values != nil && value != "" && !slices.Contains(f.values, value) {
			return q, fmt.Errorf("%s is %.60q in the address, expected %s", f.name, value, strings.Join(f.values, ", "))
		}
		*f.value(&q) = value
	}
	if from, ok := values["from"]; ok {
		n, err := strconv.Atoi(from)
		if err != nil || n < 0 || n > maxFrom {
			return q, fmt.Errorf("from is %.60q in the address, expected 0 to %d", from, maxFrom)
		}
		q.From = n
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
