package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe-core (Deque Systems) finds nothing on any page, in light and dark: names, roles, contrast, structure. It is no
// whole test of accessibility: about half of the defects that its authors know can be found by a program.
func TestAxe(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(root, "bin", "npm-axe", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Skip("no axe-core: make test-browser installs it, where there is npm")
	}
	b := open(t)
	address := serve(t, "--rate", "--rater", "tester", writeRun(t))
	type finding struct{ ID, Help, Nodes string }
	for _, name := range []string{"run", "verdicts", "searched", "leaderboard", "rate", "refused"} {
		b.look(address + pages[name])
		b.do(chromedp.Evaluate[chromedp.Void](string(script)))
		for _, m := range []medium{media[0], media[3]} {
			b.as(m)
			found := eval[[]finding](b, `axe.run(document).then((r) => r.violations.map((v) => ({ID: v.id, Help: v.help, `+
				`Nodes: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join("\n")})))`)
			for _, f := range found {
				t.Errorf("%s at %s: %s: %s\n%s", name, m.name, f.ID, f.Help, strings.TrimSpace(f.Nodes))
			}
		}
	}
}
