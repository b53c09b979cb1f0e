package remote

import (
	"regexp"
	"slices"
	"strings"
)

// snapshot is what a server adds to a model's name for the weights behind it: a date, or a number such as 002.
var snapshot = regexp.MustCompile(`^[-@.](\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{4}|0\d\d)$`)

// otherModel returns the name of the model that a response is by, "" if it is one of those by which ours goes or the
// response names none.
func (m *Model) otherModel(answered string) string {
	if answered == "" || answered == m.identity.ID {
		return ""
	}
	for _, ours := range append([]string{m.identity.ID, m.identity.Root, m.options.Model}, m.options.Aliases...) {
		if ours != "" && sameModel(ours, answered) {
			return ""
		}
	}
	return shorten(m.redact(answered))
}

// sameModel reports whether two names are of one model: equal but for letter case, the folder or owner that one of them
// leaves out, a file's ending, the tag latest, or the date of a snapshot.
func sameModel(a, b string) bool {
	x, y := nameParts(a), nameParts(b)
	if len(x) == 2 && len(y) == 2 && x[0] != y[0] { // org/model, of two owners
		return false
	}
	a, b = x[len(x)-1], y[len(y)-1]
	if a == b {
		return true
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	rest, longer := strings.CutPrefix(b, a)
	return longer && (snapshot.MatchString(rest) || strings.HasPrefix(rest, ":") && slices.Contains(variants, rest[1:]))
}

// variants are OpenRouter's ways of serving one model.
var variants = []string{"free", "nitro", "floor", "exacto", "online", "extended", "beta"}

// nameParts returns a model's name in small letters, cut at slashes; a path on a disk is cut to its last part.
func nameParts(name string) []string {
	name = strings.ToLower(strings.TrimRight(strings.ReplaceAll(strings.TrimSpace(name), `\`, "/"), "/"))
	for _, ending := range []string{".gguf", ":latest", "-latest"} {
		name = strings.TrimSuffix(name, ending)
	}
	parts := strings.Split(strings.TrimPrefix(name, "models/"), "/") // models/ is Gemini's
	if len(parts) != 2 || parts[0] == "" || parts[0] == "." || parts[0] == ".." {
		return parts[len(parts)-1:]
	}
	return parts
}
