package report

import (
	"math"
	"slices"
)

// Grid is a table of values by row and column, both in the order in which they were first named. Every row has a value
// for every column; one that was not given is NaN.
type Grid struct {
	Columns []string     `json:"columns"` // language codes, or other names
	Rows    []MeasureRow `json:"rows"`
}

// Add sets the value of a row in a column, and appends the row or the column where the grid has none of that name.
func (g *Grid) Add(row, column string, value float64) {
	g.Put(row, column, MeasureValue{Estimate: Estimate{Value: value}})
}

// Put is [Grid.Add] for a value with its error, note and warning.
func (g *Grid) Put(row, column string, value MeasureValue) {
	i := slices.IndexFunc(g.Rows, func(r MeasureRow) bool { return r.Name == row })
	if i < 0 {
		i = len(g.Rows)
		g.Rows = append(g.Rows, MeasureRow{Name: row, Values: missing(len(g.Columns))})
	}
	g.Rows[i].Values[g.column(column)] = value
}

// Append appends the rows of another grid, values under the columns of equal name.
func (g *Grid) Append(other Grid) {
	for _, r := range other.Rows {
		at := make([]int, len(other.Columns))
		for k, name := range other.Columns {
			at[k] = g.column(name)
		}
		values := missing(len(g.Columns))
		for k, v := range r.Values {
			values[at[k]] = v
		}
		g.Rows = append(g.Rows, MeasureRow{Name: r.Name, Group: r.Group, Values: values})
	}
}

// column is the index of a column, which is appended where there is none of that name.
func (g *Grid) column(name string) int {
	if i := slices.Index(g.Columns, name); i >= 0 {
		return i
	}
	g.Columns = append(g.Columns, name)
	for i := range g.Rows {
		g.Rows[i].Values = append(g.Rows[i].Values, missing(1)...)
	}
	return len(g.Columns) - 1
}

// missing returns n values that were not given.
func missing(n int) []MeasureValue {
	values := make([]MeasureValue, n)
	for i := range values {
		values[i].Value = math.NaN()
	}
	return values
}
