package eval_test

import (
	"fmt"

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
)

// Four verdicts of a judge on a model against a reference; datasets.LoadAnnotations reads them from a file.
func ExampleScoreWinRate() {
	var annotations []datasets.Annotation
	for i, preference := range []float64{1.9, 1.5, 1.2, 2} {
		annotations = append(annotations, datasets.Annotation{
			Instruction: fmt.Sprintf("Question %d", i),
			Generator1:  "gpt-4-turbo",
			Generator2:  "M1",
			Annotator:   "judge",
			Preference:  preference,
		})
	}
	w, err := eval.ScoreWinRate(annotations)
	fmt.Println("raw", w.Rate, "discrete", w.Discrete, err)
	fmt.Println(w.Wins, "wins", w.Draws, "draws", w.Losses, "losses")
	for _, warning := range w.Warnings {
		fmt.Println("warning:", warning)
	}
	// Output:
	// raw 0.650 ± 0.185 discrete 0.625 ± 0.239 <nil>
	// 2 wins 1 draws 1 losses
	// warning: only 4 items: differences of a few points mean nothing, use at least 100
}

// The third item's winner changed with the order of the answers, and is a tie.
func ExampleHeadToHeadBothOrders() {
	b, err := eval.HeadToHeadBothOrders([]float64{1, 1, 1, -1}, []float64{1, 0, -1, -1})
	fmt.Println("win", b.Win, "tie", b.Tie, "lose", b.Lose, err)
	fmt.Printf("win %.2f to %.2f, flipped %.2f\n", b.WinInterval.Low, b.WinInterval.High, b.Flip.Mean)
	// Output:
	// win 0.500 ± 0.289 tie 0.250 ± 0.250 lose 0.250 ± 0.250 <nil>
	// win 0.15 to 0.85, flipped 0.25
}

// Each hypothesis may have several references.
func ExampleChrF() {
	score, err := eval.ChrF(
		[]string{"Der Hund biss den Mann.", "Das war zu erwarten."},
		[][]string{{"Der Hund hat den Mann gebissen."}, {"Es war zu erwarten."}},
	)
	fmt.Println(score, err)
	// Output:
	// chrF2++|nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:lidr = 64.20 <nil>
}
