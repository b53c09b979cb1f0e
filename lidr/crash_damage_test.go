package lidr_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The ways in which a file is damaged.
var damages = []struct {
	name string
	of   func(data []byte, random *rand.Rand) []byte
}{
	{"bit flip", func(data []byte, random *rand.Rand) []byte {
		data[random.IntN(len(data))] ^= 1 << random.IntN(8)
		return data
	}},
	{"truncation", func(data []byte, random *rand.Rand) []byte { return data[:random.IntN(len(data))] }},
	{"swap", swapped},
	{"removal", func([]byte, *rand.Rand) []byte { return nil }},
}

// swapped swaps two lines of a text, or two blocks of another file.
func swapped(data []byte, random *rand.Rand) []byte {
	parts := bytes.SplitAfter(data, []byte("\n"))
	if bytes.IndexByte(data, 0) >= 0 || len(parts) < 3 {
		parts = slices.Collect(slices.Chunk(data, min(4096, 1+len(data)/8)))
	}
	for range 100 {
		i, j := random.IntN(len(parts)), random.IntN(len(parts))
		if !bytes.Equal(parts[i], parts[j]) {
			parts[i], parts[j] = parts[j], parts[i]
			break
		}
	}
	return bytes.Join(parts, nil)
}

// situation is a finished or a killed experiment, and what every action on it leads to when nothing is damaged.
type situation struct {
	name  string
	dir   string
	files map[string][]byte // of dir, as they are before the damage
	want  map[action]result
}

// result is what an action says and leaves behind.
type result struct {
	said  string
	notes []string
	err   error
	files map[string][]byte
}

// trial is one damage, drawn: what is done to which file, and what the user does next.
type trial struct {
	*situation
	file, how string
	damaged   []byte // nil for a file that is removed
	action
}

func draw(situations []*situation, random *rand.Rand) trial {
	t := trial{situation: situations[random.IntN(len(situations))]}
	files := slices.Sorted(maps.Keys(t.files)) // the file first and then the place: small ones count like large ones
	t.file = files[random.IntN(len(files))]
	way := damages[random.IntN(len(damages))]
	t.how = way.name
	if data := slices.Clone(t.files[t.file]); len(data) > 0 {
		t.damaged = way.of(data, random)
		if bytes.Equal(t.damaged, t.files[t.file]) { // all lines are alike
			t.how, t.damaged = damages[0].name, damages[0].of(t.damaged, random)
		}
	} else if t.how != "removal" {
		t.damaged = []byte{byte(random.IntN(256))}
	}
	t.action = actions[random.IntN(len(actions))]
	return t
}

// undisturbed is what the action leads to when nothing is damaged.
func (s *situation) undisturbed(a action) result {
	want, known := s.want[a]
	if !known {
		restore(s.dir, s.files)
		want = a.do(s.dir)
		s.want[a] = want
	}
	return want
}

// outcome is what became of a damage; a bad one is of a kind that must not be.
func (t trial) outcome() (kind string, bad bool) {
	want := t.undisturbed(t.action)
	restore(t.dir, t.files)
	path := filepath.Join(t.dir, t.file)
	err := os.Remove(path)
	if err == nil && t.damaged != nil {
		err = os.WriteFile(path, t.damaged, 0o644)
	}
	if err != nil {
		panic(err)
	}
	got := t.action.do(t.dir)
	said := strings.Join(got.notes, "\n")
	named := filepath.Base(t.file)
	as := got.err != nil && want.err != nil && got.err.Error() == want.err.Error()
	switch {
	case got.err != nil && !as && !strings.Contains(got.err.Error(), named):
		return fmt.Sprintf("error that does not name it: %v", got.err), true
	case got.err != nil && !as:
		return "error", false
	case want.err != nil && !as:
		return "no error where there was one: " + want.err.Error(), true
	case got.said != want.said:
		return fmt.Sprintf("CHANGED: %.300q, not %.300q", got.said, want.said), true
	}
	for _, name := range slices.Sorted(maps.Keys(want.files)) {
		if unread(name) || bytes.Equal(got.files[name], want.files[name]) {
			continue
		}
		notRead := t.action.reads || strings.HasPrefix(name, "store") // a trained model's reference, which it needs no more
		if name == t.file && notRead && bytes.Equal(got.files[name], t.damaged) {
			continue
		}
		return fmt.Sprintf("CHANGED: %s (noted: %s)", name, said), true
	}
	for name := range got.files {
		if _, ok := want.files[name]; !ok && !strings.Contains(filepath.Base(name), ".edited") {
			return "left behind: " + name, true
		}
	}
	if strings.Contains(said, named) {
		return "said, made anew", false
	}
	return "harmless", false
}

// unread says that no step reads the file, by design.
func unread(name string) bool {
	return filepath.Base(name) == "timing.jsonl" || filepath.Ext(name) == ".lock" || filepath.Base(name) == ".lock"
}

// restore makes a folder hold files and nothing else.
func restore(dir string, files map[string][]byte) {
	for name := range readAll(dir) {
		if _, ok := files[name]; !ok {
			path := filepath.Join(dir, name)
			if err := os.Remove(path); err != nil {
				panic(err)
			}
			for path = filepath.Dir(path); os.Remove(path) == nil; path = filepath.Dir(path) { // empty folders
			}
		}
	}
	for name, data := range files {
		path := filepath.Join(dir, name)
		if now, err := os.ReadFile(path); err == nil && bytes.Equal(now, data) {
			continue
		}
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, data, 0o644)
		}
		if err != nil {
			panic(err)
		}
	}
}

func readAll(dir string) map[string][]byte {
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			files[name], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		panic(err)
	}
	return files
}

// kills are the places at which experiments are killed: just before the n-th change of the disk of that kind. A short
// campaign has the first four.
var kills = []struct {
	name, change string
	n            int
}{
	{"finished", "", 0},
	{"killed answering", "write /completions/*.partial", 5},
	{"killed in the second training", "rename /training-state.safetensors", 4},
	{"killed judging", "write /verdicts/*.partial", 2},
	{"killed in a line of answers", "torn write /completions/*.partial", 6},
	{"killed before pairs", "rename /pairs.jsonl", 2},
	{"killed in the first training", "rename /training-state.safetensors", 2},
	{"killed before the record", "rename /training.json", 1},
}

// prepared makes the experiment once for every kill.
func prepared(t *testing.T, most int) []*situation {
	var all []*situation
	for _, kill := range kills[:most] {
		s := &situation{name: kill.name, dir: filepath.Join(t.TempDir(), "runs")}
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), "LIDR_TEST_RUN="+s.dir, "LIDR_TEST_DAMAGE="+kill.change,
			"LIDR_TEST_KILL="+strconv.Itoa(kill.n))
		out, err := command.CombinedOutput()
		if command.ProcessState.Exited() && (err != nil || kill.n > 0) {
			t.Fatalf("%s: %v\n%s", kill.name, err, out)
		}
		s.files, s.want = readAll(s.dir), map[action]result{}
		if all = append(all, s); kill.n > 0 { // run again, a killed one ends as the undisturbed one
			s.want[actions[0]] = all[0].undisturbed(actions[0])
		}
	}
	return all
}

// kindOf is a file of a run or its store without what numbers it.
func kindOf(name string) string {
	parts := strings.Split(filepath.ToSlash(name), "/")
	for i, part := range parts {
		switch {
		case len(part) == 2 && part[0] == 'M':
			parts[i] = "M*"
		case strings.HasPrefix(part, "state-"):
			parts[i] = "state-*"
		}
	}
	last := len(parts) - 1
	above := parts[max(0, last-1)]
	if extension := filepath.Ext(parts[last]); parts[0] == "store" || slices.Contains([]string{"plots", "responses",
		"translations", "problems", "annotations", "measures"}, above) {
		parts[last] = "*" + extension
		if above == "plots" {
			parts[last] = "*"
		}
	}
	return strings.Join(parts, "/")
}

// No bit flip, truncation, swap of lines or removal of any file of a run or its store, finished or killed, changes a
// result in silence: the next command names the file in an error, or says that it is made anew and leaves the bytes of
// an undisturbed run, or does not read it. LIDR_DAMAGE is the number of damages, LIDR_DAMAGE_SEED draws them, and
// LIDR_DAMAGE_TRIAL repeats one of them.
func TestDamageChangesNoResult(t *testing.T) {
	number := func(name string, otherwise uint64) uint64 {
		n, err := strconv.ParseUint(cmp.Or(os.Getenv(name), strconv.FormatUint(otherwise, 10)), 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	n, seed, only := number("LIDR_DAMAGE", 200), number("LIDR_DAMAGE_SEED", 18), os.Getenv("LIDR_DAMAGE_TRIAL")
	most := 4
	if os.Getenv("LIDR_DAMAGE") != "" {
		most = len(kills)
	}
	if most > 4 && os.Getenv("LIDR_DAMAGE_SEED") == "" {
		seed = rand.Uint64N(1e9)
	}
	start := time.Now()
	situations := prepared(t, most)
	t.Logf("LIDR_DAMAGE_SEED=%d: %d damages of %d experiments, made in %s", seed, n, len(situations),
		time.Since(start).Round(time.Second))
	start = time.Now()
	table, failures := map[string]map[string]int{}, 0
	from, to := uint64(0), n
	if only != "" {
		from = number("LIDR_DAMAGE_TRIAL", 0)
		to = from + 1
	}
	for i := from; i < to; i++ {
		one := draw(situations, rand.New(rand.NewPCG(seed, i)))
		kind, bad := one.outcome()
		if bad {
			if failures++; failures <= 100 {
				t.Errorf("LIDR_DAMAGE_SEED=%d LIDR_DAMAGE_TRIAL=%d: %s, %s of %s, then %s: %s", seed, i, one.situation.name,
					one.how,
					one.file, one.action.name, kind)
			}
			kind = "BAD"
		}
		row := kindOf(one.file)
		if table[row] == nil {
			table[row] = map[string]int{}
		}
		table[row][kind]++
		table[row]["all"]++
	}
	outcomes := []string{"all", "error", "said, made anew", "harmless", "BAD"}
	var lines strings.Builder
	total := map[string]int{}
	for _, row := range slices.Sorted(maps.Keys(table)) {
		fmt.Fprintf(&lines, "\n| %s |", row)
		for _, kind := range outcomes {
			fmt.Fprintf(&lines, " %d |", table[row][kind])
			total[kind] += table[row][kind]
		}
	}
	t.Logf("%s: file | %s\n%s\n%v", time.Since(start).Round(time.Second), strings.Join(outcomes, " | "), lines.String(),
		total)
}
