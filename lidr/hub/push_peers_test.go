package hub

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr/lidrtest"
)

// TestPeersPush compares the requests of a push with those of huggingface_hub, which sends the same folder to the same
// hub: method, address, and body up to the order of files.
func TestPeersPush(t *testing.T) {
	peer := lidrtest.OpenPeer(t, "training", "huggingface_hub")
	total, differing := 0, 0
	for _, kind := range []string{"model", "dataset", "space"} {
		ours, theirs := newPushHub(t), newPushHub(t) // HF_ENDPOINT is now the second
		u := modelFolder(t)
		u.Kind = kind
		peer.Run(t, "testdata/peers/push.py", kind, u.Name.Repo, filepath.Dir(u.Files[0].File))
		t.Setenv("HF_ENDPOINT", ours.hub.URL)
		if _, err := Push(t.Context(), u, agreed, silent); err != nil {
			t.Fatal(err)
		}
		ours.holds(t, kind+"s/"+u.Name.Repo, u)
		theirs.holds(t, kind+"s/"+u.Name.Repo, u)
		want, got := normal(t, theirs), normal(t, ours)
		delete(got, "GET /api/"+kind+"s/"+u.Name.Repo) // before anything is agreed to

		if checked := "POST /api/validate-yaml"; want[checked] != "" { // by it twice: also before it hashes the files
			before, after, _ := strings.Cut(want[checked], "}{")
			if want[checked] = before + "}"; "{"+after != want[checked] {
				t.Errorf("huggingface_hub lets %s and {%s be checked", want[checked], after)
			}
		}
		total += len(want)
		if diff := cmp.Diff(want, got); diff != "" {
			differing++
			t.Errorf("%s (-huggingface_hub, +ours):\n%s", kind, diff)
		}
	}
	peer.Within(t, "requests of a push of 7 files to a hub made for the test, as a model, a data set and a page: kinds "+
		"that differ", float64(differing), 0)
	if total < 30 {
		t.Errorf("%d requests were compared", total)
	}
}

// normal returns the bodies of the requests, with lists in the order of their JSON.
func normal(t *testing.T, f *pushHub) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, a := range f.asked {
		var lines []string
		for _, line := range a.Body {
			if fields, ok := line.(map[string]any); ok {
				for _, list := range []string{"files", "objects"} {
					if values, ok := fields[list].([]any); ok {
						slices.SortFunc(values, func(a, b any) int { return strings.Compare(encoded(t, a), encoded(t, b)) })
					}
				}
			}
			lines = append(lines, encoded(t, line))
		}
		slices.Sort(lines)
		out[a.Request] += strings.Join(lines, "\n")
	}
	return out
}

func encoded(t *testing.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
