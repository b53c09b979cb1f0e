// Package show formats values for people to read: frames as tables, preference pairs side by side, figures as SVG and
// PNG, anything else as JSON; as HTML for a notebook and as plain text for a terminal. Texts of models and of data sets
// are escaped, so that they cannot act on the page or the terminal, and have their language and direction.
package show

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"reflect"
	"slices"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"

	"lidrlab/datasets"
	"lidrlab/lidr/printable"
)

// HTML returns x as an HTML fragment of at most about 1 MB: frames, series and slices of structs as a table, pairs side
// by side, strings as text, anything else as JSON.
func HTML(x any) (string, error) {
	if path, ok := x.(Link); ok {
		return link(path), nil
	}
	rows, ok, err := tableOf(x)
	if err != nil {
		return "", err
	}
	if ok && isPairs(rows) {
		return printable.Text(pairsHTML(rows)), nil
	}
	if ok {
		return printable.Text(tableHTML(rows)), nil
	}
	text, err := plain(x)
	return `<pre dir="auto">` + html.EscapeString(printable.Text(text)) + "</pre>", err
}

// Text returns x as plain text for a terminal, in the forms of [HTML]; control characters are written as escapes.
func Text(x any) (string, error) {
	rows, ok, err := tableOf(x)
	if err != nil {
		return "", err
	}
	if ok && isPairs(rows) {
		return pairsText(rows), nil
	}
	if ok {
		return tableText(rows), nil
	}
	text, err := plain(x)
	return printable.Text(text) + "\n", err
}

// tableOf returns x as a frame, if it is one or can be converted to one.
func tableOf(x any) (dataframe.DataFrame, bool, error) {
	switch x := x.(type) {
	case nil:
		return dataframe.DataFrame{}, false, errors.New("show: there is nothing to show (nil); look at the error that " +
			"came with the value")
	case dataframe.DataFrame:
		if x.Err != nil {
			return x, true, fmt.Errorf("show: the frame holds an error: %w", x.Err)
		}
		return withoutFaults(x), true, nil
	case series.Series:
		return dataframe.New(x), true, x.Error()
	}
	if t := reflect.TypeOf(x); t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct {
		if frame := datasets.Frame(x); frame.Err == nil {
			return withoutFaults(frame), true, nil
		}
	}
	return dataframe.DataFrame{}, false, nil
}

// withoutFaults leaves out the columns of a frame of answers that say nothing in it: "fault", and "reason" beside it,
// where no answer has one, "sample" where there is one answer to a prompt, and "from" where none is a translation.
func withoutFaults(df dataframe.DataFrame) dataframe.DataFrame {
	names := df.Names()
	all := func(c int, value string) bool {
		return !slices.ContainsFunc(df.Col(names[c]).Records(), func(s string) bool { return s != value })
	}
	at := slices.Index(names, "fault")
	if at < 0 || df.Ncol() == 1 {
		return df
	}
	var silent []int
	for c, name := range names {
		none := name == "fault" || name == "from" || name == "reason" && c == at+1 && all(at, "")
		if none && all(c, "") || name == "sample" && all(c, "0") {
			silent = append(silent, c)
		}
	}
	if len(silent) == 0 {
		return df
	}
	return df.Drop(silent)
}

// plain returns the text of a value that is not a table.
func plain(x any) (string, error) {
	switch x := x.(type) {
	case string:
		return x, nil
	case Link:
		return string(x), nil
	case error:
		return x.Error(), nil
	case fmt.Stringer:
		return x.String(), nil
	}
	text, err := json.MarshalIndent(x, "", "  ")
	if err != nil { // JSON cannot represent NaN, channels and functions
		return fmt.Sprintf("%+v", x), nil
	}
	return string(text), nil
}
