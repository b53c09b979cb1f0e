package cpu

import "slices"

// A rematerializer computes values of older groups again inside another group, if that takes a few cheap operations on
// values that are in memory anyway. The alternative is to write them to memory when they are first computed, keep them
// through the rest of the forward pass and read them back: activations, normalised inputs, exponentials of logits.
type rematerializer struct {
	l    *lowerer
	g    *group
	d    *domain
	ops  []groupOp
	done map[*value]*value // older value → this group's
	read []*value          // values that the new operations read and the group did not read before
}

// maxRemat bounds the operations that one value may cost.
const maxRemat = 4

var cheap = map[string]bool{
	"Add": true, "Sub": true, "Mul": true, "Div": true, "Max": true, "Min": true, "Neg": true, "Abs": true, "Copy": true,
	"Where": true, "Sqrt": true, "Rsqrt": true, "Exp": true, "Logistic": true, "FromI": true, "Truth": true, "Not": true,
	"Eq": true, "Ne": true, "Lt": true, "Le": true, "EqI": true, "NeI": true, "LtI": true, "LeI": true,
}

// value returns the value in this group that equals w's, or nil if it is not computed again.
func (r *rematerializer) value(w view) *value {
	v := w.val
	if v.group == nil || v.group == r.g || v.role != full || v.stored || w.off != 0 || !w.dense() || w.size() != v.size ||
		v.size != r.d.size {
		return nil
	}
	if c := r.g.clones[v.origin()]; c != nil {
		return c
	}
	before, ops, read, done := *r.d, len(r.ops), len(r.read), map[*value]*value{}
	budget := maxRemat
	c := r.clone(v, done, &budget)
	if c == nil || len(r.read) > read+1 { // reading the value itself would be one, too
		*r.d, r.ops, r.read = before, r.ops[:ops], r.read[:read]
		return nil
	}
	for old, new := range done {
		r.done[old] = new
	}
	return c
}

func (r *rematerializer) clone(v *value, done map[*value]*value, budget *int) *value {
	for _, known := range []map[*value]*value{r.g.clones, r.done, done} {
		if c := known[v.origin()]; c != nil {
			return c
		}
	}
	op := v.group.ops[v.def]
	if *budget == 0 || !cheap[op.kernel] || op.kind != mapFull {
		return nil
	}
	*budget--
	copied := groupOp{kind: mapFull, kernel: op.kernel}
	for _, o := range op.args {
		w := o.view
		if o.member {
			w = denseView(o.val, []int{o.val.size})
			switch {
			case o.val.role == row: // one element a row of the older group, in memory
				cols := v.group.cols
				w = view{o.val, 0, []int{v.size / cols, cols}, []int{1, 0}}
			case !o.val.stored:
				c := r.clone(o.val, done, budget)
				if c == nil {
					return nil
				}
				copied.args = append(copied.args, operand{val: c, member: true})
				continue
			}
		}
		again, ok := r.d.operand(r.g, w, false)
		if !ok {
			return nil
		}
		if !w.scalar() && w.val.size == v.size && !slices.Contains(r.read, w.val) && !r.reads(w.val) {
			r.read = append(r.read, w.val)
		}
		copied.args = append(copied.args, again)
	}
	copied.dst = r.l.newValue(v.dtype, v.size)
	copied.dst.first = v.origin()
	r.ops = append(r.ops, copied)
	done[v.origin()] = copied.dst
	return copied.dst
}

// reads reports whether the group reads a value from memory already.
func (r *rematerializer) reads(v *value) bool {
	return r.g.at < len(r.l.steps) && slices.Contains(r.l.steps[r.g.at].reads, v)
}

// origin returns the value that this one is a copy of.
func (v *value) origin() *value {
	if v.first != nil {
		return v.first
	}
	return v
}
