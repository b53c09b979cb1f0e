//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"lidrlab/lidr/backend"
)

// machine is what the processor has and the most that it does.
type machine struct {
	processor, flags string
	read, copied     float64 // GB/s of all cores; copying counts what is read and what is written
	gflops           float64 // of float32 matrix products, all cores
	fastest          string  // whose products those are
	room             string  // memory that a training may take: what is available, less 2 GB
}

// measureMachine measures the limits, in processes of their own, so that what they hold is not taken for a side's.
func (b *bench) measureMachine() (m machine, err error) {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m, err
	}
	for text := range strings.Lines(string(info)) {
		key, value, _ := strings.Cut(text, ":")
		switch strings.TrimSpace(key) {
		case "model name":
			m.processor = strings.TrimSpace(value)
		case "flags":
			m.flags = strings.Join(slices.DeleteFunc(strings.Fields(value), func(flag string) bool {
				return !strings.HasPrefix(flag, "avx") && !strings.HasPrefix(flag, "amx") && flag != "fma"
			}), " ")
		}
	}
	if !strings.Contains(m.flags, "amx") {
		b.note("this processor has no AMX: bf16 and int8 tiles were not measured")
	}
	free, err := field("/proc/meminfo", "MemAvailable")
	if err != nil {
		return m, err
	}
	m.room = fmt.Sprintf("%.0fMB", 1000*(free-2))
	var limits struct{ Read, Copied, GFLOPS float64 }
	if _, err := runJSON(&limits, exec.Command(os.Args[0], "-limits")); err != nil {
		return m, err
	}
	m.read, m.copied, m.gflops, m.fastest = limits.Read, limits.Copied, limits.GFLOPS, "lidr's"
	if python := b.python("training"); python != "" {
		if _, err := b.runPeer(&limits, python, "gemm.py", nil); err != nil {
			return m, err
		}
		if limits.GFLOPS > m.gflops {
			m.gflops, m.fastest = limits.GFLOPS, "oneDNN's"
		}
	}
	return m, nil
}

// field reads a size of a file of /proc, in GB.
func field(file, name string) (float64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for text := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(text, name+":"); ok {
			var kb float64
			_, err := fmt.Sscan(rest, &kb)
			return kb * 1024 / 1e9, err
		}
	}
	return 0, fmt.Errorf("%s: no field %s", file, name)
}

// printLimits measures and prints the limits as JSON.
func printLimits() {
	const size = 1 << 26 // float64 numbers: 512 MB a core, far beyond the caches
	cores := runtime.NumCPU()
	from, to := make([][]float64, cores), make([][]float64, cores)
	each := func(do func(i int)) time.Duration {
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range cores {
			wg.Go(func() { do(i) })
		}
		wg.Wait()
		return time.Since(begin)
	}
	sums := make([]float64, cores)
	each(func(i int) { from[i], to[i] = slices.Repeat([]float64{1}, size), slices.Repeat([]float64{1}, size) })
	read, copied := time.Hour, time.Hour
	for range 4 {
		read = min(read, each(func(i int) { sums[i] += sum(from[i]) }))
		copied = min(copied, each(func(i int) { copy(to[i], from[i]) }))
	}
	from, to = nil, nil
	gflops, err := peakGEMM()
	if err != nil {
		log.Fatal(err)
	}
	bytes := 8 * size * float64(cores) / 1e9
	err = json.NewEncoder(os.Stdout).Encode(map[string]float64{
		"read": bytes / read.Seconds(), "copied": 2 * bytes / copied.Seconds(), "gflops": gflops, "sum": sums[0]})
	if err != nil {
		log.Fatal(err)
	}
}

// sum adds up x in eight sums, so that no addition waits for the one before it.
func sum(x []float64) float64 {
	var s [8]float64
	for ; len(x) >= 8; x = x[8:] {
		s[0] += x[0]
		s[1] += x[1]
		s[2] += x[2]
		s[3] += x[3]
		s[4] += x[4]
		s[5] += x[5]
		s[6] += x[6]
		s[7] += x[7]
	}
	return s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7]
}

// peakGEMM measures the rate of our square matrix products, in GFLOP/s.
func peakGEMM() (float64, error) {
	var b compute.Backend
	b, err := backend.Open("cpu")
	if err != nil {
		return 0, err
	}
	const n = 2048
	exec, err := NewExec(b, func(x, y *Node) *Node { return DotGeneral(x, []int{1}, nil, y, []int{0}, nil) })
	if err != nil {
		return 0, err
	}
	x := tensors.FromFlatDataAndDimensions(slices.Repeat([]float32{0.5}, n*n), n, n)
	best := time.Hour
	for range 12 {
		begin := time.Now()
		out, err := exec.Call(x, x)
		if err != nil {
			return 0, err
		}
		best = min(best, time.Since(begin))
		out[0].MustFinalizeAll()
	}
	return 2 * n * n * n / best.Seconds() / 1e9, nil
}

// python returns the Python of a peers' environment, or "" and a note where it was not made.
func (b *bench) python(env string) string {
	path := filepath.Join(b.peers, env, "bin", "python")
	if _, err := os.Stat(path); err != nil {
		b.note("%s is missing, so what it holds was not measured: make peers-env ENV=%s", filepath.Join(b.peers, env), env)
		return ""
	}
	return path
}

// runJSON runs a command, reads out from the last line that it prints, and returns its peak memory in GB, that of the
// processes that it waited for included. A failure is told by the last line of what the command wrote.
func runJSON(out any, cmd *exec.Cmd) (memory float64, err error) {
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if cmd.ProcessState != nil {
		memory = float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) * 1024 / 1e9
	}
	if err != nil {
		return memory, fmt.Errorf("%v (%.1f GB): %s", err, memory, lastLine(stderr.String()))
	}
	if out == nil {
		return memory, nil
	}
	return memory, json.Unmarshal([]byte(lastLine(stdout.String())), out)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
