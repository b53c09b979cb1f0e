package value

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
)

// Print is print or println, which write to the standard error.
func (m *Machine) Print(in []reflect.Type, line bool) reflect.Value {
	return makeFunc(in, nil, func(args []reflect.Value) []reflect.Value {
		var text strings.Builder
		for i, arg := range args {
			if i > 0 && line {
				text.WriteByte(' ')
			}
			switch {
			case arg.CanFloat():
				text.WriteString(strconv.FormatFloat(arg.Float(), 'g', -1, arg.Type().Bits()))
			case arg.CanComplex():
				text.WriteString(strconv.FormatComplex(arg.Complex(), 'g', -1, arg.Type().Bits()))
			case arg.Kind() == reflect.Interface || arg.Kind() == reflect.UnsafePointer:
				text.WriteString("nil")
			default:
				fmt.Fprint(&text, arg)
			}
		}
		if line {
			text.WriteByte('\n')
		}
		os.Stderr.WriteString(text.String())
		return nil
	})
}
