package judge

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/report"
)

// MTPair is a line of judged/NAME/mtbench/LANG.jsonl: one turn of one question, judged in both orders.
type MTPair struct {
	QuestionID string `json:"question_id"`
	Turn       int    `json:"turn"`    // 1 or 2
	First      string `json:"first"`   // win, tie or lose of the response, shown first; "" for no verdict
	Second     string `json:"second"`  // the same of the response shown second
	Outcome    string `json:"outcome"` // win or lose where both orders say so, else tie; "" where one has no verdict
	// FirstVerdict and SecondVerdict are what the judge said; Fault is why there is no outcome, "" if there is one.
	FirstVerdict  string `json:"first_verdict"`
	SecondVerdict string `json:"second_verdict"`
	Fault         string `json:"fault,omitempty"`
}

// MTPairScore is a row of the frame that [MTBenchPairs] returns: one metric of the response in one language.
//
//   - win, tie, lose: shares of the outcomes
//   - adjusted_win_rate: wins and half of the ties, as FastChat prints it
//   - flip_rate: share of the items whose orders name opposite winners
type MTPairScore struct {
	Response  string `json:"response"`
	Reference string `json:"reference"`
	Metric    string `json:"metric"`
	Turn      int    `json:"turn"` // 1, 2, or 0 for both, each an item
	Lang      string `json:"lang"`
	Value     Number `json:"value"`
	SE        Number `json:"se"`
	N         int    `json:"n"`
	Failed    int    `json:"failed"`
	Warning   string `json:"warning"`
}

// MTBenchPairs lets a judge compare the answers that two models of a run gave to MT-bench ([MTBench], whose files it
// reads) turn by turn, the second with the first before it, in both orders (Zheng et al. 2023, arXiv 2306.05685,
// pairwise comparison). name says who is compared, "M1-M0". An outcome is a win or a loss where both orders say so,
// and else a tie, as FastChat's show_result counts; a verdict is the one [[A]], [[B]] or [[C]] in what the judge
// says, and none or several are a failed judge. It returns a frame of [MTPairScore] rows and writes
// judged/NAME/mtbench/LANG.jsonl, judged/NAME/mtbench.json and judged/NAME/mtbench.usage.json;
// <response>/measures/mt-bench-NAME.json is for the report.
func MTBenchPairs(ctx context.Context, run *lidr.Run, name string, judge *lidr.Model, folder string,
	s MTPairSettings) (dataframe.DataFrame, error) {
	scores, err := mtBenchPairs(ctx, run, name, judge, folder, s)
	if err != nil {
		return dataframe.DataFrame{}, fmt.Errorf("mt-bench pairs %s: %w", name, err)
	}
	return datasets.Frame(scores), nil
}

func mtBenchPairs(ctx context.Context, run *lidr.Run, name string, judge *lidr.Model, folder string,
	s MTPairSettings) ([]MTPairScore, error) {
	names, err := parseComparison(name)
	if err != nil {
		return nil, err
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := names.check(run); err != nil {
		return nil, err
	}
	if err := hasRoom(judge, "mtpairs.judge", s.Judge); err != nil {
		return nil, err
	}
	questions, err := mtQuestions(run, folder)
	if err != nil {
		return nil, err
	}
	var scores []MTPairScore
	var used Usage
	for _, own := range questions {
		lang := own[0].Lang
		ours, err := mtAnswers(run, names.Response, lang, own)
		if err != nil {
			return nil, err
		}
		theirs, err := mtAnswers(run, names.Reference, lang, own)
		if err != nil {
			return nil, err
		}
		rows, requests, of, err := s.questions(own, ours, theirs)
		if err != nil {
			return nil, err
		}
		verdicts, err := lidr.Ask(ctx, run, judge, "mt-bench pairs "+name+" "+lang, requests, s.Judge, 0)
		if err != nil {
			return nil, err
		}
		used.add(judge, verdicts)
		for k, v := range verdicts {
			rows[of[k].row].hear(of[k].swapped, v)
		}
		for i := range rows {
			rows[i].decide()
		}
		if err := run.WriteLines(names.path(run, "mtbench", lang+".jsonl"), rows); err != nil {
			return nil, err
		}
		scores = append(scores, scoreMTPairs(names, lang, rows)...)
	}
	if err := run.WriteJSON(names.path(run, "mtbench.usage.json"), used); err != nil {
		return nil, err
	}
	if err := run.WriteJSON(names.path(run, "mtbench.json"), scores); err != nil {
		return nil, err
	}
	return scores, run.WriteMeasure(names.Response, mtPairMeasure(names, scores, used))
}

// mtAnswers reads a model's answers to the questions, two rows each, in their order.
func mtAnswers(run *lidr.Run, model, lang string, questions []datasets.MTQuestion) ([]MTAnswer, error) {
	path := run.Path(model, "eval", "mtbench", lang+".jsonl")
	var rows []MTAnswer
	if err := run.ReadLines(path, &rows); err != nil {
		return nil, fmt.Errorf("answers of %s: %w; run MTBench of it first", model, err)
	}
	if len(rows) != 2*len(questions) {
		return nil, fmt.Errorf("%s has %d answers to %d questions, expected two each: run MTBench of %s with the same "+
			"questions", path, len(rows), len(questions), model)
	}
	for i, row := range rows {
		if q := questions[i/2]; row.QuestionID != q.ID || row.Turn != i%2+1 {
			return nil, fmt.Errorf("%s, row %d answers turn %d of question %s, expected turn %d of %s: run MTBench of %s "+
				"with the same questions", path, i+1, row.Turn, row.QuestionID, i%2+1, q.ID, model)
		}
	}
	return rows, nil
}

// questions makes two requests for each turn of which both models have an answer.
func (s MTPairSettings) questions(questions []datasets.MTQuestion, ours, theirs []MTAnswer) (
	[]MTPair, []lm.Request, []asking, error) {
	templates, err := s.parsed()
	if err != nil {
		return nil, nil, nil, err
	}
	rows := make([]MTPair, len(ours))
	var requests []lm.Request
	var of []asking
	for i := range rows {
		q, turn := questions[i/2], i%2
		rows[i] = MTPair{QuestionID: q.ID, Turn: turn + 1}
		side, fault := "response", ours[i].AnswerFault
		if isAnswer(fault) {
			side, fault = "reference", theirs[i].AnswerFault
		}
		if !isAnswer(fault) {
			rows[i].Fault = noAnswer(side, fault)
			continue
		}
		reference := 0
		if slices.Contains(s.ReferenceCategories, q.Category) && hasReference(q, turn) {
			reference = 1
		}
		for _, swapped := range []bool{true, false} { // the response first, then second
			a, b := theirs, ours
			if swapped {
				a, b = ours, theirs
			}
			fields := map[string]string{"Language": lidr.LanguageName(q.Lang), "Question2": "", "AnswerA2": "",
				"AnswerB2": "", "Reference2": ""}
			for t := range turn + 1 {
				n, at := strconv.Itoa(t+1), i-turn+t
				fields["Question"+n], fields["Reference"+n] = q.Turns[t], q.Reference[t]
				fields["AnswerA"+n], fields["AnswerB"+n] = a[at].Answer, b[at].Answer
			}
			user, err := templates[turn][reference].Render(fields)
			if err != nil {
				return nil, nil, nil, err
			}
			id := fmt.Sprintf("%s/%s/%d/%t", q.ID, q.Lang, turn+1, swapped)
			requests = append(requests, lm.Request{ID: id, Messages: lm.Turn(s.system(turn, reference), user)})
			of = append(of, asking{i, swapped})
		}
	}
	return rows, requests, of, nil
}

var pairVerdict = regexp.MustCompile(`\[\[([ABC])\]\]`)

const noPairVerdict = "not exactly one of [[A]], [[B]] and [[C]]"

// hear reads a verdict on the pair.
func (p *MTPair) hear(responseFirst bool, a lm.Answer) {
	c := a.Split()
	found, said := map[string]bool{}, ""
	for _, m := range pairVerdict.FindAllStringSubmatch(c.Text, -1) {
		found[m[1]] = true
		said = m[1]
	}
	fault := c.Fault()
	if fault == "" && len(found) != 1 {
		fault = noPairVerdict
	}
	outcome := ""
	switch {
	case fault != "":
		if p.Fault == "" {
			p.Fault = fault
		}
	case said == "C":
		outcome = "tie"
	case (said == "A") == responseFirst:
		outcome = "win"
	default:
		outcome = "lose"
	}
	if responseFirst {
		p.First, p.FirstVerdict = outcome, c.Text
	} else {
		p.Second, p.SecondVerdict = outcome, c.Text
	}
}

// decide takes the outcome of both orders.
func (p *MTPair) decide() {
	switch {
	case p.First == "" || p.Second == "":
	case p.First == p.Second:
		p.Outcome = p.First
	default:
		p.Outcome = "tie"
	}
}

func scoreMTPairs(names comparison, lang string, rows []MTPair) []MTPairScore {
	var scores []MTPairScore
	for _, turn := range []int{1, 2, 0} {
		values, failed, why := map[string][]float64{}, 0, reasons{}
		for _, row := range rows {
			if turn != 0 && row.Turn != turn {
				continue
			}
			why[row.Fault]++
			if row.Outcome == "" {
				failed++
				continue
			}
			for _, outcome := range []string{"win", "tie", "lose"} {
				values[outcome] = append(values[outcome], share(row.Outcome == outcome))
			}
			values["adjusted_win_rate"] = append(values["adjusted_win_rate"],
				share(row.Outcome == "win")+share(row.Outcome == "tie")/2)
			flipped := row.First != row.Second && row.First != "tie" && row.Second != "tie"
			values["flip_rate"] = append(values["flip_rate"], share(flipped))
		}
		for _, metric := range []string{"win", "tie", "lose", "adjusted_win_rate", "flip_rate"} {
			e := eval.MeanSE(values[metric])
			warnings := append(eval.Warnings(e.N, failed), why.warnings()...)
			scores = append(scores, MTPairScore{Response: names.Response, Reference: names.Reference, Metric: metric,
				Turn: turn, Lang: lang, Value: Number(e.Mean), SE: Number(e.SE), N: e.N, Failed: failed,
				Warning: strings.Join(warnings, "; ")})
		}
	}
	return scores
}

// mtPairMeasure is the table of [MTBenchPairs], of both turns together.
func mtPairMeasure(names comparison, scores []MTPairScore, used Usage) report.Measure {
	m := report.Measure{
		Key:   "mt-bench-" + names.String(),
		Title: names.Response + " against " + names.Reference + " on MT-bench", Unit: "%", Digits: 1,
		What: used.String() + " Both orders; opposite winners tie.",
	}
	for _, s := range scores {
		if s.Turn == 0 && !math.IsNaN(float64(s.Value)) {
			m.Put(strings.ReplaceAll(s.Metric, "_", " "), s.Lang,
				report.Counted(100*float64(s.Value), 100*float64(s.SE), s.N, s.Failed, s.Warning))
		}
	}
	m.Plot = 1
	return m
}
