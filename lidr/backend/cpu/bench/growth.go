//go:build linux

package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/tokenizer"
	"lidrlab/plots"
)

// point is where on the axes a measurement is: one axis is walked from the middle point, the others stand still.
type point struct {
	size    string // a key of sizes
	context int    // tokens of a prompt with its answer
	batch   int    // answers at once, or pairs a step
}

var middle = point{"0.5B", 512, 4}

// sizes are the shapes of SmolLM2-135M, Qwen2.5-0.5B and 1.5B.
var sizes = map[string]checkpoint.Config{
	"135M": growthConfig(576, 30, 9, 3, 1536, 49152),
	"0.5B": growthConfig(896, 24, 14, 2, 4864, 151936),
	"1.5B": growthConfig(1536, 28, 12, 2, 8960, 151936),
}

// axis is a walk, with a name for each of its points.
type axis struct {
	name   string
	labels []string
	at     func(i int) point
}

func axes() []axis {
	names := []string{"135M", "0.5B", "1.5B"}
	contexts, batches := []int{512, 1024, 2048, 4096, 8192}, []int{1, 2, 4, 8, 16, 32, 64, 128}
	return []axis{
		{"size", names, func(i int) point { return point{names[i], middle.context, middle.batch} }},
		{"context", labels(contexts), func(i int) point { return point{middle.size, contexts[i], middle.batch} }},
		{"batch", labels(batches), func(i int) point { return point{middle.size, middle.context, batches[i]} }},
	}
}

func labels(numbers []int) []string {
	out := make([]string, len(numbers))
	for i, n := range numbers {
		out[i] = fmt.Sprint(n)
	}
	return out
}

// growth prints how decoding and a step of LoRA grow along each axis, on random weights, and how a training of the
// miniature grows with the number of its pairs, and draws a figure of the rates and one of the memory for each.
func (b *bench) growth(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	fmt.Printf("from the middle point %s, %d tokens, %d at once; cells are tokens a second and GB\n\n", middle.size,
		middle.context, middle.batch)
	works := map[string]func(point) (outcome, error){"decode": b.growthDecode, "LoRA step": b.growthTrain}
	for _, a := range axes() {
		for _, work := range []string{"decode", "LoRA step"} {
			err := b.walk(folder, a.name+", "+work, a.labels, func(i int) (outcome, error) { return works[work](a.at(i)) })
			if err != nil {
				return err
			}
		}
	}
	pairs := []int{100, 1000, 10_000, 100_000}
	return b.walk(folder, "pairs, miniature", labels(pairs), func(i int) (outcome, error) {
		got, memory, err := b.runTraining(b.lidr, newJob("miniature", 0, 20, pairs[i]/20, 1, 1e-4), false)
		return outcome{value: got.Tokens / got.Seconds, memory: memory}, err
	})
}

// walk measures along an axis, prints a line and draws it.
func (b *bench) walk(folder, name string, labels []string, measure func(i int) (outcome, error)) error {
	rate, memory := plots.Series{Name: "tokens/s"}, plots.Series{Name: "GB"}
	var measured []string
	for i, label := range labels {
		if !b.wanted(name + " " + label) {
			continue
		}
		measured = append(measured, label)
		got, err := measure(i)
		cell := fmt.Sprintf("%.3g tok/s, %.2f GB", got.value, got.memory)
		if err != nil {
			got = outcome{value: math.NaN(), memory: math.NaN()}
			cell = "refused"
			b.note("%s %s: %v", name, label, err)
		}
		fmt.Printf("| %s | %s | %s |\n", name, label, cell)
		rate.Values, memory.Values = append(rate.Values, got.value), append(memory.Values, got.memory)
	}
	if measured == nil {
		return nil
	}
	file := strings.NewReplacer(", ", "-", " ", "-").Replace(name)
	for _, s := range []plots.Series{rate, memory} {
		figure := plots.Lines{Title: name, Unit: s.Name, XLabel: name, X: measured, Series: []plots.Series{s}}.Figure()
		path := filepath.Join(folder, file+"-"+strings.ReplaceAll(s.Name, "/", "-per-")+".png")
		if err := figure.Save(path); err != nil {
			b.note("%s was not drawn: %v", path, err)
		}
	}
	return nil
}

const growthTokens = 32 // of an answer

// growthDecode serves random weights and asks for as many answers at once.
func (b *bench) growthDecode(p point) (outcome, error) {
	dir, t, err := b.randomModel(p.size)
	if err != nil {
		return outcome{}, err
	}
	defer os.RemoveAll(dir)
	s, err := startServer(lidrServer(b.lidr, dir, "--max-batch", fmt.Sprint(p.batch)))
	if err != nil {
		return outcome{}, err
	}
	defer s.close()
	prompts := make([]string, p.batch)
	for i := range prompts {
		prompts[i] = fill(t, fmt.Sprint(i), p.context-growthTokens)
	}
	got, took, err := s.answers(prompts, p.batch, growthTokens)
	if err != nil {
		return outcome{}, err
	}
	memory, err := s.memory()
	return outcome{value: float64(got.In+got.Out) / took.Seconds(), memory: memory}, err
}

// growthTrain takes a step of LoRA on random weights, references included.
func (b *bench) growthTrain(p point) (outcome, error) {
	dir, t, err := b.randomModel(p.size)
	if err != nil {
		return outcome{}, err
	}
	defer os.RemoveAll(dir)
	j := newJob(dir, 16, p.batch, 1, 1, 1e-6)
	for i := range j.Pairs {
		j.Pairs[i].Chosen = fill(t, "yes", p.context/2)
		j.Pairs[i].Rejected = fill(t, "no", p.context/2)
		j.Pairs[i].Prompt = fill(t, j.Pairs[i].Prompt, p.context/2)
	}
	got, memory, err := b.runTraining(b.lidr, j, false)
	return outcome{value: got.Tokens / got.Seconds, memory: memory}, err
}

// fill makes a text of about n tokens, which leave room for a chat template.
func fill(t *tokenizer.Tokenizer, begin string, n int) string {
	const word = " bread and water"
	each := len(t.EncodeContent(strings.Repeat(word, 100)))
	return begin + strings.Repeat(word, max(0, 100*(n-len(t.EncodeContent(begin))-24)/each))
}
