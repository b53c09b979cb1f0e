package datasets

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// manyRows is the number of rows above which [Frame] checks the memory that is left.
const manyRows = 100_000

// Frame returns a gota frame of a slice of flat structs, one row an element, one column a field, named by the field's
// json tag (fields without one, or tagged "-", are left out). A column has the type of its field: string, int, float or
// bool. gota itself would infer types from the values, and read the answer "007" as 7 and the text "NA" as missing. A
// slice without elements gives a frame with all columns and no rows. An argument of another type, and more rows than
// the machine has memory for, are errors in the frame's Err.
func Frame(rows any) dataframe.DataFrame {
	values := reflect.ValueOf(rows)
	if values.Kind() != reflect.Slice || values.Type().Elem().Kind() != reflect.Struct {
		return dataframe.DataFrame{Err: fmt.Errorf("datasets: a frame is made of a slice of structs, found %T", rows)}
	}
	fields, err := columnsOf(values.Type().Elem())
	if err != nil {
		return dataframe.DataFrame{Err: err}
	}
	if values.Len() > manyRows {
		if err := checkMemory(values.Len(), len(fields), memoryLeft()); err != nil {
			return dataframe.DataFrame{Err: err}
		}
	}
	columns := make([]series.Series, len(fields))
	for c, f := range fields {
		cells := reflect.MakeSlice(reflect.SliceOf(f.cell), values.Len(), values.Len())
		for i := range values.Len() {
			cells.Index(i).Set(values.Index(i).Field(f.index).Convert(f.cell))
		}
		columns[c] = series.New(cells.Interface(), f.series, f.name)
	}
	return dataframe.New(columns...)
}

// Rows reads the rows of a frame into a slice of structs to which rows points, one element a row; it is the inverse of
// [Frame]. A missing column, a column of another type or a missing value is an error that names it, but for the column
// of a field that is tagged frame:"optional"; other columns are ignored.
func Rows(df dataframe.DataFrame, rows any) error {
	out := reflect.ValueOf(rows)
	if out.Kind() != reflect.Pointer || out.Elem().Kind() != reflect.Slice ||
		out.Elem().Type().Elem().Kind() != reflect.Struct {
		return fmt.Errorf("datasets: rows are read into a pointer to a slice of structs, found %T", rows)
	}
	if df.Err != nil {
		return fmt.Errorf("datasets: the frame holds an error: %w", df.Err)
	}
	fields, err := columnsOf(out.Elem().Type().Elem())
	if err != nil {
		return err
	}
	filled := reflect.MakeSlice(out.Elem().Type(), df.Nrow(), df.Nrow())
	for _, f := range fields {
		if f.optional && !slices.Contains(df.Names(), f.name) {
			continue
		}
		col, err := columnOf(df, f)
		if err != nil {
			return err
		}
		for i := range df.Nrow() {
			cell := col.Elem(i)
			if cell.IsNA() && f.series != series.String && f.series != series.Float {
				return fmt.Errorf("datasets: column %q, row %d: a missing value, expected %s", f.name, i+1, f.series)
			}
			target := filled.Index(i).Field(f.index)
			switch f.series {
			case series.String:
				text := cell.String()
				// What gota's ReadJSON makes of the messages of a conversation.
				if strings.HasPrefix(text, "[map[content:") && strings.Contains(text, " role:") &&
					strings.HasSuffix(text, "]]") {
					return fmt.Errorf("datasets: column %q, row %d: expected text, found a list of objects in Go's syntax, %.40q; "+
						"make it text before the frame is made", f.name, i+1, text)
				}
				target.SetString(text)
			case series.Int:
				n, _ := cell.Int()
				target.SetInt(int64(n))
			case series.Float:
				target.SetFloat(cell.Float())
			case series.Bool:
				b, _ := cell.Bool()
				target.SetBool(b)
			}
		}
	}
	out.Elem().Set(filled)
	return nil
}

// tableColumn is a struct field as a column of a frame.
type tableColumn struct {
	name     string
	optional bool
	index    int
	cell     reflect.Type // of the slice that gota's series.New is given
	series   series.Type
}

func columnsOf(row reflect.Type) ([]tableColumn, error) {
	var columns []tableColumn
	for i := range row.NumField() {
		field := row.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		c := tableColumn{name: name, optional: field.Tag.Get("frame") == "optional", index: i}
		switch field.Type.Kind() {
		case reflect.String:
			c.cell, c.series = reflect.TypeFor[string](), series.String
		case reflect.Int, reflect.Int32, reflect.Int64:
			c.cell, c.series = reflect.TypeFor[int](), series.Int
		case reflect.Float32, reflect.Float64:
			c.cell, c.series = reflect.TypeFor[float64](), series.Float
		case reflect.Bool:
			c.cell, c.series = reflect.TypeFor[bool](), series.Bool
		default:
			return nil, fmt.Errorf("datasets: field %s of %s: a column is a string, a number or a bool, found %s",
				field.Name, row, field.Type)
		}
		columns = append(columns, c)
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("datasets: %s has no field with a json tag, so a frame of it has no columns", row)
	}
	return columns, nil
}

func columnOf(df dataframe.DataFrame, want tableColumn) (series.Series, error) {
	for i, name := range df.Names() {
		if name != want.name {
			continue
		}
		if found := df.Types()[i]; found != want.series {
			return series.Series{}, fmt.Errorf("datasets: column %q holds %s, expected %s", name, found, want.series)
		}
		return df.Col(name), nil
	}
	return series.Series{}, fmt.Errorf("datasets: column %q is missing, the frame has %s",
		want.name, strings.Join(df.Names(), ", "))
}
