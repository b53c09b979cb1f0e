package trial

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/backend"
	"lidrlab/lidr/ledger"
)

// Rates are what the probe has measured of a model on this machine, rates.json.
type Rates struct {
	Model   string    `json:"model"` // fingerprint
	Machine string    `json:"machine"`
	Settled string    `json:"settled"` // the settings that rates depend on
	Taken   time.Time `json:"taken"`
	Seconds float64   `json:"seconds"` // of the probe

	Arithmetic   map[string]float64 `json:"arithmetic"`   // tokens of an answer by language
	Instructions map[string]float64 `json:"instructions"` // the same to free prompts
	Translation  float64            `json:"translation"`  // tokens of a translation
	Pair         float64            `json:"pair"`         // tokens of a pair, prompts twice
	Kept         float64            `json:"kept"`         // pairs a translation

	Generate  float64 `json:"generate"`  // tokens of answers a second
	Translate float64 `json:"translate"` // the same of translations
	Reference float64 `json:"reference"` // tokens of pairs a second, forward
	Train     float64 `json:"train"`     // tokens of pairs a second
	Peak      int     `json:"peak_bytes"`
	Disk      int     `json:"disk_bytes"` // of a trained model
}

// Work is a step that is still to be done.
type Work struct {
	Cell    string  `json:"cell"`
	Step    string  `json:"step"`
	Seconds float64 `json:"seconds"`
}

// Forecast says what is still to be done and what it will take.
type Forecast struct {
	Rates
	Work []Work
}

// Total is the time of all work, in seconds.
func (f Forecast) Total() (seconds float64) {
	for _, w := range f.Work {
		seconds += w.Seconds
	}
	return seconds
}

func (f Forecast) String() string {
	models := 0
	for _, w := range f.Work {
		models += strings.Count(w.Step, "train")
	}
	disk := "no model"
	if models > 0 {
		disk = gigabytes(models * f.Disk)
	}
	return fmt.Sprintf("about %s, at most %s of memory, and %s on the disk, for %d steps, as measured on this machine at "+
		"%s in %s; another load of the machine, or answers of another length, change it", inWords(f.Total()),
		gigabytes(f.Peak), disk, len(f.Work), f.Taken.Format("2006-01-02 15:04 MST"), inWords(f.Seconds))
}

// probePrompts is the number of prompts, in every language, by which a model is probed: with five languages as many
// answers as are computed together. probePairs are trained on, and beside them one micro-batch of the longest answers,
// whose memory is the most.
const (
	probePrompts = 12
	probePairs   = 8
)

// Forecast measures the model by a short probe, once a folder, and says what the cells will take from where they are.
// It is nothing where all is done.
func (t *Trial) Forecast(ctx context.Context, cells []Cell) (Forecast, error) {
	work, err := t.work(cells)
	if err != nil || len(work) == 0 {
		return Forecast{}, err
	}
	if err := t.writePrompts([]Cell{{"main", 1}}); err != nil {
		return Forecast{}, err
	}
	rates, err := t.rates(ctx)
	if err != nil {
		return Forecast{}, fmt.Errorf("the probe: %w", err)
	}
	f := Forecast{Rates: rates}
	for _, w := range work {
		f.Work = append(f.Work, Work{w.cell, w.step, w.seconds(rates)})
	}
	return f, nil
}

type planned struct {
	cell, step string
	seconds    func(Rates) float64
}

// work lists what the cells lack. What another cell has computed, or computes before, is not listed.
func (t *Trial) work(cells []Cell) ([]planned, error) {
	var list []planned
	counted := map[string]bool{}
	if _, err := os.Stat(t.path("translation", "trial.jsonl")); err != nil {
		list = append(list, planned{"translation", "M0 translate", func(r Rates) float64 {
			return float64(t.FreeN*(len(t.Trained)+1)) * r.Translation / r.Translate
		}})
	}
	for _, c := range cells {
		a, err := c.arm()
		if err != nil {
			return nil, err
		}
		s := t.settings(c, a)
		before, err := t.record(c)
		if err != nil {
			return nil, err
		}
		if before.Rounds >= s.Rounds {
			continue
		}
		add := func(shared, patterns, step string, seconds func(Rates) float64) {
			found := 0
			for _, pattern := range strings.Fields(patterns) {
				files, _ := filepath.Glob(t.path("cells", pattern)) // a pattern of ours is no bad one
				found += len(files)
			}
			if found == 0 && !counted[shared] {
				list = append(list, planned{c.String(), step, seconds})
			}
			counted[shared] = true
		}
		if a.name == "majority" {
			add(c.String(), c.String()+"/M0/trial.jsonl", "M0 votes", func(r Rates) float64 {
				return float64(t.Votes) * r.answers(t.problems(), s.Languages(), r.Arithmetic)
			})
			continue
		}
		measuring := func(r Rates) float64 { return t.measuring(r, s.AllLanguages()) }
		if len(s.Unseen) > 0 {
			add(c.String()+"M0", c.String()+"/M0/trial.jsonl", "M0 measure", measuring)
		} else { // shared by all cells but main's first, which asks in more languages, and majority, which asks otherwise
			add("M0", "main-[^1]*/M0/trial.jsonl [^m]*/M0/trial.jsonl", "M0 measure", measuring)
		}
		for round := range s.Rounds {
			m, own := fmt.Sprintf("M%d ", round), c.String()+fmt.Sprintf("/M%d/", round)
			key, answered, translated := fmt.Sprint(c, round), own, own
			if round == 0 { // shared by the cells of the seed whose prompts are the same: all but gold-template
				key = a.prompts + fmt.Sprint(c.Seed)
				answered = fmt.Sprintf("[^g]*-%d/M0/", c.Seed)
				if a.pairs != "translator" {
					translated = fmt.Sprintf("[^gt]*-%d/M0/", c.Seed) // and but translator
				}
			}
			if a.pairs == "template" {
				add(key, own+"responses/en.jsonl", m+"generate", func(r Rates) float64 {
					return r.answers(t.N, s.Languages(), r.Arithmetic)
				})
			} else {
				add(key, answered+"responses/en.jsonl", m+"generate", func(r Rates) float64 {
					return r.answers(t.N/2, s.Languages(), r.Arithmetic) + r.answers(t.N-t.N/2, s.Languages(), r.Instructions)
				})
				add(translated+"translate", translated+"pairs.jsonl", m+"translate", func(r Rates) float64 {
					return float64(t.N*(len(s.Trained)+1)) * r.Translation / r.Translate
				})
			}
			next := c.String() + fmt.Sprintf("/M%d/", round+1)
			add(next, next+"training.json", m+"train", func(r Rates) float64 {
				pairs := float64(t.N*(len(s.Trained)+1)) * r.Kept * r.Pair
				return pairs/r.Reference + pairs/r.Train
			})
			add(next+"measure", next+"trial.jsonl", fmt.Sprintf("M%d measure", round+1), measuring)
		}
	}
	return list, nil
}

// problems is the number of problems of an evaluation.
func (t *Trial) problems() int {
	all := 250 // MGSM's
	if t.Dev {
		if held, err := readPrompts(t.path("dev"), []string{"en"}, 0); err == nil {
			all = len(held)
		}
	}
	if t.EvalN == 0 || t.Dev && t.EvalN > all {
		return all
	}
	return t.EvalN
}

// answers is the time of n answers in each language.
func (r Rates) answers(n int, langs []string, tokens map[string]float64) (seconds float64) {
	for _, lang := range langs {
		seconds += float64(n) * tokens[lang] / r.Generate
	}
	return seconds
}

// measuring is the time of measuring one model: problems, free prompts, the harm items, and the texts, of about 80
// tokens each.
func (t *Trial) measuring(r Rates, langs []string) float64 {
	seconds := r.answers(t.problems(), langs, r.Arithmetic) + r.answers(t.FreeN, langs, r.Instructions)
	for _, lang := range []string{"en", "es"} {
		if slices.Contains(langs, lang) {
			seconds += r.answers(30, []string{lang}, r.Instructions)
		}
	}
	return seconds + float64(80*t.textsN()*len(langs))/r.Reference
}

// rates reads or takes the rates. A probe that was killed continues.
func (t *Trial) rates(ctx context.Context) (Rates, error) {
	m, err := t.base()
	if err != nil {
		return Rates{}, err
	}
	now := Rates{
		Model: m.Fingerprint(), Machine: backend.Arithmetic(m.Engine()),
		Settled: fmt.Sprint("probe 2 ", t.Tokens, t.LoRA, t.languages()),
	}
	var before Rates
	err = ledger.ReadForeignJSON(t.path("rates.json"), &before)
	if err == nil && before.Model == now.Model && before.Machine == now.Machine && before.Settled == now.Settled {
		return before, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Rates{}, err
	}
	folder := t.path("probe")
	fmt.Fprintln(t.clock.out, "a short probe measures the model; what it takes is kept in rates.json")
	for again := true; ; again = false {
		err := t.probe(ctx, m, folder, &now)
		if err != nil && !(errors.Is(err, errUntimed) && again) {
			return Rates{}, err
		}
		if err := os.RemoveAll(folder); err != nil { // a model's size
			return Rates{}, err
		}
		if err == nil {
			break
		}
	}
	now.Taken = time.Now().UTC().Truncate(time.Second)
	return now, ledger.WriteJSON(t.path("rates.json"), now)
}

// errUntimed is of a probe that was killed between a step's end and its record.
var errUntimed = errors.New("a step has no time; run again")

// probe runs a tiny round in a store of its own and fills in what it measures.
func (t *Trial) probe(ctx context.Context, m *lidr.Model, folder string, r *Rates) (err error) {
	a, err := Cell{"main", 1}.arm()
	if err != nil {
		return err
	}
	s := t.settings(Cell{"main", 1}, a)
	s.Rounds, s.Evaluate.Source, s.StopWhenSaturated = 1, "", false
	s.Trained, s.Unseen = t.languages()[1:], nil
	s.Prompts.N = min(probePrompts, t.N)
	if s.Train.MicroBatch > 0 {
		s.Train.BatchPairs = s.Train.MicroBatch
	}
	c := &clock{file: filepath.Join(folder, "times.jsonl"), out: t.clock.out}
	run, err := lidr.Open(filepath.Join(folder, "run"), s, lidr.WithStore(filepath.Join(folder, "store")),
		lidr.WithProgress(c.of("probe")))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	prompts, err := lidr.Prompts(ctx, run, m)
	if err != nil {
		return err
	}
	frame, err := lidr.Generate(ctx, run, m, prompts)
	if err != nil {
		return err
	}
	translated, err := lidr.Translate(ctx, run, m, frame)
	if err != nil {
		return err
	}
	kept, _, err := lidr.Pairs(ctx, run, m, frame, translated)
	if err != nil {
		return err
	}
	var asked []lidr.Prompt
	var responses []datasets.Response
	var translations []datasets.Translation
	var pairs []lidr.Pair
	err = errors.Join(datasets.Rows(prompts, &asked), datasets.Rows(frame, &responses),
		datasets.Rows(translated, &translations), datasets.Rows(kept, &pairs))
	if err != nil {
		return err
	}
	count := func(text string) float64 { return float64(len(m.Tokenizer().EncodeContent(text))) }
	all := r.lengths(asked, responses)
	made := 0.0
	for _, row := range translations {
		made += count(row.Completion)
	}
	r.Translation = made / float64(max(1, len(translations)))
	r.Kept = float64(len(pairs)) / float64(max(1, len(translations)))
	trained := append(typical(pairs, responses), longest(responses, max(1, s.Train.MicroBatch))...)
	tokens, err := lidr.TokenPairs(m, s, trained)
	if err != nil {
		return err
	}
	sum, own := 0.0, 0.0
	for i, p := range tokens {
		n := float64(2*len(p.Prompt) + len(p.Chosen) + len(p.Rejected))
		if sum += n; i < min(probePairs, len(tokens)) {
			own += n
		}
	}
	r.Pair = own / float64(min(probePairs, len(tokens)))
	if _, _, err := lidr.Train(ctx, run, m, datasets.Frame(trained)); err != nil {
		return err
	}
	if info, err := os.Stat(run.Path("M1", "model", "model.safetensors")); err == nil {
		r.Disk = int(info.Size())
	}
	times, err := c.times()
	if err != nil {
		return err
	}
	r.Seconds, r.Peak = 0, peak()
	for _, time := range times {
		r.Seconds, r.Peak = r.Seconds+time.Seconds, max(r.Peak, time.Peak)
	}
	for _, step := range []struct {
		name   string
		tokens float64
		rate   *float64
	}{
		{"M0 generate", all, &r.Generate}, {"M0 translate", made, &r.Translate}, {"M0 reference", sum, &r.Reference},
		{"M0 train", sum, &r.Train},
	} {
		if step.tokens == 0 { // no answer was whole, so none was translated
			*step.rate = r.Generate
		} else if *step.rate = rate(times, step.name, step.tokens); *step.rate == 0 {
			return errUntimed
		}
	}
	return nil
}

// lengths fills in the tokens of answers, and returns their sum.
func (r *Rates) lengths(asked []lidr.Prompt, responses []datasets.Response) (sum float64) {
	gold := map[string]bool{}
	for _, p := range asked {
		gold[p.ID] = gold[p.ID] || p.Answer != ""
	}
	r.Arithmetic, r.Instructions = map[string]float64{}, map[string]float64{}
	n := map[string]float64{}
	for _, row := range responses {
		kind := r.Instructions
		if gold[row.ID] {
			kind = r.Arithmetic
		}
		sum += float64(row.Tokens)
		key := fmt.Sprint(gold[row.ID], row.Lang)
		n[key]++
		kind[row.Lang] += (float64(row.Tokens) - kind[row.Lang]) / n[key]
	}
	for _, p := range asked { // a source of one kind of prompts alone
		if _, ok := r.Instructions[p.Lang]; !ok {
			r.Instructions[p.Lang] = r.Arithmetic[p.Lang]
		}
		if _, ok := r.Arithmetic[p.Lang]; !ok {
			r.Arithmetic[p.Lang] = r.Instructions[p.Lang]
		}
	}
	return sum
}

// typical are the first pairs, and answers in the place of those that are too few.
func typical(pairs []lidr.Pair, responses []datasets.Response) []lidr.Pair {
	for i := 0; i < len(responses) && len(pairs) < probePairs; i++ {
		pairs = append(pairs, overNext(responses, i))
	}
	return pairs[:min(probePairs, len(pairs))]
}

// longest are pairs of the longest answers.
func longest(responses []datasets.Response, n int) []lidr.Pair {
	responses = slices.Clone(responses)
	slices.SortStableFunc(responses, func(a, b datasets.Response) int { return b.Tokens - a.Tokens })
	var pairs []lidr.Pair
	for i := range n {
		pairs = append(pairs, overNext(responses, i%len(responses)))
	}
	return pairs
}

// overNext is a pair of an answer over the next one, since what two sides have in common is computed once.
func overNext(responses []datasets.Response, i int) lidr.Pair {
	row, next := responses[i], responses[(i+1)%len(responses)]
	return lidr.Pair{ID: row.ID, Lang: row.Lang, Prompt: row.Prompt, Chosen: row.Response, Rejected: next.Response,
		Source: "probe"}
}

// rate is tokens a second of a step, 0 without a time. Of a step in parts those count that were recorded.
func rate(times []Time, step string, tokens float64) float64 {
	items, seconds := 0.0, 0.0
	for _, t := range times {
		if t.Step == step {
			items, seconds = items+float64(t.Items)/float64(t.Total), seconds+t.Seconds
		}
	}
	if seconds == 0 {
		return 0
	}
	return tokens * items / seconds
}
