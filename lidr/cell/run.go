package cell

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/lidr"
	"lidrlab/lidr/show"
)

// Context is what the steps of a notebook run under: a cell that is interrupted ends with one line, and continues when
// it runs again.
var Context = heedInterrupts()

// patience is how long a cell may go on after an interrupt: steps end by themselves at their next item.
const patience = 1400 * time.Millisecond

func heedInterrupts() context.Context {
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt) // for as long as the cell runs
	context.AfterFunc(ctx, func() {
		time.Sleep(patience)
		interrupted()
	})
	return ctx
}

// interrupted ends the cell.
func interrupted() {
	fmt.Fprintln(os.Stderr, "interrupted; the cell continues where it stopped when it runs again")
	os.Exit(130)
}

// Small returns settings at a tiny size where LIDR_SMALL is set, which only checks that a notebook runs, and else as
// they are.
func Small(s lidr.Settings) lidr.Settings {
	if os.Getenv("LIDR_SMALL") != "" {
		s.Prompts.N, s.Evaluate.N = min(s.Prompts.N, 12), min(s.Evaluate.N, 12)
		s.Evaluate.Translations = min(s.Evaluate.Translations, 2)
	}
	return s
}

// Settings are those of the notebooks' runs: one round of 100 prompts on the embedded model, tiny where LIDR_SMALL is
// set.
func Settings() lidr.Settings {
	s := lidr.MiniatureSettings()
	s.Rounds, s.Prompts.N = 1, 100
	return Small(s)
}

// First declares the run that the notebooks share, of [Settings] in folder runs/first.
func First() *Run { return Begin("runs/first", Settings()) }

// Run is a run and the steps of its first round. Each step does those before it, once in a process, and ends the cell
// at an error.
type Run struct {
	open         func() *lidr.Run
	m0           func() *lidr.Model
	prompts      func() dataframe.DataFrame
	responses    func() dataframe.DataFrame
	translations func() dataframe.DataFrame
	pairs        func() [2]dataframe.DataFrame
	m1           func() trained
	scores       map[string]dataframe.DataFrame
}

type trained struct {
	model *lidr.Model
	steps dataframe.DataFrame
}

// Begin declares a run of the embedded model in folder dir; nothing is opened until a step is asked for. Progress is
// drawn below the cell.
func Begin(dir string, s lidr.Settings, options ...lidr.Option) *Run {
	return BeginWith(dir, s, func() (*lidr.Model, error) { return lidr.LoadModel("miniature") }, options...)
}

// BeginWith is [Begin] for another model: load returns the run's M0.
func BeginWith(dir string, s lidr.Settings, load func() (*lidr.Model, error), options ...lidr.Option) *Run {
	r := &Run{scores: map[string]dataframe.DataFrame{}}
	r.open = sync.OnceValue(func() *lidr.Run {
		return Must(lidr.Open(dir, s, append([]lidr.Option{lidr.WithProgress(lidr.ShowProgress())}, options...)...))
	})
	r.m0 = sync.OnceValue(func() *lidr.Model { return Must(load()) })
	r.prompts = sync.OnceValue(func() dataframe.DataFrame { return Must(lidr.Prompts(Context, r.Open(), r.M0())) })
	r.responses = sync.OnceValue(func() dataframe.DataFrame {
		return Must(lidr.Generate(Context, r.Open(), r.M0(), r.Prompts()))
	})
	r.translations = sync.OnceValue(func() dataframe.DataFrame {
		return Must(lidr.Translate(Context, r.Open(), r.M0(), r.Responses()))
	})
	r.pairs = sync.OnceValue(func() [2]dataframe.DataFrame {
		pairs, counts := Must2(lidr.Pairs(Context, r.Open(), r.M0(), r.Responses(), r.Translations()))
		return [2]dataframe.DataFrame{pairs, counts}
	})
	r.m1 = sync.OnceValue(func() trained {
		model, steps := Must2(lidr.Train(Context, r.Open(), r.M0(), r.Pairs()))
		return trained{model, steps}
	})
	return r
}

// Open returns the run itself, for functions of package lidr.
func (r *Run) Open() *lidr.Run { return r.open() }

// M0 returns the model that the run starts from.
func (r *Run) M0() *lidr.Model { return r.m0() }

// Prompts returns a frame of [lidr.Prompt] rows.
func (r *Run) Prompts() dataframe.DataFrame { return r.prompts() }

// Responses returns M0's answers, a frame of [datasets.Response] rows.
func (r *Run) Responses() dataframe.DataFrame { return r.responses() }

// Translations returns M0's translations of its answers, a frame of [datasets.Translation] rows.
func (r *Run) Translations() dataframe.DataFrame { return r.translations() }

// Pairs returns the preference pairs, a frame of [lidr.Pair] rows.
func (r *Run) Pairs() dataframe.DataFrame { return r.pairs()[0] }

// Counts returns what became of the candidates for pairs, a frame of [lidr.PairCount] rows.
func (r *Run) Counts() dataframe.DataFrame { return r.pairs()[1] }

// M1 returns the model that training on the pairs makes.
func (r *Run) M1() *lidr.Model { return r.m1().model }

// Steps returns the course of that training, a frame of [dpo.Step] rows.
func (r *Run) Steps() dataframe.DataFrame { return r.m1().steps }

// Scores evaluates "M0" or "M1" and returns a frame of [eval.Score] rows.
func (r *Run) Scores(model string) dataframe.DataFrame {
	scores, known := r.scores[model]
	if !known {
		m := r.M0()
		if model != m.Name() {
			m = r.M1()
		}
		if model != m.Name() {
			m = Must(r.Open().Model(model))
		}
		scores = Must(lidr.Evaluate(Context, r.Open(), m))
		r.scores[model] = scores
	}
	return scores
}

// Report writes the report of the run, with M0 and M1 evaluated, and shows a link to it.
func (r *Run) Report() {
	r.Scores("M0")
	r.Scores("M1")
	Show(show.Link(Must(lidr.Report(Context, r.Open()))))
}
