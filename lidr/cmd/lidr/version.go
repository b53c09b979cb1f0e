package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// version and commit are set by `make dist`, with -ldflags -X. In other builds they are empty, and the build's own
// record is asked.
var version, commit string

// versionText returns what `lidr --version` prints after the program's name: version, commit, Go release and platform.
func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return describe(version, commit, info)
}

// describe fills an empty version or commit from info. A version that nobody gave is "devel".
func describe(version, commit string, info *debug.BuildInfo) string {
	if version == "" {
		version = strings.Trim(info.Main.Version, "()") // Go calls a build of no version "(devel)"
	}
	if version == "" {
		version = "devel"
	}
	if commit == "" {
		commit = revision(info)
	}
	return fmt.Sprintf("%s (commit %s, %s, %s/%s)", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// revision returns the commit that go build recorded, "-dirty" behind it if files differed from it, or "unknown": go
// run and -buildvcs=false record none.
func revision(info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	revision := settings["vcs.revision"]
	switch {
	case revision == "":
		return "unknown"
	case settings["vcs.modified"] == "true":
		return revision + "-dirty"
	}
	return revision
}
