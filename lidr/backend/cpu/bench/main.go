//go:build linux

// Bench measures lidr beside the programs that do the same work, and beside what the machine can do at all: loading,
// decoding and training of SmolLM2-135M and Qwen2.5-Coder-0.5B on the processor. It prints a table.
//
//	make bench-peers                                  # all of it
//	make bench-peers LINES=LoRA                       # the lines whose name this regular expression matches
//	make bench-peers BASE=/tmp/lidr-before            # beside another build of lidr
//	make bench-growth                                 # how cost grows with size, context, batch and pairs
//
// lidr is a command, measured as a user has it: lidr doctor, lidr serve with a client over HTTP, lidr run with a
// training script. LIDR_BACKEND chooses its backend, as elsewhere. The peers run in the environments of make peers-env:
// vLLM behind its own server with the same client, transformers, llama.cpp and TRL in the small programs of peers. The
// sides of a line take turns, the medians count, and while one side is measured the servers of the others are stopped.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// bench is what the lines share.
type bench struct {
	lidr, base    string // commands; base is empty or another build
	models, peers string // folders
	rounds        int
	lines         *regexp.Regexp
	machine       machine
	checkpointing map[string]bool   // by build and model: a training without it did not fit
	random        map[string]string // folders of random weights by their size
	notes         []string
}

func main() {
	log.SetFlags(0)
	b := bench{checkpointing: map[string]bool{}, random: map[string]string{}}
	flag.StringVar(&b.lidr, "lidr", "bin/lidr", "lidr to measure")
	flag.StringVar(&b.base, "base", "", "another build of lidr to measure beside it")
	flag.StringVar(&b.models, "models", "bin/real", "folder of the models, as .tools/peers/models.sh makes it")
	flag.StringVar(&b.peers, "peers", "bin/peers", "folder of the peers' environments, as make peers-env makes it")
	flag.IntVar(&b.rounds, "rounds", 3, "measurements of each side; their median counts")
	lines := flag.String("lines", "", "only lines whose name this regular expression matches")
	growth := flag.String("growth", "", "measure how cost grows in place of the table, and draw it into this folder")
	limits := flag.Bool("limits", false, "print the limits of the machine and no more")
	flag.Parse()
	if *limits {
		printLimits()
		return
	}
	var err error
	if b.lines, err = regexp.Compile(*lines); err != nil {
		log.Fatal(err)
	}
	for _, path := range []*string{&b.lidr, &b.base, &b.models, &b.peers} { // scripts and servers are told whole paths
		if *path != "" {
			if *path, err = filepath.Abs(*path); err != nil {
				log.Fatal(err)
			}
		}
	}
	if b.machine, err = b.measureMachine(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %d cores; %s\n", b.machine.processor, runtime.NumCPU(), time.Now().Format("2 January 2006"))
	fmt.Printf("flags: %s\n", b.machine.flags)
	fmt.Printf("limits: reading %.1f GB/s, copying %.1f GB/s (read and written), float32 products %.0f GFLOP/s (%s)\n\n",
		b.machine.read, b.machine.copied, b.machine.gflops, b.machine.fastest)
	if *growth != "" {
		err = b.growth(*growth)
	} else {
		err = b.table()
	}
	for _, dir := range b.random {
		os.RemoveAll(dir)
	}
	for _, note := range b.notes {
		fmt.Println("-", note)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// note keeps a sentence for the list under the table, once.
func (b *bench) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(b.notes, text) {
		fmt.Fprintln(os.Stderr, text)
		b.notes = append(b.notes, text)
	}
}

// wanted says whether a line was asked for.
func (b *bench) wanted(name string) bool {
	return b.lines.MatchString(name)
}

// outcome is what one side reached once.
type outcome struct {
	value  float64 // in the line's unit
	memory float64 // the largest resident size, in GB, of the processes of the side
	prompt float64 // of answers: tokens of prompts for each new one
}

// side is a program that does the work of a line. Its measure may keep a server from one call to the next.
type side struct {
	name    string
	measure func(line) (outcome, error)
	close   func()
}

// line is a line of the table: work that some sides do.
type line struct {
	name    string
	unit    string                // "tok/s", where more is better, or "s"
	limit   string                // in words: the size of the file
	bound   func(outcome) float64 // or the machine's limit, given what lidr did
	without string                // names of sides of the group that do not do this
	batch   int                   // answers at once
	round   int
}

// better says whether a is better than b.
func (l line) better(a, b float64) bool { return (a > b) == (l.unit == "tok/s") }

// table prints all lines.
func (b *bench) table() error {
	fmt.Println("| work | lidr | before | peers | limit | beside the best peer | beside before |")
	fmt.Println("|---|--:|--:|---|--:|--:|--:|")
	for _, group := range b.groups() {
		lines := slices.DeleteFunc(group.lines, func(l line) bool { return !b.wanted(l.name) })
		if len(lines) == 0 {
			continue
		}
		sides := group.open()
		for _, l := range lines {
			b.printLine(l, b.measureLine(l, sides))
		}
		for _, s := range sides {
			if s.close != nil {
				s.close()
			}
		}
	}
	fmt.Println()
	return nil
}

// measureLine lets the sides take turns and returns the median of each.
func (b *bench) measureLine(l line, sides []side) map[string]outcome {
	all := map[string][]outcome{}
	failed := map[string]bool{}
	for l.round = range b.rounds {
		for _, s := range sides {
			if failed[s.name] || strings.Contains(l.without, s.name) {
				continue
			}
			got, err := s.measure(l)
			if err != nil {
				failed[s.name] = true
				b.note("%s, %s: %v", l.name, s.name, err)
				continue
			}
			fmt.Fprintf(os.Stderr, "%s, %s: %.4g %s, %.2f GB\n", l.name, s.name, got.value, l.unit, got.memory)
			all[s.name] = append(all[s.name], got)
		}
	}
	medians := map[string]outcome{}
	for name, list := range all {
		medians[name] = outcome{
			value:  median(list, func(o outcome) float64 { return o.value }),
			memory: median(list, func(o outcome) float64 { return o.memory }),
			prompt: median(list, func(o outcome) float64 { return o.prompt }),
		}
	}
	return medians
}

func median(list []outcome, of func(outcome) float64) float64 {
	sorted := slices.SortedFunc(slices.Values(list), func(a, b outcome) int { return cmp.Compare(of(a), of(b)) })
	return of(sorted[len(sorted)/2])
}

const (
	ours   = "lidr"
	before = "lidr before"
)

func (b *bench) printLine(l line, got map[string]outcome) {
	show := func(o outcome) string { return fmt.Sprintf("%.3g %s, %.2f GB", o.value, l.unit, o.memory) }
	cells := map[string]string{}
	var peers []string
	best := 0.0
	for _, name := range slices.Sorted(maps.Keys(got)) {
		o := got[name]
		cells[name] = show(o)
		if name == ours || name == before {
			continue
		}
		peers = append(peers, name+" "+show(o))
		if best == 0 || l.better(o.value, best) {
			best = o.value
		}
	}
	limit := l.limit
	if l.bound != nil {
		limit = fmt.Sprintf("%.3g %s", l.bound(got[ours]), l.unit)
	}
	fmt.Printf("| %s | %s | %s | %s | %s | %s | %s |\n", l.name, or(cells[ours]), or(cells[before]),
		or(strings.Join(peers, "; ")), or(limit), l.ratio(got[ours].value, best), l.ratio(got[ours].value, got[before].value))
}

// ratio says how many times as fast a is as b.
func (l line) ratio(a, b float64) string {
	switch {
	case a == 0 || b == 0:
		return "–"
	case l.unit == "tok/s":
		return fmt.Sprintf("%.2f", a/b)
	}
	return fmt.Sprintf("%.2f", b/a)
}

func or(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
