package cpu

import "unsafe"

// goWideners are the plain Go kernels that widen rows, by block type.
var goWideners = makeGoWideners()

func makeGoWideners() map[string]func(*widenArgs) {
	all := map[string]func(*widenArgs){}
	for _, t := range blockTypes {
		all[t.name] = goWiden(t)
	}
	return all
}

// atBlocks is source.at for weights in blocks: a column is a row of the weight, and the place along k, which may lie
// inside a block, is kept apart.
func (s source) atBlocks(i, j int) source {
	s.p, s.k0 = unsafe.Add(s.p, j*s.col), s.k0+i
	return s
}
