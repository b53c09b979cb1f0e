package recipe

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"lidrlab/lidr"
	"lidrlab/lidr/input"
)

//go:embed recipes/*.yaml
var shipped embed.FS

// Names are the shipped recipes.
func Names() []string {
	entries, err := shipped.ReadDir("recipes")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	var names []string
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".yaml"))
	}
	return names
}

// Load reads a recipe: a shipped one by its name, a preset by its name, or a YAML file. A run's settings.json is one
// too, where its model is set. Each of sets changes a field by its path after that, "train.beta=0.2", with a value in
// YAML. An unknown key is an error with its line and the key that was meant; settings that cannot work together are one
// when the recipe runs.
func Load(nameOrFile string, sets ...string) (Recipe, error) {
	r, _, err := load(nameOrFile, sets)
	return r, err
}

// load is [Load], and says where the value of each field that is not the preset's is written.
func load(nameOrFile string, sets []string) (Recipe, map[string]string, error) {
	data, file, err := read(nameOrFile)
	if err != nil {
		return Recipe{}, nil, err
	}
	all, err := parse(data, func(n ast.Node) string { return fmt.Sprintf("%s:%d", file, n.GetToken().Position.Line) })
	if err != nil {
		return Recipe{}, nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, set := range sets {
		a, err := parseSet(set)
		if err != nil {
			return Recipe{}, nil, err
		}
		all = append(all, a)
	}
	r, sources, err := build(all, file)
	r.Name = strings.TrimSuffix(filepath.Base(nameOrFile), filepath.Ext(nameOrFile))
	return r, sources, err
}

// read returns a recipe's text and the name that errors call it by.
func read(nameOrFile string) (data []byte, file string, err error) {
	if slices.Contains(Names(), nameOrFile) {
		data, err := shipped.ReadFile("recipes/" + nameOrFile + ".yaml")
		return data, nameOrFile + ".yaml", err
	}
	if _, err := presetOf(nameOrFile); err == nil {
		return []byte("preset: " + nameOrFile), nameOrFile, nil
	}
	data, err = input.ReadFile(nameOrFile)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%q is neither a file nor a shipped recipe; %s", nameOrFile, suggest(nil, nameOrFile, Names()))
	}
	return data, nameOrFile, err
}

// build applies assignments in their order to the preset that the last of them names.
func build(all []assignment, file string) (Recipe, map[string]string, error) {
	preset, where := "paper", file
	for _, a := range all {
		if a.name() == "preset" {
			preset, where = fmt.Sprint(a.node.GetToken().Value), a.source
		}
	}
	s, err := presetOf(preset)
	if err != nil {
		return Recipe{}, nil, fmt.Errorf("%s: %w", where, err)
	}
	r := defaults(s)
	sources := map[string]string{"preset": where}
	for _, a := range all {
		if err := a.set(reflect.ValueOf(&r).Elem()); err != nil {
			return Recipe{}, nil, err
		}
		sources[a.name()] = a.source
	}
	r.Settings.Preset = fromRecipe + s.Preset
	if strings.Contains(preset, ", from ") || filepath.Base(file) == settingsFile {
		r.Settings.Preset = preset
	}
	return r, sources, nil
}

// fromRecipe is before the preset's name in the settings of a run, which are no longer the preset's.
const fromRecipe = "recipe, from "

// settingsFile has the settings of a run as they are, under whatever name.
const settingsFile = "settings.json"

// presetOf returns a preset by its name, or by the name that a run's settings give it.
func presetOf(name string) (lidr.Settings, error) {
	_, from, found := strings.Cut(name, ", from ")
	if !found {
		from = name
	}
	switch from {
	case "paper":
		return lidr.PaperSettings(), nil
	case miniature:
		return lidr.MiniatureSettings(), nil
	}
	return lidr.Settings{}, fmt.Errorf("preset is %q, expected paper or miniature", name)
}

// parse reads the assignments of a YAML file, which is one mapping.
func parse(data []byte, place func(ast.Node) string) ([]assignment, error) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, errors.New(firstLine(err))
	}
	if len(file.Docs) != 1 || pairs(file.Docs[0].Body) == nil {
		return nil, errors.New("expected keys with values, as in \"preset: paper\"")
	}
	return assignments(file.Docs[0].Body, reflect.TypeFor[Recipe](), nil, place), nil
}

// firstLine is an error of the parser without its drawing of the place: "[2:1] mapping key …".
func firstLine(err error) string {
	text, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	return text
}

// parseSet reads PATH=VALUE.
func parseSet(set string) (assignment, error) {
	path, value, found := strings.Cut(set, "=")
	source := "--set " + set
	if !found || path == "" {
		return assignment{}, fmt.Errorf("%s: expected PATH=VALUE, such as train.beta=0.2", source)
	}
	file, err := parser.ParseBytes([]byte("value: "+value), 0)
	if err != nil {
		return assignment{}, fmt.Errorf("%s: %s; quote the value as in YAML", source, firstLine(err))
	}
	entries := pairs(file.Docs[0].Body)
	if len(entries) != 1 {
		return assignment{}, fmt.Errorf("%s: expected one value; quote it as in YAML", source)
	}
	return assignment{path: strings.Split(path, "."), node: entries[0].Value, source: source}, nil
}

// set changes a field by its path.
func (r *Recipe) set(source, path string, value any) error {
	a, err := parseSet(path + "=" + scalar(reflect.ValueOf(value)))
	if err != nil {
		return err
	}
	a.source = source
	return a.set(reflect.ValueOf(r).Elem())
}

// Change returns settings with fields changed by their paths, as [Load] changes a recipe's: "train.beta=0.2".
func Change(s lidr.Settings, sets ...string) (lidr.Settings, error) {
	for _, set := range sets {
		a, err := parseSet(set)
		if err != nil {
			return s, err
		}
		if err := a.set(reflect.ValueOf(&s).Elem()); err != nil {
			return s, err
		}
	}
	return s, nil
}
