package eval_test

import (
	"fmt"

	"lidrlab/lidr/eval"
)

// Three readings of one German answer: the harness's two miss or mistake what the third reads.
func ExampleNumber() {
	answer := "Er verdient 80.000 Dollar.\n**Antwort: 80.000 $** (in 2 Jahren)"
	number, ok := eval.Number(answer, "de")
	strict, flexible := eval.StrictNumber(answer, "de"), eval.FlexibleNumber(answer)
	fmt.Printf("strict %q, flexible %q, normalised %q %v\n", strict, flexible, number, ok)
	fmt.Println(eval.EqualNumbers(number, "80,000"))
	// Output:
	// strict "", flexible "2", normalised "80000" true
	// true
}

// Two models on the same eight problems.
func ExamplePairedDifference() {
	after := []float64{1, 1, 0, 1, 1, 1, 0, 1}
	before := []float64{0, 1, 0, 1, 0, 1, 0, 0}
	difference, err := eval.PairedDifference(after, before)
	fmt.Println(difference, err)
	low, high := eval.Wilson(6, 8, eval.Z95)
	fmt.Printf("6 of 8: %.2f to %.2f\n", low, high)
	// Output:
	// 0.375 ± 0.183 <nil>
	// 6 of 8: 0.41 to 0.93
}
