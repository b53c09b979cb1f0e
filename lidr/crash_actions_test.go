package lidr_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/choices"
	"lidrlab/lidr/doctor"
	"lidrlab/lidr/durable"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/lm"
)

// action is what a user does after a damage. One that reads makes nothing of a run anew but its report.
type action struct {
	name  string
	reads bool
}

var actions = []action{
	{"the same command again", false}, {"report", true}, {"gguf", true}, {"doctor", true}, {"serve", true},
	{"compare", true},
}

// do does the action in a folder of runs.
func (a action) do(dir string) (r result) {
	note := lidr.WithProgress(func(e lidr.Event) {
		if e.Note != "" {
			r.notes = append(r.notes, e.Note)
		}
	})
	folder := filepath.Join(dir, "r")
	switch a.name {
	case "the same command again":
		r.said, r.err = experiment(dir, note)
	case "report":
		r.said, r.err = reportOf(folder, note)
	case "compare":
		r.said, r.err = comparisons(folder, note)
	default:
		r.said, r.err = models(folder, a.name)
	}
	r.files = readAll(dir)
	return r
}

// experiment is every step that leaves files behind, small: two rounds with LoRA and replay, an adapter, answers that
// a judge compares, multiple choice, and the report.
func experiment(dir string, note lidr.Option) (string, error) {
	ctx := context.Background()
	s := lidr.MiniatureSettings()
	s.Trained, s.Unseen = s.Trained[:1], nil
	s.Prompts.N, s.Prompts.Reuse, s.Evaluate.N, s.Evaluate.Translations = 3, true, 2, 2
	s.Train.BatchPairs, s.Train.Replay, s.Train.LoRA = 2, 2, lidr.LoRASettings{Rank: 2, Alpha: 4}
	run, err := lidr.Open(filepath.Join(dir, "r"), s, note)
	if err != nil {
		return "", err
	}
	said, err := steps(ctx, run, filepath.Join(filepath.Dir(dir), "okapi"))
	return said, errors.Join(err, run.Close())
}

func steps(ctx context.Context, run *lidr.Run, suites string) (string, error) {
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		return "", err
	}
	_, scores, err := lidr.Iterate(ctx, run, m0)
	if err != nil {
		return "", err
	}
	ours, err := run.Responses("M1")
	if err != nil {
		return "", err
	}
	theirs, err := run.Responses("M0")
	if err != nil {
		return "", err
	}
	_, rates, err := judge.Compare(ctx, run, "M1-M0", lidr.UseModel("judge", fairJudge{}),
		ours, theirs, judge.Defaults())
	if err != nil {
		return "", err
	}
	if err := writeSuite(suites); err != nil {
		return "", err
	}
	m1, err := run.Model("M1")
	if err != nil {
		return "", err
	}
	said := fmt.Sprint(scores.Records(), rates.Records())
	for _, m := range []*lidr.Model{m0, m1} {
		asked, err := choices.Ask(ctx, run, m, suites, choices.Defaults())
		if err != nil {
			return "", err
		}
		said += fmt.Sprint(asked.Records())
	}
	_, err = lidr.Report(ctx, run)
	return said, err
}

// writeSuite writes a small suite of multiple choice.
func writeSuite(dir string) error {
	var lines strings.Builder
	for i := range 3 {
		fmt.Fprintf(&lines, `{"id": "q%d", "instruction": "Was ist %d?", "option_a": "eine Zahl", `+
			`"option_b": "ein Apfel", "option_c": "Anna", "option_d": null, "answer": "%c"}`+"\n", i, i, "ABC"[i%3])
	}
	folder := filepath.Join(dir, "m_arc")
	return errors.Join(os.MkdirAll(folder, 0o755),
		os.WriteFile(filepath.Join(folder, "en_test.jsonl"), []byte(lines.String()), 0o644))
}

// fairJudge prefers an answer by its words alone.
type fairJudge struct{ instant }

func (fairJudge) Fingerprint() string { return "fair judge" }

func (fairJudge) Generate(_ context.Context, reqs []lm.Request, _ lm.Sampling, done func(int) bool,
	save func([]int, []lm.Completion) error) error {
	for i := range reqs {
		if done(i) {
			continue
		}
		hash := fnv.New32a()
		hash.Write([]byte(reqs[i].ID))
		c := lm.Completion{Text: "mM"[hash.Sum32()%2:][:1], FinishReason: lm.FinishStop, PromptTokens: 30, Tokens: 1}
		if err := save([]int{i}, []lm.Completion{c}); err != nil {
			return err
		}
	}
	return nil
}

func reportOf(folder string, note lidr.Option) (string, error) {
	run, err := lidr.Reopen(folder, note)
	if err != nil {
		return "", err
	}
	data, err := lidr.ReportData(run)
	if err == nil {
		_, err = lidr.Report(context.Background(), run)
	}
	return fmt.Sprintf("%v", data), errors.Join(err, run.Close())
}

// comparisons reads what a notebook would read back.
func comparisons(folder string, note lidr.Option) (string, error) {
	ctx := context.Background()
	run, err := lidr.Reopen(folder, note)
	if err != nil {
		return "", err
	}
	defer run.Close()
	var said strings.Builder
	var failed error
	read := func(value any, err error) {
		fmt.Fprintln(&said, value)
		failed = errors.Join(failed, err)
	}
	for _, model := range []string{"M0", "M1", "M2"} {
		for _, lang := range run.Settings.AllLanguages() {
			rows, err := run.Verdicts(model, lang)
			read(rows, err)
		}
	}
	for _, model := range []string{"M1", "M2"} {
		warnings, err := run.Warnings(model)
		read(warnings, err)
		changes, err := lidr.Compare(ctx, run, "M0", model)
		read(changes.Records(), err)
		responses, err := run.Responses("M1")
		read(responses.Records(), err)
		m, err := run.Model(model)
		if err == nil {
			read(m.Fingerprint(), nil)
		} else {
			read(nil, err)
		}
	}
	changes, err := choices.Tax(ctx, run, "M0", "M1")
	read(changes.Records(), err)
	usage, err := judge.ReadUsage(run, judge.Comparison, "M1-M0")
	read(usage, err)
	return said.String(), failed
}

// models loads the models of a run by their folders, as a command does that is given one.
func models(folder, command string) (string, error) {
	var said strings.Builder
	var failed error
	for _, path := range []string{"M1/model", "M1/adapter", "M2/model", "M2/adapter"} {
		text, err := modelBy(filepath.Join(folder, path), command)
		fmt.Fprintln(&said, text)
		failed = errors.Join(failed, err)
	}
	return said.String(), failed
}

func modelBy(folder, command string) (string, error) {
	m, err := lidr.LoadModel(folder)
	if err != nil {
		return "", err
	}
	switch command {
	case "doctor":
		diagnosis, err := doctor.Examine(context.Background(), m, lidr.MiniatureSettings(), doctor.SamplePair())
		return fmt.Sprint(diagnosis), err
	case "gguf":
		out, err := os.MkdirTemp("", "gguf")
		if err != nil {
			return "", err
		}
		defer os.RemoveAll(out)
		file, err := lidr.ExportGGUF(m, out, "f32")
		if err != nil {
			return "", err
		}
		data, err := os.ReadFile(file)
		return fmt.Sprintf("%x", sha256.Sum256(data)), err
	}
	return m.Fingerprint(), nil
}

// experimentKilled runs the experiment and ends the process by SIGKILL just before the n-th change of a kind: "rename
// /NAME", where a star stands for any name.
func experimentKilled(dir, change, n string) error {
	at, err := strconv.Atoi(n)
	if err != nil {
		return err
	}
	operation, pattern, _ := strings.Cut(change, " /")
	seen := 0
	durable.Before = func(what, path string) error {
		short := filepath.Join(strings.Split(path, "/")[strings.Count(path, "/")-strings.Count(pattern, "/"):]...)
		if same, err := filepath.Match(pattern, short); !same || err != nil || what != operation {
			return err
		}
		if seen++; seen == at {
			process, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = process.Kill()
			}
			panic(fmt.Sprint("still alive after SIGKILL: ", err))
		}
		return nil
	}
	_, err = experiment(dir, lidr.WithProgress(func(lidr.Event) {}))
	return err
}
