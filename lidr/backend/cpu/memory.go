package cpu

// Memory returns the bytes that one execution takes beside its inputs: the arena, and the outputs that find no donated
// parameter to lie in. Scratch memory of the workers, some megabytes, is not counted.
func (ex *executable) Memory() int {
	n := ex.arena
	for i, shape := range ex.outputs {
		if ex.reuse[i] < 0 {
			n += shape.Size() * shape.DType.Size()
		}
	}
	return n
}
