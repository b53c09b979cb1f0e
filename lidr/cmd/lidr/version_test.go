package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestDescribe(t *testing.T) {
	platform := fmt.Sprintf("%s, %s/%s)", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	stamped := &debug.BuildInfo{
		Main: debug.Module{Version: "v1.4.0"},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "5e0fd1a4"},
			{Key: "vcs.modified", Value: "true"},
		},
	}
	clean := &debug.BuildInfo{
		Main:     debug.Module{Version: "(devel)"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "5e0fd1a4"}, {Key: "vcs.modified", Value: "false"}},
	}
	for _, test := range []struct {
		version, commit string
		info            *debug.BuildInfo
		want            string
	}{
		{"v1.5.0-3-gabc", "abc-dirty", stamped, "v1.5.0-3-gabc (commit abc-dirty, "},
		{"", "", stamped, "v1.4.0 (commit 5e0fd1a4-dirty, "},
		{"", "", clean, "devel (commit 5e0fd1a4, "},
		{"", "", &debug.BuildInfo{}, "devel (commit unknown, "},
	} {
		if got := describe(test.version, test.commit, test.info); got != test.want+platform {
			t.Errorf("describe(%q, %q) = %q, expected %q", test.version, test.commit, got, test.want+platform)
		}
	}
}
