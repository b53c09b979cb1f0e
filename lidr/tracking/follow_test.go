package tracking

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"

	"lidrlab/lidr"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/lidrtest"
)

// step is a training's event with loss 1/n.
func step(dir string, n, total int) lidr.Event {
	return lidr.Event{
		Run: dir, Step: "M0 train", Done: n, Total: total, Unit: "steps", Ended: n == total, Parameters: 1000,
		Elapsed: time.Duration(n) * time.Second,
		Training: &dpo.Step{Step: n, Loss: 1 / float64(n), NLL: 2, RewardsChosen: 0.5, RewardsAccuracies: 0.75,
			LogpsChosen: -3, LogpsRejected: -4, GradNorm: 1, LR: 1e-4, Tokens: 600, Positions: 500, Padding: 0.25},
	}
}

// followed starts to follow with settings, as a process would; the notes are kept.
func followed(t *testing.T, notes *[]string, s Settings) lidr.Progress {
	t.Helper()
	report, err := Follow(func(e lidr.Event) {
		if e.Note != "" {
			*notes = append(*notes, e.Note)
		}
	}, s)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// stepsOf are the steps of an event file.
func stepsOf(t *testing.T, path string) (steps []int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for end := range len(data) + 1 {
		last, whole, err := readEvents(bytes.NewReader(data[:end]))
		if err != nil {
			t.Fatal(err)
		}
		if int(whole) == end && last >= 0 {
			steps = append(steps, last)
		}
	}
	return steps
}

// pointsOf are the points of an event file, decoded by the protocol's own reader.
func pointsOf(t *testing.T, path string) (points []point) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for len(data) > 0 {
		n := 12 + binary.LittleEndian.Uint64(data)
		p := point{}
		fields(data[12:n], func(number protowire.Number, x uint64, text []byte) {
			switch number {
			case eventStep:
				p.step = int(x)
			case eventSummary:
				fields(text, func(_ protowire.Number, _ uint64, one []byte) {
					var v value
					fields(one, func(number protowire.Number, x uint64, text []byte) {
						if number == valueTag {
							v.name = string(text)
						} else {
							v.x = float64(math.Float32frombits(uint32(x)))
						}
					})
					p.values = append(p.values, v)
				})
			}
		})
		if len(p.values) > 0 {
			points = append(points, p)
		}
		data = data[n+4:]
	}
	return points
}

// fields calls see with each field of a message.
func fields(message []byte, see func(number protowire.Number, x uint64, text []byte)) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		message = message[n:]
		var x uint64
		var short uint32
		var text []byte
		switch kind {
		case protowire.VarintType:
			x, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			x, n = protowire.ConsumeFixed64(message)
		case protowire.Fixed32Type:
			short, n = protowire.ConsumeFixed32(message)
			x = uint64(short)
		default:
			text, n = protowire.ConsumeBytes(message)
		}
		message = message[n:]
		see(number, x, text)
	}
}

// namesOf are the names of a point's values.
func namesOf(p point) (names []string) {
	for _, v := range p.values {
		names = append(names, v.name)
	}
	return names
}

func eventsOf(dir, curve string) string {
	return filepath.Join(dir, "tracking", "tensorboard", curve, "events.out.tfevents.0.lidr")
}

var files = Settings{To: []string{"tensorboard"}, PeakTFLOPS: 0.001}

// A training that is killed after step 5, and continues from its state of step 3, has each step once, as has one that
// is tracked again when it is done; another training of the same model is another curve.
func TestStepsAreSentOnce(t *testing.T) {
	dir := t.TempDir()
	var notes []string
	first := followed(t, &notes, files)
	for n := 1; n <= 5; n++ {
		first(step(dir, n, 8))
	}
	events := eventsOf(dir, "M1")
	file, err := os.OpenFile(events, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(appendRecord(nil, []byte("torn"))[:13]); err != nil {
		t.Fatal(err)
	}
	file.Close()
	second := followed(t, &notes, files)
	for n := 4; n <= 8; n++ {
		second(step(dir, n, 8))
	}
	third := followed(t, &notes, files)
	third(step(dir, 8, 8))
	if got := stepsOf(t, events); !slices.Equal(got, []int{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("the event file has steps %v", got)
	}
	want := []string{"train/loss", "train/grad_norm", "train/learning_rate", "train/nll_loss", "train/logps/chosen",
		"train/dpo_loss", "train/rewards/chosen", "train/rewards/rejected", "train/rewards/margins",
		"train/rewards/accuracies", "train/rewards/identical", "train/logps/rejected", "perf/padding", "perf/seconds",
		"perf/tokens_per_second", "perf/mfu"}
	if diff := cmp.Diff(want, namesOf(pointsOf(t, events)[7])[:len(want)]); diff != "" {
		t.Error(diff)
	}
	other := followed(t, &notes, files)
	e := step(dir, 1, 8)
	e.Training.Loss = 0.9
	other(e)
	e = step(dir, 2, 8)
	e.Training.Loss, e.Ended = 0.8, true
	other(e)
	again := pointsOf(t, eventsOf(dir, "M1-2"))
	// 6·1000 parameters·500 positions in 1 s, of 10⁹ operations a second.
	if len(again) != 2 || again[1].values[0].x != float64(float32(0.8)) ||
		!slices.Contains(again[1].values, value{"perf/mfu", float64(float32(0.003))}) {
		t.Errorf("the second training is %v", again)
	}
	if got := stepsOf(t, events); len(got) != 8 || len(notes) > 0 {
		t.Errorf("steps %v, notes %q", got, notes)
	}
}

// A whole run is tracked as it is untracked, and one that is done is tracked from its files; its bytes are the same.
func TestRunIsTracked(t *testing.T) {
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	s := lidr.MiniatureSettings().Tiny()
	s.Rounds, s.Trained, s.Unseen = 1, []string{"de"}, nil
	root := t.TempDir()
	iterate := func(dir string, options ...lidr.Option) {
		run, err := lidr.Open(filepath.Join(root, dir), s, options...)
		if err != nil {
			t.Fatal(err)
		}
		defer run.Close()
		if _, _, err := lidr.Iterate(t.Context(), run, m0); err != nil {
			t.Fatal(err)
		}
	}
	var notes []string
	iterate("tracked", lidr.WithProgress(followed(t, &notes, files)))
	iterate("plain")
	plain, tracked := lidrtest.Hashes(t, filepath.Join(root, "plain")), lidrtest.Hashes(t, filepath.Join(root, "tracked"))
	for name := range tracked {
		if strings.HasPrefix(name, "tracking") {
			delete(tracked, name)
		}
	}
	if diff := cmp.Diff(plain, tracked); diff != "" {
		t.Errorf("tracking changed the run: %s", diff)
	}
	iterate("plain", lidr.WithProgress(followed(t, &notes, files))) // it is done: all comes from its files
	points := func(dir, curve string) []point { return pointsOf(t, eventsOf(filepath.Join(root, dir), curve)) }
	live, late := points("tracked", "M1"), points("plain", "M1")
	for i := range late {
		known := late[i].values
		if len(live) != len(late) || len(known) < 10 || !slices.Equal(known, live[i].values[:len(known)]) ||
			len(known) >= len(live[i].values) {
			t.Errorf("tracked late, step %d is %v, and %v when it was taken", i+1, late[i], live[i])
		}
	}
	rounds := points("tracked", "evaluation")
	if len(rounds) != 2 || rounds[0].step != 0 || !slices.Contains(namesOf(rounds[0]), "eval/accuracy/de/se") ||
		len(notes) > 0 {
		t.Errorf("the evaluations are %v, the notes %q", rounds, notes)
	}
}

// A program that is not there, or answers nonsense, or fails in the middle, stops nothing: it is named once, and
// counted at the end.
func TestFailingProgramStopsNothing(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"nobody":   nil,
		"nonsense": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"refuses": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error_code": "PERMISSION_DENIED", "message": "not\nyou"}`, http.StatusForbidden)
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			if answer == nil {
				server.Close()
			}
			defer server.Close()
			dir := t.TempDir()
			var notes []string
			report := followed(t, &notes, Settings{To: []string{"mlflow=" + server.URL, "tensorboard"}})
			for n := 1; n <= 3; n++ {
				report(step(dir, n, 3))
			}
			first := "tracking: mlflow at " + server.URL + " does not take the curves of "
			if len(notes) != 2 || !strings.HasPrefix(notes[0], first) ||
				!strings.Contains(notes[1], "still lacks curves of "+dir+", after 2 attempts: ") ||
				strings.Contains(notes[1], "\n") {
				t.Errorf("the notes are %q", notes)
			}
			if got := stepsOf(t, eventsOf(dir, "M1")); len(got) != 3 {
				t.Errorf("tensorboard has steps %v", got)
			}
		})
	}
}

// A damaged event file is named and left as it is.
func TestDamagedEvents(t *testing.T) {
	dir := t.TempDir()
	var notes []string
	followed(t, &notes, files)(step(dir, 1, 1))
	events := eventsOf(dir, "M1")
	data, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-10] ^= 1
	if err := os.WriteFile(events, data, 0o644); err != nil {
		t.Fatal(err)
	}
	followed(t, &notes, files)(step(dir, 2, 3))
	now, err := os.ReadFile(events)
	if err != nil || !bytes.Equal(now, data) || len(notes) != 1 || !strings.Contains(notes[0], "damaged") ||
		!strings.Contains(notes[0], events) {
		t.Errorf("%v; the notes are %q", err, notes)
	}
}

// What a program has not logged is no number of a curve.
func TestUnknownIsNone(t *testing.T) {
	values := ofStep(dpo.Step{Step: 1, Loss: 0.5, NLL: math.NaN(), GradNorm: math.Inf(1), LogpsChosen: -2, LR: 1e-3})
	want := []value{{"loss", 0.5}, {"learning_rate", 1e-3}, {"logps/chosen", -2}}
	if !slices.Equal(values, want) {
		t.Errorf("the values are %v, expected %v", values, want)
	}
}

func TestSettings(t *testing.T) {
	t.Setenv("MLFLOW_TRACKING_URI", "")
	for to, want := range map[string]string{
		"wandb": `names "wandb", expected tensorboard, whose`, "mlflow": `mlflow is none of http or https`,
		"mlflow=ftp://me:secret@x": `mlflow is none of http or https`, "tensorboard=x": "expected tensorboard",
		"http://me:secret@x": `names "http", expected`, "mlflow=me:secret@x:5000": "expected one such as mlflow=http",
	} {
		if err := (Settings{To: []string{to}}).Validate(); err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", to, err)
		}
	}
	if err := (Settings{To: []string{"tensorboard", "tensorboard"}}).Validate(); err == nil {
		t.Error("tensorboard was taken twice")
	}
	for _, peak := range []float64{-1, math.NaN(), math.Inf(1)} { // what JSON cannot hold would end each step's record
		if err := (Settings{PeakTFLOPS: peak}).Validate(); err == nil {
			t.Errorf("peak_tflops %g was taken", peak)
		}
	}
	if name := newMLflow("http://me:secret@x").name(); name != "mlflow at http://me:xxxxx@x" {
		t.Errorf("the notes name %s", name)
	}
	t.Setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000/")
	if err := (Settings{To: []string{"mlflow", "tensorboard"}}).Validate(); err != nil {
		t.Error(err)
	}
}

// TensorFlow's event files begin with the length of their first record, 24 bytes, and its masked checksum, as any file
// of a SummaryWriter shows.
func TestRecordForm(t *testing.T) {
	record := appendRecord(nil, make([]byte, 24))
	if got := hex.EncodeToString(record[:12]); got != "1800000000000000a37f4b22" {
		t.Errorf("a record of 24 bytes begins %s", got)
	}
}

func FuzzReadEvents(f *testing.F) {
	f.Add(appendRecord(appendRecord(nil, encodeVersion()), encodeEvent(point{step: 7, values: []value{{"loss", 1}}})))
	f.Add(appendRecord(nil, []byte{0x10, 0xff}))
	f.Fuzz(func(t *testing.T, data []byte) {
		last, whole, err := readEvents(bytes.NewReader(data))
		if last < -1 || whole < 0 || whole > int64(len(data)) {
			t.Errorf("last step %d in %d bytes of %d, %v", last, whole, len(data), err)
		}
		if again, n, err := readEvents(bytes.NewReader(data[:whole])); err != nil || again != last || n != whole {
			t.Errorf("the whole records have last step %d in %d bytes, %v", again, n, err)
		}
	})
}
