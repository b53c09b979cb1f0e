package cpu

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

func random(n int) []float32 {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	out := make([]float32, n)
	for i := range out {
		out[i] = r.Float32() - 0.5
	}
	return out
}

func threadTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(1, &u) // RUSAGE_THREAD
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkGemm(b *testing.B) {
	for _, s := range []struct {
		name    string
		m, n, k int
		ta, tb  bool
	}{
		{"peak", 96, 32, 256, false, false},
		{"NT", 4096, 512, 128, false, true},
		{"NT", 4096, 128, 512, false, true},
		{"NT", 4096, 128, 128, false, true},
		{"NN", 4096, 512, 128, false, false},
		{"NN", 4096, 128, 512, false, false},
		{"TN", 512, 128, 4096, true, false},
		{"TN", 128, 512, 4096, true, false},
		{"TN", 128, 128, 4096, true, false},
		{"NT", 4096, 1024, 128, false, true},
		{"QK", 256, 256, 32, false, true},
		{"PV", 256, 32, 256, false, false},
		{"PtV", 256, 32, 256, true, false},
	} {
		b.Run(fmt.Sprintf("%s/%dx%dx%d", s.name, s.m, s.n, s.k), func(b *testing.B) {
			runtime.LockOSThread() // for the thread's own clock
			defer runtime.UnlockOSThread()
			A, B, C := random(s.m*s.k), random(s.n*s.k), make([]float32, s.m*s.n)
			a := matrix{unsafe.Pointer(&A[0]), s.k, 1}
			if s.ta {
				a.row, a.col = 1, s.m
			}
			bm := matrix{unsafe.Pointer(&B[0]), s.n, 1}
			if s.tb {
				bm.row, bm.col = 1, s.k
			}
			c := matrix{unsafe.Pointer(&C[0]), s.n, 1}
			pack := make([]byte, packSize(s.n, s.k)+64)
			var args gemmArgs
			var t tileArgs
			t0 := threadTime()
			for b.Loop() {
				gemm(s.m, s.n, s.k, a, bm, c, unsafe.Pointer(&pack[0]), &args, &t)
			}
			b.ReportMetric(2*float64(s.m)*float64(s.n)*float64(s.k)*float64(b.N)/(threadTime()-t0).Seconds()/1e9, "GFLOP/cpu-s")
		})
	}
}
