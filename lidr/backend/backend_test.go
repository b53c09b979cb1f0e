package backend

import (
	"errors"
	"strings"
	"testing"
)

func TestOpen(t *testing.T) {
	for env, want := range map[string]string{"": "cpu", "go": "go", "cpu": "cpu"} {
		t.Setenv(EnvVar, env)
		b, err := Open("")
		if err != nil {
			t.Fatal(err)
		}
		if Name(b) != want {
			t.Errorf("%s=%s opened %s, expected %s", EnvVar, env, Name(b), want)
		}
	}
	for _, name := range []string{"nosuch", "nosuch:option", "go:nosuchoption"} {
		_, err := Open(name)
		if err == nil || !strings.Contains(err.Error(), "nosuch") {
			t.Errorf("Open(%q) gave error %v, expected one that names it", name, err)
		}
	}
	if _, err := Open("xla:cuda"); !errors.Is(err, ErrNotLinked) || !strings.Contains(err.Error(), "xla:cuda") {
		t.Errorf("Open(xla:cuda) in a program without XLA gave error %v, expected one that says how to link it", err)
	}
	t.Setenv(EnvVar, "nosuch")
	if _, err := Open(""); err == nil || !strings.Contains(err.Error(), "one of") || !strings.Contains(err.Error(), "go") {
		t.Errorf("unknown backend gave error %v, expected one that lists the known", err)
	}
}
