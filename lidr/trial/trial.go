package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/backend"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm/remote"
)

// Trial is a trial in a folder.
type Trial struct {
	Dir string
	Settings

	clock *clock
	m0    *lidr.Model // loaded when it is needed first
	data  string      // key of what writePrompts has read, "" before
}

// Open makes or continues the trial in folder dir. What its steps do is told to progress, a line at a step's end and
// one in half a minute.
func Open(dir string, s Settings, progress io.Writer) (*Trial, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	t := &Trial{Dir: dir, Settings: s}
	t.clock = &clock{file: t.path("times.jsonl"), out: progress}
	return t, t.same()
}

// same holds the settings to those that the folder was made with, in trial.json. Servers may be named later.
func (t *Trial) same() error {
	now, before := t.Settings, Settings{}
	now.Translator, now.Judge = "", ""
	err := ledger.ReadJSON(t.path("trial.json"), &before)
	if errors.Is(err, fs.ErrNotExist) {
		return ledger.WriteJSON(t.path("trial.json"), now)
	}
	if err == nil && !reflect.DeepEqual(before, now) {
		err = fmt.Errorf("%s is a trial with the settings %+v, and these are %+v; choose another folder", t.Dir, before, now)
	}
	return err
}

func (t *Trial) path(parts ...string) string {
	return filepath.Join(append([]string{t.Dir}, parts...)...)
}

func (t *Trial) languages() []string { return slices.Concat([]string{"en"}, t.Trained, t.Unseen) }

// base is M0.
func (t *Trial) base() (*lidr.Model, error) {
	if t.m0 == nil {
		m, err := lidr.LoadModel(t.Model)
		if err == nil && t.Quantize != "" {
			m, err = m.Quantized(t.Quantize)
		}
		if err != nil {
			return nil, err
		}
		t.m0 = m
	}
	return t.m0, nil
}

func server(ctx context.Context, address string) (*lidr.Model, error) {
	m, err := remote.Open(ctx, remote.Options{Endpoints: []string{address}})
	if err != nil {
		return nil, err
	}
	return lidr.UseModel(address, m), nil
}

// open opens the run of a cell.
func (t *Trial) open(c Cell, a arm) (*lidr.Run, error) {
	return t.openRun(filepath.Join("cells", c.String()), t.settings(c, a))
}

func (t *Trial) openRun(folder string, s lidr.Settings) (*lidr.Run, error) {
	return lidr.Open(t.path(folder), s, lidr.WithStore(ledger.StoreBeside(t.Dir)),
		lidr.WithProgress(t.clock.of(filepath.Base(folder))))
}

// Run runs cells: the model before training is measured, then a round is run and its model measured, of each cell in
// turn, and then of each the next round, so that an early end leaves the claim, which is of one round. What is finished
// is not touched.
func (t *Trial) Run(ctx context.Context, cells ...Cell) error {
	for rounds := 1; rounds <= t.Rounds; rounds++ {
		for _, c := range cells {
			if err := t.runTo(ctx, c, rounds); err != nil {
				return err
			}
		}
	}
	return nil
}

// runTo runs the first rounds of a cell.
func (t *Trial) runTo(ctx context.Context, c Cell, rounds int) (err error) {
	if err := t.writePrompts([]Cell{c}); err != nil {
		return err
	}
	m, err := t.base()
	if err != nil {
		return err
	}
	a, err := c.arm()
	if err != nil {
		return err
	}
	rounds = min(rounds, t.settings(c, a).Rounds)
	before, err := t.record(c)
	if err != nil || before.Rounds >= rounds {
		return err
	}
	run, err := t.open(c, a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	now := record{items: map[string][]Item{}, header: header{
		Cell: c.String(), Key: t.key(c, a), M0: m.Fingerprint(), Data: t.data, Rounds: rounds,
		Kernels: []string{backend.Arithmetic(m.Engine())},
	}}
	if now.Judge, err = fingerprint(ctx, t.Judge); err != nil {
		return err
	}
	if a.pairs == "translator" {
		if now.Translator, err = fingerprint(ctx, t.Translator); err != nil {
			return err
		}
	}
	if err := t.rounds(ctx, run, a, m, before, &now); err != nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	if _, err := lidr.Report(ctx, run); err != nil {
		return err
	}
	return t.writeRecord(now)
}

// fingerprint is that of the model behind an address, "" for none.
func fingerprint(ctx context.Context, address string) (string, error) {
	if address == "" {
		return "", nil
	}
	m, err := server(ctx, address)
	if err != nil {
		return "", err
	}
	return m.Fingerprint(), nil
}

// rounds runs the rounds of now from m on and measures what this folder has not measured before. A run that stops,
// since it is saturated, has had all rounds.
func (t *Trial) rounds(ctx context.Context, run *lidr.Run, a arm, m *lidr.Model, before record, now *record) error {
	measure := func() error {
		items, err := before.measured(run, m.Name())
		switch {
		case err != nil:
			return err
		case items != nil: // whatever computed them
			now.Kernels = append(now.Kernels, before.Kernels...)
			slices.Sort(now.Kernels)
			now.Kernels = slices.Compact(now.Kernels)
		case a.name == "majority":
			items, err = t.vote(ctx, run, m)
		default:
			items, err = t.measure(ctx, run, m)
		}
		now.Models, now.items[m.Name()] = append(now.Models, m.Name()), items
		return err
	}
	if err := measure(); err != nil || a.name == "majority" {
		return err
	}
	for range now.Rounds {
		pairs, err := t.pairs(ctx, run, a, m)
		if err != nil {
			return err
		}
		if stop, err := run.Saturated(ctx, m, pairs); err != nil || stop {
			now.Rounds = run.Settings.Rounds
			return err
		}
		if m, _, err = lidr.Train(ctx, run, m, pairs); err != nil {
			return err
		}
		if err := measure(); err != nil {
			return err
		}
		if stop, err := run.Saturated(ctx, m, datasets.Frame([]lidr.Pair(nil))); err != nil || stop {
			now.Rounds = run.Settings.Rounds
			return err
		}
	}
	return nil
}

// pairs are those of m's round, as the arm makes them.
func (t *Trial) pairs(ctx context.Context, run *lidr.Run, a arm, m *lidr.Model) (pairs dataframe.DataFrame, err error) {
	prompts, err := lidr.Prompts(ctx, run, m)
	if err != nil {
		return pairs, err
	}
	responses, err := lidr.Generate(ctx, run, m, prompts)
	if err != nil {
		return pairs, err
	}
	if a.pairs == "template" {
		return templatePairs(ctx, run, m, prompts, responses)
	}
	by := m
	if a.pairs == "translator" {
		if by, err = server(ctx, t.Translator); err != nil {
			return pairs, err
		}
	}
	translations, err := lidr.TranslateBy(ctx, run, m, by, responses)
	if err != nil {
		return pairs, err
	}
	pairs, _, err = lidr.Pairs(ctx, run, m, responses, translations)
	if err != nil || a.pairs != "trained" {
		return pairs, err
	}
	var rows []lidr.Pair
	err = datasets.Rows(pairs, &rows)
	rows = slices.DeleteFunc(rows, func(p lidr.Pair) bool { return p.Lang == run.Settings.Dominant })
	return datasets.Frame(rows), err
}

// templates say a gold number as the answer phrases of MGSM do, which [eval.StrictNumber] reads.
var templates = map[string]string{
	"en": "The answer is %s.", "de": "Die Antwort lautet %s.", "es": "La respuesta es %s.", "fr": "La réponse est %s.",
	"ru": "Ответ — %s.", "it": "La risposta è %s.", "pt": "A resposta é %s.", "zh": "答案是 %s。", "ja": "答えは%sです。",
	"sw": "Jibu ni %s.", "th": "คำตอบคือ %s",
}

// templatePairs prefer the template with the gold number to the model's own answers to arithmetic. Answers that were
// cut by their length are among these, as they are not in main: the arm asks what form alone does.
func templatePairs(ctx context.Context, run *lidr.Run, m *lidr.Model, prompts,
	responses dataframe.DataFrame) (pairs dataframe.DataFrame, err error) {
	var asked []lidr.Prompt
	if err := datasets.Rows(prompts, &asked); err != nil {
		return pairs, err
	}
	var samples []datasets.Response
	if err := datasets.Rows(responses, &samples); err != nil {
		return pairs, err
	}
	var scores []lidr.SampleScore
	for _, row := range samples {
		scores = append(scores, lidr.SampleScore{ID: row.ID, Lang: row.Lang})
	}
	for _, p := range asked {
		template, ok := templates[p.Lang]
		if !ok {
			return pairs, fmt.Errorf("the arm gold-template has no wording in %q; leave the language out", p.Lang)
		}
		if p.Answer == "" {
			continue
		}
		samples = append(samples, datasets.Response{
			ID: p.ID, Lang: p.Lang, Prompt: p.Prompt, Response: fmt.Sprintf(template, p.Answer), Sample: 1,
			FinishReason: "stop",
		})
		scores = append(scores, lidr.SampleScore{ID: p.ID, Lang: p.Lang, Sample: 1, Score: 1})
	}
	pairs, _, err = lidr.PairsByScore(ctx, run, m, datasets.Frame(samples), datasets.Frame(scores),
		lidr.Selection{Rule: "max-min"})
	return pairs, err
}
