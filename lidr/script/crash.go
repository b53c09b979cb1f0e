package script

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/dustin/go-humanize"
)

// The interpreter writes one such line for each call that a panic unwinds, innermost first.
var panicPosition = regexp.MustCompile(`(?m)^(.+:\d+:\d+): panic: \S*\(\.\.\.\)$`)

// The first line of what Go's runtime writes when a program crashes.
var crashReason = regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*)$`)

// crashMessage makes one line of a crash: where in the script, and why.
func crashMessage(dump string, memory uint64) string {
	if strings.Contains(dump, "out of memory") || strings.Contains(dump, "cannot allocate memory") {
		return fmt.Sprintf("needs more than the %s of memory that it may take; "+
			"make the work smaller, or allow more with --memory", humanize.IBytes(memory))
	}
	position := panicPosition.FindStringSubmatch(dump)
	dump = panicPosition.ReplaceAllString(dump, "")
	reason := crashReason.FindString(dump)
	switch {
	case reason == "":
		return "its process wrote: " + strings.Join(strings.Fields(dump), " ")
	case position == nil:
		return reason + "; go run shows where"
	}
	reason, _, _ = strings.Cut(reason, " [recovered")
	if strings.Contains(reason, "permission denied") {
		reason += "\n" + accessHint
	}
	return position[1] + ": " + reason
}
