package tokenizer

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ardanlabs/jinja"
)

// templateDate is today in every chat template: without a clock, equal runs give equal results. It is the day that the
// templates of Llama 3 print where they have no clock.
var templateDate = time.Date(2024, time.July, 26, 0, 0, 0, 0, time.UTC)

// directives are those of C's strftime, in Go's layouts.
var directives = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'd': "02", 'H': "15", 'I': "03", 'j': "002", 'm': "01",
	'M': "04", 'p': "PM", 'S': "05", 'y': "06", 'Y': "2006",
}

// strftime is transformers' strftime_now on [templateDate].
func strftime(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
	if len(args) != 1 || !args[0].IsString() {
		return jinja.Undefined(), errors.New("strftime_now: expected one format")
	}
	format := args[0].AsString()
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		layout, ok := directives[format[i]]
		switch {
		case format[i] == '%':
			b.WriteByte('%')
		case ok:
			b.WriteString(templateDate.Format(layout))
		default:
			return jinja.Undefined(), fmt.Errorf("strftime_now: %%%c in %q is not supported", format[i], format)
		}
	}
	return jinja.NewString(b.String()), nil
}
