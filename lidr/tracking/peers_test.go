package tracking

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/processes"
)

// curves are what a program read back: of a run and a name, pairs of step and value.
type curves map[string]map[string][][2]float64

// trainTwice takes a training of 8 steps that is killed after the fifth and goes on from the third, and an evaluation
// of two models, past to, and returns its folder.
func trainTwice(t *testing.T, to string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "it's a run")
	var notes []string
	first := followed(t, &notes, Settings{To: []string{to}, PeakTFLOPS: 0.001})
	for n := 1; n <= 5; n++ {
		first(step(dir, n, 8))
	}
	for round := range 2 {
		scores := []eval.Score{{Model: fmt.Sprintf("M%d", round), Metric: "accuracy", Lang: "zh-Hant", Value: 0.5, SE: 0.1}}
		data, err := json.Marshal(scores)
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Join(dir, scores[0].Model, "eval")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "scores.json"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	second := followed(t, &notes, Settings{To: []string{to}, PeakTFLOPS: 0.001})
	for n := 4; n <= 8; n++ {
		second(step(dir, n, 8))
	}
	second(lidr.Event{Run: dir, Scores: []eval.Score{{}}})
	third := followed(t, &notes, Settings{To: []string{to}, PeakTFLOPS: 0.001})
	third(lidr.Event{Run: dir, Scores: []eval.Score{{}}})
	if len(notes) > 0 {
		t.Errorf("notes %q", notes)
	}
	return dir
}

// compare says by how much a program's curves differ from what was sent; a step that it lacks, or has twice, differs by
// infinity.
func (c curves) compare(t *testing.T, train, evaluation string, prefix string) float64 {
	t.Helper()
	worst := 0.0
	differ := func(run, name string, want [][2]float64) {
		if got := c[run][name]; len(got) != len(want) {
			t.Errorf("%s of %s is %v, expected %v", name, run, got, want)
			worst = math.Inf(1)
		} else {
			for i := range want {
				if got[i][0] != want[i][0] {
					worst = math.Inf(1)
				}
				worst = max(worst, math.Abs(got[i][1]-want[i][1]))
			}
		}
	}
	var losses, accuracies, uses [][2]float64
	for n := 1.0; n <= 8; n++ {
		losses = append(losses, [2]float64{n, 1 / n})
		accuracies = append(accuracies, [2]float64{n, 0.75})
		uses = append(uses, [2]float64{n, 0.25})
	}
	differ(train, prefix+"loss", losses)
	differ(train, prefix+"rewards/accuracies", accuracies)
	differ(train, "perf/padding", uses)
	if evaluation != "" {
		differ(evaluation, "eval/accuracy/zh-Hant", [][2]float64{{0, 0.5}, {1, 0.5}})
		differ(evaluation, "eval/accuracy/zh-Hant/se", [][2]float64{{0, 0.1}, {1, 0.1}})
	}
	return worst
}

// TensorBoard's own reader finds every step once, in float32.
func TestPeersTensorBoard(t *testing.T) {
	p := lidrtest.OpenPeer(t, "tracking", "tensorboard")
	dir := trainTwice(t, "tensorboard")
	var found curves
	if err := json.Unmarshal(p.Run(t, "testdata/peers/tensorboard_scalars.py", dir), &found); err != nil {
		t.Fatal(err)
	}
	p.Within(t, "curves of event files, a resumed training", found.compare(t, "M1", "evaluation", "train/"), 1e-8)
}

// trackio imports the event files of all models as they stand.
func TestPeersTrackio(t *testing.T) {
	p := lidrtest.OpenPeer(t, "tracking", "trackio")
	dir := trainTwice(t, "tensorboard")
	out := p.Run(t, "testdata/peers/trackio_import.py", filepath.Join(dir, "tracking", "tensorboard"), t.TempDir())
	var runs map[string][]map[string]any
	if err := json.Unmarshal(out, &runs); err != nil {
		t.Fatal(err)
	}
	found := curves{}
	for run, rows := range runs {
		found[run] = map[string][][2]float64{}
		for _, row := range rows {
			for name, x := range row {
				if number, ok := x.(float64); ok {
					found[run][name] = append(found[run][name], [2]float64{row["step"].(float64), number})
				}
			}
		}
	}
	p.Within(t, "imported event files, a resumed training", found.compare(t, "M1", "evaluation", "train/"), 1e-8)
}

// A real MLflow server has every step once, by its own client, under a run for the folder.
func TestPeersMLflow(t *testing.T) {
	p := lidrtest.OpenPeer(t, "tracking", "mlflow")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	folder := t.TempDir()
	server := p.Command(t, "-m", "mlflow", "server", "--port", fmt.Sprint(port), "--workers", "1",
		"--backend-store-uri", "sqlite:///"+filepath.Join(folder, "mlflow.db"), "--artifacts-destination", folder)
	server.Dir = folder
	said, err := os.Create(filepath.Join(folder, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	server.Stdout, server.Stderr = said, said
	processes.Lead(server)
	server.Cancel = func() error { return processes.End(server) }
	server.WaitDelay = 10 * time.Second
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Cancel() // it was started by this test
		_ = server.Wait()
	})
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	for tries := 0; ; tries++ { // its first answer takes long: it makes its tables and loads most of itself
		answer, err := http.Get(address + "/api/2.0/mlflow/experiments/get-by-name?experiment_name=none")
		if err == nil {
			answer.Body.Close()
			break
		}
		if tries == 1200 {
			text, _ := os.ReadFile(said.Name())
			t.Fatalf("the server does not answer: %v\n%s", err, text)
		}
		time.Sleep(time.Second / 2)
	}
	dir := trainTwice(t, "mlflow="+address)
	var runs map[string]struct {
		Metrics map[string][][2]float64
		Parent  string
		Status  string
	}
	if err := json.Unmarshal(p.Run(t, "testdata/peers/mlflow_metrics.py", address), &runs); err != nil {
		t.Fatal(err)
	}
	found := curves{}
	var names []string
	for name, run := range runs {
		found[name] = run.Metrics
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) != 2 || runs["M1"].Parent != dir || runs["M1"].Status != "FINISHED" || runs[dir].Status != "FINISHED" {
		t.Errorf("the runs are %q: %+v", names, runs)
	}
	p.Within(t, "curves on a server, a resumed training", found.compare(t, "M1", dir, ""), 0)
}
