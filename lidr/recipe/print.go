package recipe

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"lidrlab/lidr"
)

// YAML returns the whole recipe, presets and all, as a file that [Load] reads back as the same recipe.
func (r Recipe) YAML() string { return r.text(nil) }

// Print returns the file of [Recipe.YAML] of a recipe with, beside every value, where it comes from: a line of the
// file, a --set, or the preset.
func Print(nameOrFile string, sets ...string) (string, error) {
	r, sources, err := load(nameOrFile, sets)
	if err != nil {
		return "", err
	}
	_, preset, _ := strings.Cut(r.Settings.Preset, ", from ")
	return r.text(func(path string) string {
		for at := path; at != ""; at = at[:max(0, strings.LastIndex(at, "."))] {
			if sources[at] != "" {
				return sources[at]
			}
		}
		first, _, _ := strings.Cut(path, ".")
		if _, settings := keys(reflect.TypeFor[lidr.Settings]()); settings[first] != nil {
			return "preset " + preset
		}
		return "default"
	}), nil
}

func (r Recipe) text(source func(path string) string) string {
	p := printer{source: source}
	p.fields(reflect.ValueOf(r), "", "")
	return p.String()
}

type printer struct {
	strings.Builder
	source func(path string) string // nil: not shown
}

// fields writes the fields of a struct, or the entries of a map by the alphabet.
func (p *printer) fields(v reflect.Value, path, indent string) {
	if v.Kind() == reflect.Map {
		for _, key := range slices.Sorted(maps.Keys(v.Interface().(map[string]map[string]any))) {
			p.field(key, v.MapIndex(reflect.ValueOf(key)), path, indent)
		}
		return
	}
	names, index := keys(v.Type())
	for _, name := range names {
		p.field(name, v.FieldByIndex(index[name]), path, indent)
	}
}

func (p *printer) field(name string, v reflect.Value, path, indent string) {
	path = strings.TrimPrefix(path+"."+name, ".")
	if _, cells := v.Interface().(map[string]map[string]any); v.Kind() == reflect.Struct || cells && v.Len() > 0 {
		fmt.Fprintf(p, "%s%s:\n", indent, name)
		p.fields(v, path, indent+"  ")
		return
	}
	line := fmt.Sprintf("%s%s: %s", indent, scalar(reflect.ValueOf(name)), scalar(v))
	if p.source != nil {
		line += "  # " + p.source(path)
	}
	p.WriteString(line + "\n")
}

// scalar is a value on one line, as YAML reads it back.
func scalar(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Float64:
		if x := v.Float(); x == math.Trunc(x) && math.Abs(x) < 1e15 {
			return strconv.FormatFloat(x, 'f', -1, 64)
		}
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case reflect.String:
		if s := v.String(); strings.ContainsAny(s, "\n\"\\") {
			return strconv.Quote(s)
		}
	case reflect.Slice, reflect.Map:
		if v.IsNil() {
			return "null"
		}
		if v.Type().Elem().Kind() == reflect.Struct { // whose keys are the json tags
			data, err := json.Marshal(v.Interface())
			if err != nil {
				panic(err) // texts, numbers and lists of these
			}
			return string(data)
		}
	}
	data, err := yaml.MarshalWithOptions(v.Interface(), yaml.Flow(true))
	if err != nil {
		panic(err) // texts, numbers, lists and maps of these
	}
	return strings.TrimSpace(string(data))
}
