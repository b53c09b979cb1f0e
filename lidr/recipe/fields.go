package recipe

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"lidrlab/lidr/spelling"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// A field of a recipe goes by its path, the json tags from the top: train.lora.rank. New fields of the settings are
// fields of a recipe without a word here.

// keys are the json names of a struct's fields with their indices; those of an embedded struct are its own.
func keys(t reflect.Type) (names []string, index map[string][]int) {
	index = map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "-" || name == "" || !f.IsExported() {
			continue
		}
		names, index[name] = append(names, name), f.Index
	}
	return names, index
}

// assignment sets one field to the value of a node, and says where that is written.
type assignment struct {
	path   []string
	node   ast.Node
	source string
	within string // what path begins below: "panel.1." for the first of a list, else ""
}

func (a assignment) name() string { return a.within + strings.Join(a.path, ".") }

// set finds the field below v and sets it.
func (a assignment) set(v reflect.Value) error {
	for i, key := range a.path {
		if v.Kind() != reflect.Struct {
			break // what is in a map is set at once
		}
		names, index := keys(v.Type())
		at, known := index[key]
		if !known {
			return fmt.Errorf("%s: %s is no key of a recipe; %s", a.source, a.name(),
				suggest(append([]string{strings.TrimSuffix(a.within, ".")}, a.path[:i]...), key, names))
		}
		v = v.FieldByIndex(at)
	}
	if v.Kind() == reflect.Struct {
		return fmt.Errorf("%s: %s holds %s; set one of its keys", a.source, a.name(), inner(v.Type()))
	}
	if list, ok := a.node.(*ast.SequenceNode); ok && v.Type() == reflect.TypeFor[[]Judge]() {
		return a.setJudges(list, v)
	}
	if err := decode(a.node, v); err != nil {
		return fmt.Errorf("%s: %s is %s, expected %s", a.source, a.name(), a.node, err)
	}
	return nil
}

// setJudges sets a list of judges, each from the defaults of one.
func (a assignment) setJudges(list *ast.SequenceNode, v reflect.Value) error {
	judges := make([]Judge, len(list.Values))
	for i, node := range list.Values {
		judges[i] = judgeDefaults()
		within := fmt.Sprintf("%s.%d", a.name(), i+1)
		if pairs(node) == nil {
			return fmt.Errorf("%s: %s is %s, expected keys with values: %s", a.source, within, node, inner(v.Type().Elem()))
		}
		for _, one := range assignments(node, v.Type().Elem(), nil, func(ast.Node) string { return a.source }) {
			one.within = within + "."
			if err := one.set(reflect.ValueOf(&judges[i]).Elem()); err != nil {
				return err
			}
		}
	}
	v.Set(reflect.ValueOf(judges))
	return nil
}

func inner(t reflect.Type) string {
	names, _ := keys(t)
	return strings.Join(names, ", ")
}

// suggest names the key that was meant, or those that there are.
func suggest(above []string, key string, names []string) string {
	best, distance := "", len(key)/2+1
	for _, name := range names {
		if d := spelling.Distance(key, name); d < distance {
			best, distance = name, d
		}
	}
	if best == "" {
		return "expected one of " + strings.Join(names, ", ")
	}
	return "did you mean " + strings.TrimPrefix(strings.Join(append(slices.Clone(above), best), "."), ".") + "?"
}

// decode sets v to a node's value. The error says what was expected.
func decode(node ast.Node, v reflect.Value) error {
	if n, ok := node.(*ast.StringNode); ok && v.Kind() == reflect.Float64 && n.Token.Type == token.StringType {
		x, err := strconv.ParseFloat(n.Value, 64) // 5e-7 is a text to YAML, which wants 5.0e-7
		if err != nil {
			return errors.New("a number")
		}
		v.SetFloat(x)
		return nil
	}
	var value any
	if err := yaml.NodeToValue(node, &value); err != nil {
		return err
	}
	expected := words(v.Type())
	if value == nil && (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) { // as settings.json has an empty list
		v.SetZero()
		return nil
	}
	if value == nil {
		return errors.New(expected)
	}
	if entries, ok := value.(map[string]any); ok && v.Type() == reflect.TypeFor[map[string]float64]() {
		for key, entry := range entries { // 5e-7, as above
			if text, ok := entry.(string); ok {
				if x, err := strconv.ParseFloat(text, 64); err == nil {
					entries[key] = x
				}
			}
		}
	}
	data, err := json.Marshal(value)
	if err != nil {
		return errors.New(expected)
	}
	into := reflect.New(v.Type())
	if err := json.Unmarshal(data, into.Interface()); err != nil {
		return errors.New(expected)
	}
	v.Set(into.Elem())
	return nil
}

// words say what a field holds.
func words(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list, such as [a, b]"
	}
	return "keys with values"
}

// assignments are those of a mapping, from the top down and in the order of the file.
func assignments(node ast.Node, t reflect.Type, above []string, place func(ast.Node) string) []assignment {
	var all []assignment
	for _, pair := range pairs(node) {
		path := append(slices.Clone(above), strings.Split(keyOf(pair), ".")...)
		if f := fieldType(t, path[len(above):]); f != nil && f.Kind() == reflect.Struct && pairs(pair.Value) != nil {
			all = append(all, assignments(pair.Value, f, path, place)...)
			continue
		}
		all = append(all, assignment{path: path, node: pair.Value, source: place(pair.Key)})
	}
	return all
}

// fieldType is the type of the field below a struct, nil where there is none.
func fieldType(t reflect.Type, path []string) reflect.Type {
	for _, key := range path {
		if t.Kind() != reflect.Struct {
			return nil
		}
		_, index := keys(t)
		at, known := index[key]
		if !known {
			return nil
		}
		t = t.FieldByIndex(at).Type
	}
	return t
}

// pairs are the entries of a mapping, nil where the node is none.
func pairs(node ast.Node) []*ast.MappingValueNode {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

func keyOf(pair *ast.MappingValueNode) string { return pair.Key.GetToken().Value }
