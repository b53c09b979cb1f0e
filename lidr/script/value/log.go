package value

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/types"
	"log/slog"
	"reflect"
)

// logged returns a value as package log/slog may see it, which asks it for more methods than package fmt.
func (m *Machine) logged(x any) any {
	switch x.(type) {
	case slog.Attr, []slog.Attr, slog.Value, slog.LogValuer:
		return x
	}
	box, ok := m.Normal(x).(Box)
	if _, isError := x.(error); !ok && isError {
		return x
	}
	if !ok {
		return m.looked(x)
	}
	texts, errs := box.T.has("MarshalText", 0, 2), box.T.has("Error", 0, 1) && !box.T.has("MarshalJSON", 0, 2)
	switch v := box.T.see(box.value()); {
	case box.T.has("LogValue", 0, 1):
		return logValue{box}
	case texts && errs:
		panic(Error(fmt.Sprintf("log/slog does not find method MarshalText of a %s; hand over its text", box.T)))
	case errs:
		return logError{box}
	case texts:
		return logText{box}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		panic(Error(fmt.Sprintf("log/slog does not find out that a %s is bytes; hand over []byte(x)", box.T)))
	}
	return x
}

// given is the method of slog.Value that returns what logged made of a value.
func (m *Machine) given(function reflect.Value) reflect.Value {
	return reflect.MakeFunc(function.Type(), func(in []reflect.Value) []reflect.Value {
		x := m.Normal(function.Call(in)[0].Interface())
		return one(m.interfaceOf(x, m.Type(types.Universe.Lookup("any").Type())))
	})
}

// logValue, logText and logError are values of the script with the methods that package log/slog looks for.
type logValue struct{ Box }

func (v logValue) LogValue() slog.Value { return v.call("LogValue")[0].Interface().(slog.Value) }

type logText struct{ Box }

func (t logText) MarshalText() ([]byte, error) {
	results := t.call("MarshalText")
	err, _ := results[1].Interface().(error)
	return results[0].Bytes(), err
}

// logError is no Box, which would encode itself.
type logError struct{ box Box }

func (e logError) Error() string { return Err{e.box}.Error() }

func (e logError) Format(s fmt.State, verb rune) { e.box.Format(s, verb) }

// MarshalJSON encodes what foreign stands for, as package log/slog does.
func (f foreign) MarshalJSON() ([]byte, error) { return marshal(f.x) }

// marshal encodes a value that is within another, which has its own way with < and >.
func marshal(x any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(x)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}
