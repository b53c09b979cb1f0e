// Package cell is for notebooks: what their cells would otherwise repeat. It prints, draws and ends the cell at an
// error, which package lidr never does, and scripts do not see it.
//
// GoNB compiles each cell as a program of its own: declarations live on, values do not. So a run is declared once,
//
//	var first = cell.First() // or cell.Begin("runs/own", settings) of your own
//
// and opens when a cell first needs it; its steps, from first.Prompts() to first.M1() and first.Scores("M1"), do the
// steps before them, and come from the run folder when a later cell asks for them again:
//
//	%%
//	cell.Show(cell.Bars("accuracy", first.Scores("M0"), first.Scores("M1")))
package cell
