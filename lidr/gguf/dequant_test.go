package gguf

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// Random blocks of every quantized type become the values that gguf-py makes of them, in every bit; testdata/dequant.py
// wrote them.
func TestDequantize(t *testing.T) {
	data, err := os.ReadFile("testdata/dequant.json")
	if err != nil {
		t.Fatal(err)
	}
	golden := map[string]struct {
		Blocks string
		Values int
		First  []float32
		SHA256 string
	}{}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, d := range dtypes {
		if d.stored.Block == 1 {
			continue // TestWrite and TestRoundTrip
		}
		want, ok := golden[d.name]
		if !ok {
			t.Errorf("%s: no golden blocks", d.name)
			continue
		}
		blocks, err := hex.DecodeString(want.Blocks)
		if err != nil {
			t.Fatal(err)
		}
		values := make([]float32, want.Values)
		if d.bytes(len(values)) != len(blocks) {
			t.Fatalf("%s: %d values in %d bytes", d.name, len(values), len(blocks))
		}
		d.stored.Decode(values, blocks)
		for i, v := range want.First {
			if math.Float32bits(values[i]) != math.Float32bits(v) {
				t.Errorf("%s: value %d is %g, expected %g", d.name, i, values[i], v)
			}
		}
		var b bytes.Buffer
		if err := binary.Write(&b, binary.LittleEndian, values); err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(b.Bytes()); hex.EncodeToString(sum[:]) != want.SHA256 {
			t.Errorf("%s: other values than gguf-py's", d.name)
		}
		checked++
	}
	if checked != len(golden) {
		t.Errorf("%d types were checked, %d have golden blocks", checked, len(golden))
	}
}

// Every binary16 is widened to the number that its bits say (IEEE 754), infinities and NaN's payloads too.
func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		sign, exponent, fraction := 1-2*float64(h>>15), h>>10&31, float64(h&1023)
		want := sign * math.Ldexp(1+fraction/1024, exponent-15)
		switch {
		case exponent == 0:
			want = sign * math.Ldexp(fraction, -24)
		case exponent == 31 && fraction == 0:
			want = math.Inf(int(sign))
		case exponent == 31:
			want = math.NaN()
		}
		got := half(binary.LittleEndian.AppendUint16(nil, uint16(h)))
		if float64(got) != want && !(math.IsNaN(want) && got != got) || math.Signbit(float64(got)) != (h>>15 == 1) {
			t.Fatalf("%#04x is %g, expected %g", h, got, want)
		}
	}
}
