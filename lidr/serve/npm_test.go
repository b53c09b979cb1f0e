package serve

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// OpenAI's JavaScript client. LIDR_NODE_MODULES is the node_modules folder that make test-serve-npm installs it in.
func TestOpenAIClientOnNPM(t *testing.T) {
	modules := os.Getenv("LIDR_NODE_MODULES")
	if modules == "" {
		t.Skip("make test-serve-npm runs this")
	}
	script, err := os.ReadFile("testdata/npm/client.mjs")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() // node looks for modules beside the script
	if err := os.WriteFile(filepath.Join(dir, "client.mjs"), script, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	client := exec.CommandContext(t.Context(), "node", filepath.Join(dir, "client.mjs"), start(t, Options{}).url+"/v1")
	said, err := client.CombinedOutput()
	t.Logf("%s", said)
	if err != nil {
		t.Fatal(err)
	}
}
