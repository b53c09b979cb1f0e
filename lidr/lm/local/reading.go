package local

import (
	"cmp"
	"fmt"
	"slices"

	"lidrlab/lidr/transformer"
)

// readAtOnce is the number of tokens of prompts, padding included, that are read together at most: what reading
// computes takes more memory than the keys and values that remain.
const readAtOnce = 8192

// join adds answers whose prompts are to be read. Those to one prompt, such as samples, share its reading.
func (d *decoding) join(fresh []*answer) {
	for _, a := range fresh {
		a.shared = 0
		twin := func(b *answer) bool { return len(b.tokens) == 0 && slices.Equal(a.prompt, b.prompt) }
		if k := slices.IndexFunc(d.reading, twin); k >= 0 {
			first := d.reading[k]
			a.shared, first.twins = len(a.prompt), append(first.twins, a)
			continue
		}
		d.reading = append(d.reading, a)
	}
}

// read computes the next piece of prompts, in all at most about most tokens, with the tokens that follow them where
// they are read again, and draws the next token of each answer whose text has been read to its end.
func (d *decoding) read(most int) error {
	batch, err := d.next(most)
	if err != nil {
		return fmt.Errorf("read prompts: %w", err)
	}
	longest, n := 0, 0
	for _, p := range batch {
		longest, n = max(longest, len(p.tokens)), max(n, len(p.of.pages))
	}
	rows, length := rowBucket(len(batch)), lengthBucket(longest)
	texts, lengths, starts := make([][]int, rows), make([]int32, rows), make([]int32, rows)
	table := newTable(rows, n)
	for r, p := range batch {
		texts[r], lengths[r], starts[r] = p.tokens, int32(len(p.tokens)), int32(p.of.read)
		table.set(r, p.of.pages)
	}
	logits, err := d.call(d.model.prefill, int32s(padded(texts, rows, length), rows, length), lengths, starts, table)
	if err != nil {
		return fmt.Errorf("read prompts: %w", err)
	}
	var drawn []*answer
	var from []int // the row of each
	for r, p := range batch {
		if p.of.read += len(p.tokens); p.of.read < p.of.length() {
			continue
		}
		d.reading = slices.DeleteFunc(d.reading, func(a *answer) bool { return a == p.of })
		if len(p.of.tokens) == 0 {
			d.pages.learn(p.of)
		}
		for _, a := range append([]*answer{p.of}, p.of.twins...) {
			if a != p.of {
				if err := d.pages.twin(a, p.of); err != nil {
					return fmt.Errorf("read prompts: %w", err)
				}
			}
			drawn, from = append(drawn, a), append(from, r)
		}
		p.of.twins = nil
	}
	d.live = append(d.live, drawn...)
	return d.draw(logits, drawn, from)
}

// twin gives an answer the pages of another to the same prompt, which has been read: the last, which either goes on to
// fill, as a copy.
func (p *pages) twin(a, of *answer) error {
	whole := len(a.prompt) / transformer.PageSize
	p.share(a, of.pages[:whole])
	a.read = of.read
	if whole == len(of.pages) {
		return nil
	}
	if err := p.take(a, 1); err != nil {
		return err
	}
	return p.copy(of.pages[whole:whole+1], a.pages[whole:])
}

// piece is a part of an answer's text that is read next.
type piece struct {
	of     *answer
	tokens []int
}

// next chooses pieces to read together: of the first text, and of others whose pieces are not padded to more than twice
// their length, or to more than 64 tokens if that is more. A text that begins as one of them does waits for that page.
func (d *decoding) next(most int) (batch []piece, err error) {
	for _, a := range d.reading {
		if d.waits(a) {
			continue
		}
		if err := d.begin(a); err != nil {
			return nil, err
		}
		n := a.length() - a.read
		if d.model.shares {
			n = min(n, most)
		}
		batch = append(batch, piece{a, a.text(a.read, a.read+n)})
	}
	first := batch[0]
	slices.SortStableFunc(batch[1:], func(x, y piece) int { return cmp.Compare(len(x.tokens), len(y.tokens)) })
	chosen, longest, shortest := batch[:1], len(first.tokens), len(first.tokens)
	for _, p := range batch[1:] {
		long, short := max(longest, len(p.tokens)), min(shortest, len(p.tokens))
		if long <= max(64, 2*short) && rowBucket(len(chosen)+1)*lengthBucket(long) <= most {
			chosen, longest, shortest = append(chosen, p), long, short
		}
	}
	for _, p := range chosen {
		if err := d.pages.take(p.of, pagesFor(p.of.read+len(p.tokens))-len(p.of.pages)); err != nil {
			return nil, err
		}
	}
	return chosen, nil
}

// waits reports whether a text that has not begun has a page more in common with one that is being read than is known
// already: it will be shared when that has been read.
func (d *decoding) waits(a *answer) bool {
	if !d.model.shares || a.read > 0 {
		return false
	}
	known := -1
	for _, b := range d.reading {
		if b == a {
			return false
		}
		n := common(a.prompt, b.prompt)
		if n < transformer.PageSize {
			continue
		}
		if known < 0 {
			whole, _, part := d.pages.known.find(a.prompt)
			known = len(whole)*transformer.PageSize + part
		}
		if n >= known+transformer.PageSize {
			return true
		}
	}
	return false
}

// begin gives a text that has not begun the pages that hold its beginning already. Its last token is always read, for
// the logits behind it.
func (d *decoding) begin(a *answer) error {
	if !d.model.shares || a.read > 0 || len(a.tokens) > 0 {
		return nil
	}
	whole, part, n := d.pages.known.find(a.prompt[:len(a.prompt)-1])
	d.pages.share(a, whole)
	if d.pages.idle() < 2 {
		n = 0 // the last page may be the one that holds that part: it is taken
	}
	if n > 0 {
		if err := d.pages.begin(a, part, n); err != nil {
			return err
		}
	}
	a.read = len(whole)*transformer.PageSize + n
	a.shared = a.read
	return nil
}
