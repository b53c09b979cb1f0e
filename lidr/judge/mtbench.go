package judge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

// MTBench lets m answer the two turns of every question of MT-bench, the second with its first answer before it, and a
// judge grade each answer alone from 1 to 10 (Zheng et al. 2023, arXiv 2306.05685, single-answer grading). folder holds
// the files of [datasets.LoadMTBench]; the languages are those of the run for which it has one. It returns a frame of
// [MTScore] rows, in which category "all" is every question and turn 0 the mean of both turns, whose standard error is
// taken over questions. It writes <model>/eval/mtbench/LANG.jsonl, <model>/eval/mtbench.json and, of the tokens that
// the judge read and wrote, <model>/eval/mtbench.usage.json; <model>/measures/mt-bench.json is for the report.
//
// The rating is the one [[n]] or [[n.m]] of the verdict. A verdict with none, with one that is not 1 to 10 or with
// several is a failed judge, which is counted; FastChat also takes single brackets, and the first of several. So is a
// verdict that is no whole answer ([lm.Completion.Fault]). An answer of m that is none is not graded, and the second
// turn after it not asked; one that is cut by its length is graded, as FastChat does, and counted. Answers and verdicts
// are kept in the store and not asked for again.
func MTBench(ctx context.Context, run *lidr.Run, m, judge *lidr.Model, folder string,
	s MTBenchSettings) (dataframe.DataFrame, error) {
	scores, err := mtBench(ctx, run, m, judge, folder, s)
	if err != nil {
		return dataframe.DataFrame{}, fmt.Errorf("mt-bench: %w", err)
	}
	return datasets.Frame(scores), nil
}

func mtBench(ctx context.Context, run *lidr.Run, m, judge *lidr.Model, folder string,
	s MTBenchSettings) ([]MTScore, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	templates, err := s.parsed()
	if err != nil {
		return nil, err
	}
	questions, err := mtQuestions(run, folder)
	if err != nil {
		return nil, err
	}
	if err := hasRoom(m, "mtbench.answer", s.Answer); err != nil {
		return nil, err
	}
	if err := hasRoom(judge, "mtbench.judge", s.Judge); err != nil {
		return nil, err
	}
	if err := run.Enter(m); err != nil {
		return nil, err
	}
	b := bench{run: run, model: m, judge: judge, settings: s, templates: templates}
	var scores []MTScore
	for _, own := range questions { // a language that is added later asks nothing of the others again
		dialogs := make([]*dialog, len(own))
		for i, q := range own {
			dialogs[i] = &dialog{question: q}
		}
		if err := b.answer(ctx, dialogs); err != nil {
			return nil, err
		}
		rows, err := b.grade(ctx, dialogs)
		if err != nil {
			return nil, err
		}
		if err := run.WriteLines(run.Path(m.Name(), "eval", "mtbench", own[0].Lang+".jsonl"), rows); err != nil {
			return nil, err
		}
		scores = append(scores, scoreMTBench(m.Name(), own, rows, s)...)
	}
	if err := run.WriteJSON(run.Path(m.Name(), "eval", "mtbench.usage.json"), b.used); err != nil {
		return nil, err
	}
	if err := run.WriteJSON(run.Path(m.Name(), "eval", "mtbench.json"), scores); err != nil {
		return nil, err
	}
	return scores, run.WriteMeasure(m.Name(), mtBenchMeasure(m.Name(), scores, b.used))
}

// mtQuestions reads the questions in every language of the run for which the folder has a file.
func mtQuestions(run *lidr.Run, folder string) ([][]datasets.MTQuestion, error) {
	var all [][]datasets.MTQuestion
	var missing []error
	for _, lang := range run.Settings.AllLanguages() {
		own, err := datasets.LoadMTBench(folder, lang)
		if errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, err)
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, own)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has none of the run's languages: %w", folder, missing[0])
	}
	return all, nil
}

// bench is MT-bench of one model, graded by one judge.
type bench struct {
	run          *lidr.Run
	model, judge *lidr.Model
	settings     MTBenchSettings
	templates    gradings
	used         Usage // of the judge, so far
}

// dialog is a question under way.
type dialog struct {
	question datasets.MTQuestion
	messages []tokenizer.Message // up to the turn that is asked
	answers  [2]string
	faults   [2]string // of the answers
}

// answer lets the model answer both turns of the dialogs, which are in one language. Each temperature is a request list
// of its own.
func (b *bench) answer(ctx context.Context, dialogs []*dialog) error {
	byTemperature := map[float64][]*dialog{}
	var temperatures []float64
	for _, d := range dialogs {
		t := b.settings.temperature(d.question.Category)
		if byTemperature[t] == nil {
			temperatures = append(temperatures, t)
		}
		byTemperature[t] = append(byTemperature[t], d)
	}
	for turn := range 2 {
		for _, t := range temperatures {
			sampling := b.settings.Answer
			sampling.Temperature = t
			if err := b.answerTurn(ctx, byTemperature[t], turn, sampling); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) answerTurn(ctx context.Context, all []*dialog, turn int, sampling lm.Sampling) error {
	var dialogs []*dialog
	for _, d := range all {
		if turn == 0 || isAnswer(d.faults[0]) {
			dialogs = append(dialogs, d)
		} else {
			d.faults[turn] = d.faults[0]
		}
	}
	if len(dialogs) == 0 {
		return nil
	}
	requests := make([]lm.Request, len(dialogs))
	for i, d := range dialogs {
		q := d.question
		messages, err := b.run.Settings.Generate.Messages(q.Turns[turn], q.Lang)
		if err != nil {
			return err
		}
		if turn == 1 { // the dialog has the system message already
			said := tokenizer.Message{Role: "assistant", Content: d.answers[0]}
			messages = append(slices.Clone(d.messages), said, messages[len(messages)-1])
		}
		d.messages = messages
		requests[i] = lm.Request{ID: fmt.Sprintf("%s/%s/%d", q.ID, q.Lang, turn+1), Messages: messages}
		if err := b.model.Fits(requests[i], q.File); err != nil {
			return fmt.Errorf("turn %d: %w; the second turn holds the first answer, which a lower Answer.MaxTokens shortens",
				turn+1, err)
		}
	}
	step := fmt.Sprintf("%s mt-bench %s turn %d", b.model.Name(), dialogs[0].question.Lang, turn+1)
	answers, err := lidr.Ask(ctx, b.run, b.model, step, requests, sampling, 0)
	if err != nil {
		return err
	}
	for i, d := range dialogs {
		c := answers[i].Split()
		d.answers[turn], d.faults[turn] = c.Text, c.Fault()
	}
	return nil
}

// grade lets the judge grade the answers, and returns two rows a question, the first turn's first.
func (b *bench) grade(ctx context.Context, dialogs []*dialog) ([]MTAnswer, error) {
	var requests []lm.Request
	var of []int // the row of each request
	var rows []MTAnswer
	for _, d := range dialogs {
		q := d.question
		fields := map[string]string{
			"Language": lidr.LanguageName(q.Lang), "Question2": "", "Answer2": "", "Reference2": "",
		}
		for turn, templates := range b.templates {
			n := strconv.Itoa(turn + 1)
			fields["Question"+n] = q.Turns[turn]
			fields["Answer"+n] = d.answers[turn]
			fields["Reference"+n] = q.Reference[turn]
			row := MTAnswer{QuestionID: q.ID, Turn: turn + 1, Answer: d.answers[turn], AnswerFault: d.faults[turn],
				Rating: unknown}
			if !isAnswer(d.faults[turn]) {
				row.Fault = noAnswer("answer", d.faults[turn])
				rows = append(rows, row)
				continue
			}
			reference := 0
			if b.settings.wantsReference(q) && hasReference(q, turn) {
				reference = 1
			}
			user, err := templates[reference].Render(fields)
			if err != nil {
				return nil, err
			}
			request := lm.Request{
				ID:       fmt.Sprintf("%s/%s/%s", q.ID, q.Lang, n),
				Messages: lm.Turn(systemOf(b.settings.System, b.settings.Systems, turn, reference), user),
			}
			if err := b.judge.Fits(request, q.File); err != nil {
				return nil, fmt.Errorf("the judge's question: %w", err)
			}
			requests = append(requests, request)
			of = append(of, len(rows))
			rows = append(rows, row)
		}
	}
	step := fmt.Sprintf("%s mt-bench %s verdicts", b.model.Name(), dialogs[0].question.Lang)
	verdicts, err := lidr.Ask(ctx, b.run, b.judge, step, requests, b.settings.Judge, 0)
	if err != nil {
		return nil, err
	}
	b.used.add(b.judge, verdicts)
	for k, v := range verdicts {
		row := &rows[of[k]]
		row.Rating, row.Verdict, row.Fault = ratingOf(v)
		if row.Rating < 1 { // the scale begins with 1
			row.Rating, row.Fault = unknown, noRating
		}
	}
	return rows, nil
}
