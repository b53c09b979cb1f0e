package script

import (
	"fmt"
	"go/token"
	"regexp"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"lidrlab/lidr/script/lower"
	"lidrlab/lidr/script/value"
)

// crashMark begins what the script's process writes of a panic of the script, for its parent.
const crashMark = "script panicked: "

// The interpreter writes one such line for each call that a panic unwinds, innermost first.
var unwound = regexp.MustCompile(`(?m)^\S+: panic: \S*\.(\w+)\(\.\.\.\)$`)

// crashText says where in the script it panicked, why, and by which calls it came there.
func crashText(program *lower.Program, machine *value.Machine, r any) string {
	text, where, trace := machine.Crash(r)
	var calls []string
	last := ""
	for _, match := range unwound.FindAllStringSubmatch(trace, -1) {
		name := program.Names[match[1]]
		if name == "" || name == "init" {
			continue
		}
		line := "\n\tin " + name
		if sites := program.Calls[[2]string{match[1], last}]; len(sites) > 0 {
			line += " at " + places(machine, sites)
		}
		last = match[1]
		calls = append(calls, line)
	}
	if where != "" {
		where += ": "
	}
	if strings.Contains(text, "nil pointer dereference") {
		text += " (a pointer, a map of functions or an interface that was never set is used here)"
	}
	if len(calls) > 12 {
		calls = slices.Concat(calls[:6], []string{fmt.Sprintf("\n\t… %d more", len(calls)-12)}, calls[len(calls)-6:])
	}
	return where + "panic: " + text + strings.Join(calls, "")
}

// places lists the lines of positions.
func places(machine *value.Machine, sites []token.Pos) string {
	var lines []string
	for _, site := range sites {
		position := machine.Where(int(site))
		line := position[:strings.LastIndex(position, ":")]
		if len(lines) > 0 {
			line = "line " + line[strings.LastIndex(line, ":")+1:]
		}
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " or ")
}

// The first line of what Go's runtime writes when a program crashes.
var crashReason = regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*)$`)

// crashMessage makes of what a crashed process wrote where in the script it crashed, and why.
func crashMessage(path, dump string, memory uint64) string {
	if strings.Contains(dump, "out of memory") || strings.Contains(dump, "cannot allocate memory") {
		return fmt.Sprintf("%s: needs more than the %s of memory that it may take; "+
			"make the work smaller, or allow more with --memory", path, humanize.IBytes(memory))
	}
	if _, text, ok := strings.Cut(dump, crashMark); ok {
		if strings.Contains(text, "permission denied") {
			text += "\n" + accessHint
		}
		return text
	}
	reason := crashReason.FindString(dump)
	switch {
	case reason == "":
		return path + ": its process wrote: " + strings.Join(strings.Fields(dump), " ")
	case strings.Contains(dump, "stack exceeds") || strings.Contains(reason, "stack overflow"):
		return path + ": " + reason + ": a function calls itself without end"
	}
	return path + ": " + reason + "; go run shows where"
}
