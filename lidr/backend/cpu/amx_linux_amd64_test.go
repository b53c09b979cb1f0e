package cpu

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"unsafe"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"lidrlab/lidr/backend/cpu/internal/amx"
)

// emulated is set in a test process whose tile instructions are emulated.
const emulated = "LIDR_TEST_AMX_EMULATED"

func init() {
	if os.Getenv(emulated) != "" {
		cpu.X86.HasAMXTile, cpu.X86.HasAMXBF16, cpu.X86.HasAMXInt8 = true, true, true
		tilesPermitted = func() bool { return true }
	}
}

// With AMX all tests of kernels run by it too; without, some of them run again in a process that it is emulated for.
func TestEmulatedAMX(t *testing.T) {
	x := cpu.X86
	if x.HasAMXTile && x.HasAMXBF16 && tilesPermitted() {
		t.Skip("this process has AMX, or its emulation: TestAMX and the tests of all kernel sets use it")
	}
	if !x.HasAVX512BF16 {
		t.Skip("kernels with AMX are used beside those of AVX512-BF16, which this processor lacks")
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^(TestAMX|TestPairsAlongRows|TestIntegerProducts.*)$", "-test.v")
	cmd.Env = append(os.Environ(), emulated+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	n, err := amx.Run(cmd)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		t.Skipf("this machine lets no process trace another: %v", err)
	}
	if err != nil || bytes.Contains(out.Bytes(), []byte("--- SKIP")) {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	if n < 10_000 {
		t.Errorf("only %d instructions of AMX were emulated", n)
	}
	t.Logf("%d instructions of AMX were emulated", n)
}

// amxSum is an element of a product as AMX computes it: of each 32 elements the sums of the products at even and at odd
// places, which are added up, and then to the result. Subnormal numbers are 0, as factors and as sums.
func amxSum(a, b []bfloat16.BFloat16) (sum float32) {
	flush := func(x float32) float32 {
		if math.Abs(float64(x)) < 0x1p-126 {
			return 0
		}
		return x
	}
	for block := 0; block < len(a); block += amxDepth {
		var sums [2]float32
		for i := block; i < block+amxDepth; i++ {
			sums[i%2] = flush(fma(flush(a[i].Float32()), flush(b[i].Float32()), sums[i%2]))
		}
		sum = flush(sum + flush(sums[0]+sums[1]))
	}
	return sum
}

// Products by AMX have the bits of their definition, for tiles that are whole or not, one row and many, and write
// nothing beside their result; whatever the number of threads.
func TestAMX(t *testing.T) {
	if !cpu.X86.HasAMXBF16 || !cpu.X86.HasAVX512BF16 || !tilesPermitted() {
		t.Skip("AMX-BF16 is lacking here: TestEmulatedAMX emulates it")
	}
	defer UseKernels("AMX")()
	r := rand.New(rand.NewPCG(2, 3))
	for _, s := range [][3]int{{1, 1, 32}, {1, 33, 64}, {16, 16, 32}, {17, 40, 96}, {32, 32, 64}, {33, 65, 32},
		{70, 100, 928}} {
		m, n, k := s[0], s[1], s[2]
		lowest := -12
		if k == 96 { // factors and products, some of which are subnormal
			lowest = -140
		}
		rows := func(count int) []bfloat16.BFloat16 {
			v := make([]bfloat16.BFloat16, count*k)
			for i := range v {
				v[i] = bfloat16.FromFloat32(float32(math.Ldexp(r.NormFloat64(), lowest+r.IntN(12-lowest))))
			}
			return v
		}
		a, b := rows(m), rows(n)
		const guard = 3
		c := make([]float32, m*(n+guard))
		var l lowerer
		l.copies = map[copyKey]view{}
		x, y, out := l.newValue(dtypes.BFloat16, m*k), l.newValue(dtypes.BFloat16, n*k), l.newValue(dtypes.Float32, len(c))
		mm := &matmul{m: m, n: n, k: k, lhs: denseView(x, []int{m, k}), rhs: denseView(y, []int{n, k}),
			out: denseView(out, []int{m, n + guard}), lhsM: k, lhsK: 1, rhsN: k, rhsK: 1, outM: n + guard}
		l.packAMX(mm)
		l.product(mm)
		packed := make([]bfloat16.BFloat16, mm.lhs.val.size)
		ensureWorkers(1)
		engine, err := New("threads=2")
		if err != nil {
			t.Fatal(err)
		}
		e := &execution{backend: engine, own: new(workspace), base: []unsafe.Pointer{unsafe.Pointer(&a[0]),
			unsafe.Pointer(&b[0]), unsafe.Pointer(&c[0]), unsafe.Pointer(&packed[0])}}
		for _, step := range l.steps {
			step.run(e)
		}
		for i := range m {
			for j, got := range c[i*(n+guard) : (i+1)*(n+guard)] {
				want := float32(0)
				if j < n {
					want = amxSum(a[i*k:(i+1)*k], b[j*k:(j+1)*k])
				}
				if got != want {
					t.Fatalf("%v: C[%d,%d] = %g, want %g", s, i, j, got, want)
				}
			}
		}
	}
}
