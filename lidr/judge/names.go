package judge

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"lidrlab/lidr"
)

var comparisonName = regexp.MustCompile(`^[\pL\pN_][\pL\pN_.]*-[\pL\pN_][\pL\pN_.]*$`)

// comparison is who is compared: the name "M1-M0" in its two parts.
type comparison struct{ Response, Reference string }

func parseComparison(name string) (comparison, error) {
	if !comparisonName.MatchString(name) {
		return comparison{}, fmt.Errorf("the comparison is named %q, expected a name such as M1-M0: "+
			"two names of letters, digits, _ and . with one hyphen between them", name)
	}
	response, reference, _ := strings.Cut(name, "-")
	return comparison{response, reference}, nil
}

var roundName = regexp.MustCompile(`^M[0-9]+$`)

// check is an error for a comparison of a model that the run does not have, and for one whose response goes by a name
// of the run's own files: the measure for the report goes into the folder of that name.
func (c comparison) check(run *lidr.Run) error {
	own := []string{"eval", "measures", "judged", "plots", "pairs", "model", "adapter", "store"}
	if slices.ContainsFunc(own, func(name string) bool { return strings.EqualFold(name, c.Response) }) {
		return fmt.Errorf("%s is compared, which is the name of a folder of the run's own; choose another name", c.Response)
	}
	entries, err := os.ReadDir(run.Dir)
	if err != nil {
		return err
	}
	var models []string
	for _, entry := range entries {
		if roundName.MatchString(entry.Name()) {
			models = append(models, entry.Name())
		}
	}
	if !slices.Contains(models, "M0") {
		return nil // answers and references of models that are not the run's
	}
	for _, name := range []string{c.Response, c.Reference} {
		if roundName.MatchString(name) && !slices.Contains(models, name) {
			return fmt.Errorf("%s is no model of the run in %s, which has %s", name, run.Dir, strings.Join(models, ", "))
		}
	}
	return nil
}

func (c comparison) String() string { return c.Response + "-" + c.Reference }

// path is a file of the comparison in the run folder.
func (c comparison) path(run *lidr.Run, parts ...string) string {
	return run.Path(append([]string{"judged", c.String()}, parts...)...)
}

var suiteName = regexp.MustCompile(`^[\pL\pN_][\pL\pN_.-]*$`)

// taken are the names in <model>/eval that other steps write.
var taken = []string{"problems", "translations.jsonl", "scores.json", "mtbench", "mtbench.json", "mtbench.usage.json",
	"choices", "choices.json"}

// checkSuite is an error for a suite whose name is no folder of its own.
func checkSuite(suite string) error {
	if !suiteName.MatchString(suite) {
		return fmt.Errorf("the suite is named %q, expected letters, digits, _, - and ., such as x-alpacaeval", suite)
	}
	if slices.ContainsFunc(taken, func(name string) bool { return strings.EqualFold(name, suite) }) {
		return fmt.Errorf("the suite is named %q, which is the name of another step's files; choose another name", suite)
	}
	return nil
}
