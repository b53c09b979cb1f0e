package recipe

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr"
	"lidrlab/lidr/langid"
)

// leaves calls f with the path and the value of every field below v that holds no other fields.
func leaves(v reflect.Value, path string, f func(path string, v reflect.Value)) {
	if v.Kind() != reflect.Struct {
		f(strings.TrimPrefix(path, "."), v)
		return
	}
	names, index := keys(v.Type())
	for _, name := range names {
		leaves(v.FieldByIndex(index[name]), path+"."+name, f)
	}
}

// another is a value of v's type that is not v.
func another(t *testing.T, v reflect.Value) reflect.Value {
	t.Helper()
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(v.String() + "x: {y}\n#\"\\")
	case reflect.Bool:
		out.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		out.SetInt(v.Int() + 3)
	case reflect.Float64:
		out.SetFloat(v.Float() + 1e-7)
	case reflect.Slice:
		out.Set(reflect.Append(v, another(t, reflect.New(v.Type().Elem()).Elem())))
	case reflect.Map:
		out.Set(reflect.MakeMap(v.Type()))
		out.SetMapIndex(reflect.ValueOf("a"), another(t, reflect.New(v.Type().Elem()).Elem()))
	case reflect.Interface:
		out.Set(reflect.ValueOf("some"))
	case reflect.Struct:
		leaves(v, "", func(path string, field reflect.Value) { field.Set(another(t, field)) })
		out.Set(v)
	default:
		t.Fatalf("no other value of %s", v.Type())
	}
	return out
}

// lines are those of a text that are not in another one.
func lines(text, without string) (own []string) {
	for line := range strings.Lines(text) {
		if !strings.Contains("\n"+without, "\n"+line) {
			own = append(own, line)
		}
	}
	return own
}

// Every field of a recipe, whatever it holds, is written and read back, and changes nothing but its own line.
func TestEveryFieldIsWrittenAndRead(t *testing.T) {
	base, err := Load(miniature)
	if err != nil {
		t.Fatal(err)
	}
	n, before := 0, base.YAML()
	leaves(reflect.ValueOf(&base).Elem(), "", func(path string, v reflect.Value) {
		if path == "preset" { // which changes all others
			return
		}
		n++
		changed := base
		changed.Panel = nil
		key := assignment{path: strings.Split(path, ".")}
		at := reflect.ValueOf(&changed).Elem()
		for _, name := range key.path {
			_, index := keys(at.Type())
			at = at.FieldByIndex(index[name])
		}
		at.Set(another(t, v))
		text := changed.YAML()
		again, err := Load(write(t, base.Name+".yaml", text))
		if diff := cmp.Diff(changed, again); err != nil || diff != "" {
			t.Errorf("%s: error %v, back from its file it differs: %s", path, err, diff)
		}
		if own := lines(text, before); v.Kind() != reflect.Map && len(own) != 1 {
			t.Errorf("%s changes %d lines of the recipe: %q", path, len(own), own)
		}
	})
	if n < 150 {
		t.Errorf("%d fields were found, expected all", n)
	}
}

// valid are other values of the settings that take only some, with what they need in both recipes.
var valid = map[string]struct{ set, with string }{
	"dominant":                   {set: "it", with: "unseen=[]"},
	"trained":                    {set: "[es]"},
	"unseen":                     {set: "[sw]"},
	"prompts.source":             {set: "."},
	"evaluate.source":            {set: "."},
	"generate.samples":           {set: "3", with: "generate.sampling.temperature=0.5"},
	"evaluate.samples":           {set: "3", with: "generate.sampling.temperature=0.5"},
	"pairs.mode":                 {set: "released"},
	"pairs.max_length_ratio":     {set: "2.5"},
	"pairs.max_copied":           {set: "0.15"},
	"pairs.keep_faulty":          {set: `["cut by its length"]`},
	"train.objective":            {set: "sft"},
	"train.loss":                 {set: "ipo"},
	"train.gamma":                {set: "0.3", with: "train.loss=simpo"},
	"train.nll":                  {set: "token"},
	"train.schedule":             {set: "linear", with: "train.final_lr=0"},
	"train.order":                {set: "given"},
	"train.moments":              {set: "8bit"},
	"train.labels":               {set: "random"},
	"train.cut":                  {set: "trl"},
	"train.language_temperature": {set: "2"},
	"train.curriculum":           {set: "margin", with: "train.order=given"},
	"train.lora.rank":            {set: "8", with: "train.lora.rank=4; train.lora.alpha=8"},
	"train.lora.alpha":           {set: "16", with: "train.lora.rank=4; train.lora.alpha=8"},
	"train.lora.targets":         {set: "[q_proj]", with: "train.lora.rank=4; train.lora.alpha=8"},
	"train.dtype":                {set: "bfloat16", with: "train.lora.rank=4; train.lora.alpha=8"},
	"train.products":             {set: "bfloat16", with: "train.dtype=bfloat16; train.lora.rank=4; train.lora.alpha=8"},
	"evaluate.shots":             {set: "3", with: "evaluate.shots=1; evaluate.exemplars=."},
	"evaluate.exemplars":         {set: "..", with: "evaluate.shots=1; evaluate.exemplars=."},
	"evaluate.identifier":        {set: "another"},
}

// Two recipes that differ in one field are two run.json that differ in it alone, for every field of the settings.
func TestEveryFieldDiffersAlone(t *testing.T) {
	run := func(t *testing.T, sets ...string) (map[string]any, error) {
		r, err := Load(miniature, sets...)
		if err != nil {
			t.Fatal(err)
		}
		run, err := open(r, filepath.Join(t.TempDir(), "run"), nil)
		if err != nil {
			return nil, err
		}
		defer run.Close()
		var record map[string]any
		if err := json.Unmarshal([]byte(readFile(t, run.Path("run.json"))), &record); err != nil {
			t.Fatal(err)
		}
		delete(record, "sha256")
		return record, nil
	}
	langid.Register("another", langid.Default())
	settings, bases := lidr.MiniatureSettings(), map[string]map[string]any{} // by what is set beside
	leaves(reflect.ValueOf(&settings).Elem(), "", func(path string, v reflect.Value) {
		if path == "preset" {
			return
		}
		value, with := scalar(another(t, v)), []string(nil)
		if other, ok := valid[path]; ok {
			value = other.set
			if other.with != "" {
				with = strings.Split(other.with, "; ")
			}
		}
		before, known := bases[valid[path].with]
		if !known {
			var err error
			if before, err = run(t, with...); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			bases[valid[path].with] = before
		}
		after, err := run(t, append(with, path+"="+value)...)
		if err != nil {
			t.Errorf("%s: %v; give a valid value in the test's table", path, err)
			return
		}
		var differ []string
		differences(&differ, "", before, after)
		if len(differ) != 1 || differ[0] != "settings."+path {
			t.Errorf("a change of %s changes %v of run.json", path, differ)
		}
	})
}

// differences lists the paths of the values in which two JSON objects differ; a field that is left out has its zero
// value.
func differences(differ *[]string, path string, a, b any) {
	left, isMap := a.(map[string]any)
	right, _ := b.(map[string]any)
	if !isMap && right == nil {
		if fmt.Sprint(a) != fmt.Sprint(b) {
			*differ = append(*differ, strings.TrimPrefix(path, "."))
		}
		return
	}
	all := map[string]bool{}
	for key := range left {
		all[key] = true
	}
	for key := range right {
		all[key] = true
	}
	for _, key := range sortedKeys(all) {
		differences(differ, path+"."+key, left[key], right[key])
	}
}
