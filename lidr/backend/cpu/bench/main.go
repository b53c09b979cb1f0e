// Bench compares the cpu backend, or another, with PyTorch, side by side on one machine: training steps of three sizes,
// a DPO step and decoding with a cache, in turn, each in a process of its own, and prints the table.
//
//	go run ./lidr/backend/cpu/bench [-python /usr/bin/python3] [-threads 2] [-only train]
//	go run ./lidr/backend/cpu/bench -backend xla:cuda -device cuda
//
// The second form compares XLA with PyTorch 2 on the same GPU, both in float32, or both in TF32 with xla:cuda,tf32, and
// adds rows of a model of half a billion parameters; memory is the host's.
//
// PyTorch runs with one thread and with all; the two are measured in turn, and the best measurement of each counts.
// PyTorch needs a good BLAS: with Debian's python3-torch, install libopenblas0-pthread, and check in the first lines
// that both reach similar rates of matrix products. "memory" is the largest resident size minus the size after loading
// the model, in MB. On the processor a second table shows the gain by more threads.
package main

import (
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"lidrlab/lidr/backend/cpu"
	_ "lidrlab/lidr/backend/xla"
)

//go:embed torch_side.py
var torchSide []byte

// workload is one row of the table.
type workload struct {
	Name    string `json:"-"`
	Kind    string `json:"kind"` // "train", "dpo" or "decode"
	Vocab   int    `json:"vocab"`
	Hidden  int    `json:"hidden"`
	Layers  int    `json:"layers"`
	Heads   int    `json:"heads"`
	FFN     int    `json:"ffn"`
	Rows    int    `json:"rows"`
	Length  int    `json:"length"` // tokens a row; in decoding, the room in the cache
	Steps   int    `json:"steps"`
	Threads int    `json:"threads"`
	Backend string `json:"backend"`
	Device  string `json:"device"` // PyTorch's
	TF32    bool   `json:"tf32"`   // PyTorch's
}

// outcome is the measurement of one process.
type outcome struct {
	TokensPerSecond float64 `json:"tokens_per_second"`
	Memory          float64 `json:"memory"` // MB
	GFLOPS          float64 `json:"gflops"` // of matrix products
}

func workloads(backend string) []workload {
	one := workload{Vocab: 1024, Hidden: 128, Layers: 4, Heads: 4, FFN: 512}
	three := workload{Vocab: 2048, Hidden: 192, Layers: 6, Heads: 6, FFN: 512}
	ten := workload{Vocab: 4096, Hidden: 320, Layers: 7, Heads: 10, FFN: 864}
	with := func(w workload, name, kind string, rows, length, steps int) workload {
		w.Name, w.Kind, w.Rows, w.Length, w.Steps = name, kind, rows, length, steps
		return w
	}
	rows := []workload{
		with(one, "train 1 M, 16 × 256", "train", 16, 256, 10),
		with(three, "train 3 M, 16 × 256", "train", 16, 256, 6),
		with(ten, "train 10 M, 16 × 128", "train", 16, 128, 5),
		with(one, "DPO 1 M, 32 pairs × 72", "dpo", 64, 72, 10),
		with(one, "decode 1 M, batch 1", "decode", 1, 240, 200),
		with(one, "decode 1 M, batch 64", "decode", 64, 140, 100),
		with(ten, "decode 10 M, batch 1", "decode", 1, 140, 100),
		with(ten, "decode 10 M, batch 64", "decode", 64, 90, 50),
	}
	if backend != cpu.Name {
		// Qwen2.5-0.5B's shape, each head with its own keys
		half := workload{Vocab: 151936, Hidden: 896, Layers: 24, Heads: 14, FFN: 4864}
		rows = append(rows,
			with(half, "train 0.5 B, 8 × 256", "train", 8, 256, 10),
			with(half, "DPO 0.5 B, 4 pairs × 256", "dpo", 8, 256, 10),
			with(half, "decode 0.5 B, batch 1", "decode", 1, 240, 200),
			with(half, "decode 0.5 B, batch 64", "decode", 64, 240, 200))
	}
	return rows
}

func main() {
	log.SetFlags(0)
	python := flag.String("python", "/usr/bin/python3", "Python with PyTorch; empty: leave PyTorch out")
	threads := flag.Int("threads", runtime.NumCPU(), "threads")
	backend := flag.String("backend", cpu.Name, "backend to measure, as in LIDR_BACKEND")
	device := flag.String("device", "cpu", "PyTorch's device")
	only := flag.String("only", "", "only rows whose name contains this")
	child := flag.String("child", "", "measure this workload (JSON) and print the outcome; used by bench itself")
	flag.Parse()
	if *child != "" {
		var w workload
		if err := json.Unmarshal([]byte(*child), &w); err != nil {
			log.Fatal(err)
		}
		result, err := measure(w)
		if err != nil {
			log.Fatal(err)
		}
		if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
			log.Fatal(err)
		}
		return
	}
	fixed := workload{Threads: *threads, Backend: *backend, Device: *device, TF32: strings.HasSuffix(*backend, ",tf32")}
	torchThreads := []int{1, *threads}
	if *device != "cpu" {
		torchThreads = torchThreads[1:]
	}
	peak := math.NaN() // not measured on a GPU, where the call of a product returns before its end
	if *backend == cpu.Name {
		var err error
		if peak, err = peakGEMM(fixed); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("matrix products of 1024³ reach %.0f GFLOP/s with %d threads\n", peak, *threads)
	}
	if *python != "" && *device == "cpu" {
		if err := chooseKernels(*python); err != nil {
			log.Fatalf("PyTorch: %v", err)
		}
		for _, n := range torchThreads {
			torch, err := runTorch(workload{Kind: "peak", Hidden: 1, Heads: 1, Threads: n, Device: *device}, *python)
			if err != nil {
				log.Fatalf("PyTorch: %v", err)
			}
			fmt.Printf("PyTorch's reach %.0f GFLOP/s with %d threads (OPENBLAS_CORETYPE=%s)\n", torch.GFLOPS, n,
				os.Getenv(coreType))
		}
	}
	fmt.Println()
	fmt.Printf("| | %s, tokens/s | PyTorch on %s, tokens/s | ratio | memory, MB | PyTorch's | GFLOP/s | of peak |\n",
		*backend, *device)
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|")
	for _, w := range workloads(*backend) {
		if !strings.Contains(w.Name, *only) {
			continue
		}
		w.Backend, w.Device, w.TF32 = fixed.Backend, fixed.Device, fixed.TF32
		var own, torch outcome
		for range rounds {
			w.Threads = fixed.Threads
			got, err := run(w, os.Args[0], "-child")
			if err != nil {
				log.Fatalf("%s: %v", w.Name, err)
			}
			own = better(own, got)
			if *python == "" {
				continue
			}
			for _, w.Threads = range torchThreads {
				got, err := runTorch(w, *python)
				if err != nil {
					log.Fatalf("%s with PyTorch: %v", w.Name, err)
				}
				torch = better(torch, got)
			}
		}
		rate := w.flopsPerToken() * own.TokensPerSecond / 1e9
		fmt.Printf("| %s | %.0f | %.0f | %.2f | %.0f | %.0f | %.0f | %.0f %% |\n", w.Name, own.TokensPerSecond,
			torch.TokensPerSecond, own.TokensPerSecond/torch.TokensPerSecond, own.Memory, torch.Memory, rate, 100*rate/peak)
	}
	if *backend == cpu.Name && *threads > 1 {
		if err := scaling(fixed, *only); err != nil {
			log.Fatal(err)
		}
	}
}

// rounds is the number of measurements of each side; the best counts, since other programs on the machine only slow it.
const rounds = 3

func better(a, b outcome) outcome {
	if b.TokensPerSecond > a.TokensPerSecond {
		return b
	}
	return a
}

// scaling prints the gain by more threads in a training step of 32 × 128 tokens.
func scaling(fixed workload, only string) error {
	header := fmt.Sprintf("\n| | 1 thread, tokens/s | %d threads | ratio |\n|---|--:|--:|--:|\n", fixed.Threads)
	for _, w := range workloads(fixed.Backend)[:3] {
		w.Name = strings.Split(w.Name, ",")[0] + ", 32 × 128"
		if !strings.Contains(w.Name, only) {
			continue
		}
		w.Rows, w.Length, w.Backend = 32, 128, fixed.Backend
		best := map[int]outcome{}
		for range rounds {
			for _, w.Threads = range []int{1, fixed.Threads} {
				got, err := run(w, os.Args[0], "-child")
				if err != nil {
					return fmt.Errorf("%s: %w", w.Name, err)
				}
				best[w.Threads] = better(best[w.Threads], got)
			}
		}
		fmt.Print(header)
		header = ""
		one, all := best[1].TokensPerSecond, best[fixed.Threads].TokensPerSecond
		fmt.Printf("| %s | %.0f | %.0f | %.2f |\n", w.Name, one, all, all/one)
	}
	return nil
}

// flopsPerToken returns the multiplications and additions of the matrix products: weights (the DPO step's head computes
// half of the tokens) and causal attention, and twice that again for the gradients of a training step.
func (w workload) flopsPerToken() float64 {
	d := float64(w.Hidden)
	body := float64(w.Layers) * (4*d*d + 3*d*float64(w.FFN))
	head, attention := d*float64(w.Vocab), float64(w.Layers)*d*float64(w.Length)
	switch w.Kind {
	case "dpo":
		return 6 * (body + head/2 + attention)
	case "decode":
		return 2 * (body + head + 2*float64(w.Layers)*d*float64(32+w.Steps/2))
	}
	return 6 * (body + head + attention)
}

const coreType = "OPENBLAS_CORETYPE"

// chooseKernels makes OpenBLAS use its best kernels: a version older than the processor chooses those of a very old
// one, which reach a fifth of the rate.
func chooseKernels(python string) error {
	if os.Getenv(coreType) != "" {
		return nil
	}
	best, fastest := "", 0.0
	for _, kernels := range []string{"", "HASWELL", "SKYLAKEX"} {
		os.Setenv(coreType, kernels)
		got, err := runTorch(workload{Kind: "peak", Hidden: 1, Heads: 1, Threads: 1, Device: "cpu"}, python)
		if err != nil && kernels == "" {
			return err
		}
		if err == nil && got.GFLOPS > fastest { // an instruction that the processor lacks ends the process
			best, fastest = kernels, got.GFLOPS
		}
	}
	return os.Setenv(coreType, best)
}

// runTorch measures PyTorch.
func runTorch(w workload, python string) (outcome, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return outcome{}, err
	}
	defer os.RemoveAll(dir)
	script := filepath.Join(dir, "torch_side.py")
	if err := os.WriteFile(script, torchSide, 0o644); err != nil {
		return outcome{}, err
	}
	return run(w, python, script, w.Kind)
}

// run starts a process with the workload as its last argument and reads the outcome from its output.
func run(w workload, name string, args ...string) (out outcome, err error) {
	argument, err := json.Marshal(w)
	if err != nil {
		return out, err
	}
	cmd := exec.Command(name, append(args, string(argument))...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(text, &out)
}
