// Package report renders one run as a document: a self-contained report.html that works offline, in light and dark, on
// a phone and on paper, and the same content as report.md.
//
// The caller measures and fills a [Data]; [HTML] and [Markdown] only lay it out, and [Figures] draws its plots.
// [KeyFigures], [Findings] and [PaperTables] fill the parts of a Data that follow from the others, and [Join] joins the
// measures of several models. Nothing here reads a file, a clock or the environment: equal Data give equal bytes.
package report

import (
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/eval"
)

// MiniatureNote is the sentence beside every result of the miniature world, so that no table or figure of
// it is taken for a claim about a real model. It is shown when [Data.Miniature] is true.
const MiniatureNote = "This is a miniature that shows the mechanism and exercises the whole software; " +
	"it says nothing about any real model."

// Data is everything a report shows. Title, Models and Languages are required; a part that is left empty is left out of
// the document. All text is plain text: it is escaped, so model outputs may be passed as they are.
type Data struct {
	Title     string   // the heading: "Two rounds on the miniature model"
	Question  string   // what the run asks, in one or two sentences
	Findings  []string // what came out, in plain sentences, the most important first
	Miniature bool     // the run used the embedded miniature model: adds MiniatureNote

	Models     []Model     // M0, M1, M2 in the order of the rounds
	Languages  []Language  // rows of the tables, in this order
	KeyFigures []KeyFigure // tiles at the top, three to six

	Settings    []Setting     // with the source of each value
	Counts      []PairCounts  // one a round and language
	Examples    []PairExample // shown side by side
	PairLengths []PairLengths // drawn as histograms
	Training    []Training    // one a round

	Metrics        []Metric         // the first is the main result: its plot is in the summary
	Answers        []AnswerExample  // some of each language
	HeadToHead     []HeadToHead     // one a pair of models and language
	Rubric         string           // how a head-to-head is decided, in words
	RewardAccuracy []RewardAccuracy // one a round and language
	Controls       *Controls        // baselines beside the method
	Measures       []Measure        // what a judge measured, and other tables that not every run has
	Paper          []PaperTable     // the published numbers, kept in a panel of their own

	Health   []Warning // what the run warned of, in words; empty = nothing to warn of
	Rerun    []string  // the commands that make this report again
	Versions []Field   // program, Go, backend, seeds, content hashes
	Cost     []Field   // amounts that do not depend on the clock: tokens, steps, parameters
	Timing   []Field   // durations, speeds, dates: nil keeps the document the same byte for byte
}

// Model is one column of the result tables.
type Model struct {
	Name string // "M1", the name that Score.Model and HeadToHead.A refer to
	Note string // "after round 1", may be empty
}

// Language is one row of the result tables.
type Language struct {
	Code string // "ru", the name that scores refer to; for a mean any word: "trained"
	Name string // "Russian", "mean of es ru de fr"
	Role string // "dominant", "trained", "unseen", or "mean": a mean over languages, set apart and kept out of the plots
}

// KeyFigure is one tile of the summary.
type KeyFigure struct {
	Label  string // "Accuracy, trained languages"
	Value  string // "41.2 → 63.0 %"
	Detail string // "+21.8 ± 1.4 points, M0 → M1"
	Tone   string // "good", "bad" or "" for neither
}

// Setting is one line of the settings table.
type Setting struct {
	Group  string // "training": consecutive settings of a group are listed together
	Name   string // "beta"
	Value  string // "0.1"
	Source string // where the value comes from: "default, as in the authors' run names", "flag --beta"
}

// PairCounts says what became of a round's prompts in one language. Candidates = Kept + the sum of Dropped.
type PairCounts struct {
	Round      string // "M0 → M1"
	Language   string // a Language.Code
	Prompts    int    // prompts answered
	Candidates int    // pairs before any filter
	Dropped    []Dropped
	Kept       int // pairs that went into training
	Equal      int // pairs of Kept whose chosen and rejected sides are the same text
}

// Dropped is what one filter took out.
type Dropped struct {
	Filter string // "failed translation"
	Count  int
}

// PairExample is one preference pair, shown side by side.
type PairExample struct {
	Round    string
	ID       string
	Language string // a Language.Code, sets the text's lang attribute
	Prompt   string
	Chosen   string
	Rejected string

	ChosenFrom, RejectedFrom       string // "own English answer, translated", "own answer"
	ChosenVerdict, RejectedVerdict string // "right", "wrong: 14 instead of 12", "not in Russian"; may be empty

	Original         string // the answer that one side is the translation of, may be empty
	OriginalLanguage string // its language, a Language.Code
}

// PairLengths are the lengths of a round's pairs in one language.
type PairLengths struct {
	Round    string
	Language string
	Chosen   []int // characters
	Rejected []int // characters
}

// Training is the course of one round's training. A quantity that is 0 or NaN throughout is not part of the objective
// and is not drawn.
type Training struct {
	Round string // "M0 → M1"
	Steps []dpo.Step
}

// Metric is one measured quantity for every language and model.
type Metric struct {
	Key           string // "accuracy": the name of its plot file
	Name          string // "Accuracy"
	What          string // its definition in one sentence, with the number of items
	Percent       bool   // values are shares in 0…1, shown as per cent; differences as points
	LowerIsBetter bool
	Scores        []eval.Score
	Differences   []eval.Change
}

// AnswerExample is what the models answered to one problem of the evaluation, side by side.
type AnswerExample struct {
	ID       string
	Language string // a Language.Code, sets the text's lang attribute
	Prompt   string
	Gold     string // may be empty
	Answers  []ModelAnswer
}

// ModelAnswer is one model's answer.
type ModelAnswer struct {
	Model   string // a Model.Name
	Text    string
	Verdict string // "right", "wrong, not in Russian"; may be empty
}

// HeadToHead counts, over the same prompts, how often A's answer beat B's.
type HeadToHead struct {
	A        string `json:"a"`
	B        string `json:"b"`
	Language string `json:"lang"` // a Language.Code
	Win      int    `json:"win"`  // from A's side
	Tie      int    `json:"tie"`
	Lose     int    `json:"lose"`
}

// RewardAccuracy is the share of a round's pairs, among those where exactly one side is better, whose chosen side is
// the better one. Below .5, DPO trains the wrong way.
type RewardAccuracy struct {
	Round, Language string
	Value, SE       float64 // share in 0…1
	N               int     // pairs that decide
}

// Controls sets the method beside its baselines.
type Controls struct {
	What    string   // "change of accuracy in one round, in points; 2 seeds, 300 prompts a round"
	Columns []string // "trained languages", "unseen languages", "English"
	Rows    []Control
}

// Control is one line of the controls table.
type Control struct {
	Name   string // "random labels"
	Note   string // "chosen and rejected swapped by a coin", may be empty
	Method bool   // this line is the method itself
	Values []Estimate
}

// Estimate is a value with its standard error, in the unit of its table.
type Estimate struct {
	Value, SE float64 // Value NaN = not measured; SE NaN or 0 = none
}

// PaperTable holds published numbers. They are shown apart from the run's own and labelled as the paper's.
type PaperTable struct {
	Title   string   // "MGSM accuracy, Llama-3-8B-Instruct"
	Source  string   // "Yang et al., ICLR 2025, table 2"
	Unit    string   // "%", "" for a share or a score
	Columns []string // language codes or names
	Rows    []PaperRow
	Plot    bool         // draw it as grouped bars too
	Matches []PaperMatch // drawn as win/tie/lose bars, as the run's own are
}

// PaperMatch is one published head-to-head, in shares of a whole.
type PaperMatch struct {
	A, B, Language string
	Win, Tie, Lose float64 // from A's side
}

// PaperRow is one system of a PaperTable.
type PaperRow struct {
	Name   string
	Values []float64 // one a column, as printed; NaN = not published
}

// Warning is one thing to look at before believing the results.
type Warning struct {
	Where string // "round 2, training", may be empty
	Text  string // "the chosen reward falls from step 40 on: …"
}

// Field is a name and a value, shown as they are.
type Field struct {
	Name, Value string
}
