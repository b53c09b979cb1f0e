package checkpoint

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// file returns a safetensors file of a header and data.
func file(header, data string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+data...)
}

func read(b []byte) ([]Tensor, map[string]string, error) {
	return ReadSafetensors(bytes.NewReader(b), int64(len(b)))
}

// The bytes are worked by hand from the format's description: 1.5 is 0x3FC00000 as F32, 0x3FC0 as BF16, 0x3E00 as F16.
func TestSafetensorsByHand(t *testing.T) {
	b := file(
		`{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"a":{"dtype":"BF16",`+
			`"shape":[2,1],"data_offsets":[0,4]},"c":{"dtype":"F16","shape":[1],"data_offsets":[8,10]},"d":{"dtype":"F16",`+
			`"shape":[0,3],"data_offsets":[10,10]}}   `,
		"\xc0\x3f\xc0\xbf"+"\x00\x00\xc0\x3f"+"\x00\x3e")
	got, meta, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	want := []Tensor{NewTensor("a", []int{2, 1}, []float32{1.5, -1.5}), NewTensor("b", []int{}, []float32{1.5}),
		NewTensor("c", []int{1}, []float32{1.5}), NewTensor("d", []int{0, 3}, []float32{})}
	if diff := cmp.Diff(want, got, sameTensors); diff != "" {
		t.Error(diff)
	}
	if meta["format"] != "pt" {
		t.Errorf("metadata %v", meta)
	}

	var w bytes.Buffer
	if err := WriteSafetensors(&w, []Tensor{NewTensor("b", []int{2}, []float32{1.5, -1.5}),
		NewTensor("a", nil, []float32{1.5})}, "BF16", map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	header := `{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},` +
		`"b":{"dtype":"BF16","shape":[2],"data_offsets":[2,6]}}`
	header += strings.Repeat(" ", -len(header)&7)
	if diff := cmp.Diff(file(header, "\xc0\x3f\xc0\x3f\xc0\xbf"), w.Bytes()); diff != "" {
		t.Error(diff)
	}
}

func TestSafetensorsRefused(t *testing.T) {
	one := `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"short":           {[]byte("1234"), "too few"},
		"header too long": {binary.LittleEndian.AppendUint64(nil, 100_000_001), "expected at most"},
		"header past end": {file(one, "1234")[:20], "expected at most"},
		"no brace":        {file(" "+one, "1234"), "begin with {"},
		"text behind":     {file(one+"x", "1234"), "after its closing"},
		"not closed":      {file(one[:len(one)-1], "1234"), "header"},
		"twice": {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],`+
			`"data_offsets":[4,8]}}`, "12345678"), `name "a" twice`},
		"dtype":          {file(strings.Replace(one, "F32", "I32", 1), "1234"), `dtype "I32"`},
		"no shape":       {file(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, "1234"), "shape is missing"},
		"negative shape": {file(strings.Replace(one, "[1]", "[-1,-1]", 1), "1234"), "impossible"},
		"overflow": {file(strings.Replace(one, "[1]", "[4294967296,4294967296,4294967297]", 1), "1234"),
			"impossible"},
		"size":             {file(strings.Replace(one, "[1]", "[2]", 1), "1234"), "needs 8"},
		"past end":         {file(strings.NewReplacer("[1]", "[2]", ",4]", ",8]").Replace(one), "1234"), "outside"},
		"negative offsets": {file(strings.Replace(one, "[0,4]", "[-4,0]", 1), "1234"), "outside"},
		"three offsets":    {file(strings.Replace(one, "[0,4]", "[0,4,8]", 1), "1234"), "[begin, end]"},
		"hole":             {file(strings.Replace(one, "[0,4]", "[4,8]", 1), "12345678"), "expected 0"},
		"rest":             {file(one, "12345678"), "end at byte 4"},
		"overlap": {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],`+
			`"data_offsets":[2,6]}}`, "123456"),
			"expected 4"},
	} {
		if _, _, err := read(c.file); err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %q; expected one line with %q", name, err, c.want)
		}
	}
	for name, tensors := range map[string][]Tensor{
		"two tensors":      {NewTensor("a", nil, []float32{1}), NewTensor("a", nil, []float32{1})},
		"has shape":        {NewTensor("a", []int{2}, []float32{1})},
		"cannot be named":  {NewTensor("__metadata__", nil, []float32{1})},
		"does not fit F16": {NewTensor("a", nil, []float32{65520})},
	} {
		if err := WriteSafetensors(&bytes.Buffer{}, tensors, "F16", nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("write: error %q; expected %q", err, name)
		}
	}
}

// Every half-precision pattern survives conversion to float32 and back, and a value between two neighbours is rounded
// to the nearer, at a tie to the even one.
func TestHalfPrecision(t *testing.T) {
	for dt, width := range map[*Type]int{F16: 10, BF16: 7} {
		name := dt.Name
		inf := uint32(1<<15 - 1<<width)
		f, g, b := make([]float32, 2), make([]float32, 1), make([]byte, 2)
		for h := range uint32(1 << 16) {
			binary.LittleEndian.PutUint16(b, uint16(h))
			dt.Decode(g, b)
			isNaN := h&0x7fff > inf
			if (g[0] != g[0]) != isNaN {
				t.Fatalf("%s %#04x decodes to %g", name, h, g[0])
			}
			if i := dt.encode(b, g); i >= 0 {
				t.Fatalf("%s %#04x = %g overflows", name, h, g[0])
			}
			if got := uint32(binary.LittleEndian.Uint16(b)); got != h && !isNaN {
				t.Fatalf("%s %#04x comes back as %#04x", name, h, got)
			}
			if h&0x7fff >= inf-1 {
				continue
			}
			pair := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, uint16(h)), uint16(h+1))
			dt.Decode(f, pair)
			mid := float32((float64(f[0]) + float64(f[1])) / 2)
			even := uint16(h + h&1)
			for v, want := range map[float32]uint16{
				mid:                         even,
				math.Nextafter32(mid, f[0]): uint16(h),
				math.Nextafter32(mid, f[1]): uint16(h + 1),
			} {
				dt.encode(b, []float32{v})
				if got := binary.LittleEndian.Uint16(b); got != want {
					t.Fatalf("%s: %g rounds to %#04x; expected %#04x", name, v, got, want)
				}
			}
		}
	}
	// Golden values of IEEE 754 binary16: largest, smallest normal, smallest subnormal, 1/3.
	for h, want := range map[uint16]float32{0x7bff: 65504, 0x0400: 0x1p-14, 0x0001: 0x1p-24, 0x3555: 0.333251953125} {
		var g [1]float32
		decodeF16(g[:], binary.LittleEndian.AppendUint16(nil, h))
		if g[0] != want {
			t.Errorf("F16 %#04x = %g; expected %g", h, g[0], want)
		}
	}
}

// A file that is accepted can be written and read again.
func FuzzSafetensors(f *testing.F) {
	f.Add(file(`{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]},`+
		`"b":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}`, "12345678"))
	f.Add(file(`{}`, ""))
	f.Add(file(`{"a":{"dtype":"BF16","shape":[0],"data_offsets":[0,0]}} `, ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		tensors, meta, err := read(b)
		if err != nil {
			return
		}
		var w, again bytes.Buffer
		if err := WriteSafetensors(&w, tensors, "F32", meta); err != nil {
			t.Fatal(err)
		}
		back, meta, err := read(w.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteSafetensors(&again, back, "F32", meta); err != nil || !bytes.Equal(w.Bytes(), again.Bytes()) {
			t.Fatalf("written twice, differs (%v)", err)
		}
	})
}
