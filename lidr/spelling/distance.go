// Package spelling tells how far a misspelt name is from the one that was meant.
package spelling

// Distance returns the number of bytes to insert, delete or replace that make one name of the other (V. I. Levenshtein,
// Soviet Physics Doklady 10, 1966).
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
