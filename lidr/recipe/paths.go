package recipe

import (
	"reflect"

	"lidrlab/lidr"
)

// Paths are those of all fields that a --set can change, such as train.beta; settings names those of lidr.Settings
// alone.
func Paths(settings bool) (all []string) {
	of := reflect.TypeFor[Recipe]()
	if settings {
		of = reflect.TypeFor[lidr.Settings]()
	}
	var walk func(t reflect.Type, above string)
	walk = func(t reflect.Type, above string) {
		names, index := keys(t)
		for _, name := range names {
			if f := t.FieldByIndex(index[name]).Type; f.Kind() == reflect.Struct {
				walk(f, above+name+".")
			} else {
				all = append(all, above+name)
			}
		}
	}
	walk(of, "")
	return all
}
