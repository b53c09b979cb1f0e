package main

import (
	"fmt"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lidr": main})
}

// The scripts in testdata/script are sessions at a shell: commands, and what they must print.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Condition: func(name string) (bool, error) {
		if name != "race" {
			return false, fmt.Errorf("unknown condition %q", name)
		}
		return raceDetector, nil
	}})
}

var raceDetector bool // set where the tests are built with it
