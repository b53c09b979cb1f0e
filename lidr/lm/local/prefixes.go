package local

import (
	"slices"

	"lidrlab/lidr/transformer"
)

// prefixes knows the pages that hold the beginnings of prompts: a tree whose branches are pages, so that each is named
// by all tokens up to its end. A text that was generated is no part of it: its keys and values were computed step by
// step, and differ in the last bits from those of a prompt.
type prefixes struct {
	root  branch
	nodes []*branch // all but the root
	time  int       // counts what is asked for
	keep  int       // pages that may be held for nobody
}

// branch is a page with the tokens of its positions; fewer than a page where the prompt ended there.
type branch struct {
	tokens   []int
	page     int32
	parent   *branch
	children []*branch
	used     int // when it was asked for last
}

// find returns the pages that hold the beginning of text, whole ones and then the first n positions of part.
func (p *prefixes) find(text []int) (whole []int32, part int32, n int) {
	const size = transformer.PageSize
	p.time++
	at := &p.root
	for {
		var longest *branch
		n = 0
		for _, c := range at.children {
			if m := common(c.tokens, text); m > n {
				longest, n = c, m
			}
		}
		if longest == nil {
			return whole, 0, 0
		}
		longest.used = p.time
		if n < size {
			return whole, longest.page, n
		}
		whole, text, at = append(whole, longest.page), text[size:], longest
	}
}

// common returns the number of tokens that a and b begin with alike.
func common(a, b []int) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// add notes the pages that hold a prompt. Whole pages that are known already, since a prompt that was read beside this
// one begins so too, take the place of its own: who has a page has all pages before it, so that a page that nobody has
// can be forgotten before those that it goes on from. Pages that are thereby nobody's, or that come to be the beginning
// of a longer one, are returned.
func (p *prefixes) add(prompt []int, pages []int32, users []int) (free []int32) {
	at := &p.root
	for text := range slices.Chunk(prompt, transformer.PageSize) {
		k := slices.IndexFunc(at.children, func(c *branch) bool { return common(c.tokens, text) == len(text) })
		if k < 0 {
			for _, c := range slices.Clone(at.children) {
				if common(c.tokens, text) == len(c.tokens) { // an end that goes on now
					p.cut(c)
					if users[c.page] == 0 {
						free = append(free, c.page)
					}
				}
			}
			k = len(at.children)
			c := &branch{tokens: slices.Clone(text), page: pages[0], parent: at}
			at.children, p.nodes = append(at.children, c), append(p.nodes, c)
		}
		if at = at.children[k]; at.page != pages[0] && len(text) == transformer.PageSize {
			users[at.page]++
			if users[pages[0]]--; users[pages[0]] == 0 {
				free = append(free, pages[0])
			}
			pages[0] = at.page
		}
		pages = pages[1:]
		at.used = p.time
	}
	return free
}

// cut removes a branch without children.
func (p *prefixes) cut(c *branch) {
	is := func(other *branch) bool { return other == c }
	c.parent.children = slices.DeleteFunc(c.parent.children, is)
	p.nodes = slices.DeleteFunc(p.nodes, is)
}

// forget removes the page that was asked for longest ago among those that no answer has; none goes on behind it.
func (p *prefixes) forget(users []int) (page int32, ok bool) {
	var oldest *branch
	for _, c := range p.nodes {
		if len(c.children) == 0 && users[c.page] == 0 && (oldest == nil || c.used < oldest.used) {
			oldest = c
		}
	}
	if oldest == nil {
		return 0, false
	}
	p.cut(oldest)
	return oldest.page, true
}

// holds reports whether the page is known as a beginning.
func (p *prefixes) holds(page int32) bool {
	return slices.ContainsFunc(p.nodes, func(c *branch) bool { return c.page == page })
}

// unused returns the number of pages that are held for nobody.
func (p *prefixes) unused(users []int) int {
	n := 0
	for _, c := range p.nodes {
		if users[c.page] == 0 {
			n++
		}
	}
	return n
}
