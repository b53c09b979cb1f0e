package view

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// index is all that a run folder holds of one kind.
type index struct {
	of      kind
	parts   []*part
	rows    []row
	langs   []string // what row.lang numbers
	version string   // of the files: equal where they are
	notes   []string // what the reader must know of the files

	checking sync.Once
	progress chan struct{}   // closed when right and wrong are known
	started  atomic.Bool     // marks are there
	marks    []atomic.Uint32 // what check found, flags of each row
	done     atomic.Int64    // lines checked so far
}

// index returns the index of a kind, of one model or comparison, or of all. Files that are as they were are not read
// again.
func (f *folder) index(of kind, model string) (*index, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := &index{of: of, progress: make(chan struct{})}
	var version strings.Builder
	hashes := f.listed()
	numbers := map[string]int16{}
	for _, m := range f.subjects(of) {
		if model != "" && m != model {
			continue
		}
		for _, name := range of.files(f, m) {
			p, err := f.part(of, name, m)
			if err != nil {
				x.notes = append(x.notes, err.Error())
				continue
			}
			x.add(p, numbers)
			fmt.Fprintf(&version, "%s %s\n", name, p.sum)
			x.notes = append(x.notes, p.notes(hashes)...)
		}
	}
	x.version = of.name + "\n" + version.String() + strings.Join(x.notes, "\n")
	before := "index " + of.name + " " + model
	if known, ok := f.lists.get(before); ok && known.(*index).version == x.version {
		return known.(*index), nil
	}
	f.lists.put(before, x)
	return x, nil
}

// part returns the index of a file, read anew where the file has changed.
func (f *folder) part(of kind, name, model string) (*part, error) {
	size, changed, ok := f.stat(name)
	if !ok {
		return nil, fmt.Errorf("%s is gone", name)
	}
	if p := f.indexed[name]; p != nil && p.size == size && p.changed.Equal(changed) {
		return p, nil
	}
	p, err := indexFile(f.root.FS(), name, model, size, changed, of)
	if err != nil {
		return nil, err
	}
	f.indexed[name] = p
	return p, nil
}

// add puts a file's lines behind the others'.
func (x *index) add(p *part, numbers map[string]int16) {
	local := make([]int16, len(p.langs))
	for i, lang := range p.langs {
		if _, known := numbers[lang]; !known {
			numbers[lang] = int16(len(x.langs))
			x.langs = append(x.langs, lang)
		}
		local[i] = numbers[lang]
	}
	n := int32(len(x.parts))
	x.parts = append(x.parts, p)
	x.rows = slices.Grow(x.rows, len(p.rows))
	for _, r := range p.rows {
		r.part, r.lang = n, local[r.lang]
		x.rows = append(x.rows, r)
	}
}

// notes are what a reader must know of a file: lines that could not be read, and that it is not what the run wrote.
func (p *part) notes(hashes map[string]string) []string {
	var notes []string
	if p.bad > 0 {
		notes = append(notes, fmt.Sprintf("%s has %d lines that could not be read and are not shown; the first is %s", p.name,
			p.bad, p.why))
	}
	if listed := hashes[p.name]; listed != "" && listed != p.sum {
		notes = append(notes, p.name+" is not what the run wrote: it was changed since, or is being written now")
	}
	return notes
}

// lines reads lines back, in the order of rows.
func (f *folder) lines(x *index, rows []int32) ([]record, error) {
	out := make([]record, len(rows))
	return out, f.each(x, rows, nil, func(i int, rec record) { out[i] = rec })
}

// each reads lines back and calls use with those that may hold the words: a line without one of them, in its bytes as
// they are in the file, is not decoded.
func (f *folder) each(x *index, rows []int32, want [][]byte, use func(i int, rec record)) error {
	open := map[int32]*os.File{}
	defer func() {
		for _, file := range open {
			file.Close()
		}
	}()
	var buffer, low []byte
	for i := 0; i < len(rows); {
		first := x.rows[rows[i]]
		last, next := first, i+1 // lines that lie together are read together
		for ; next < len(rows); next++ {
			r := x.rows[rows[next]]
			if r.part != first.part || r.at < last.at || r.at-(last.at+int64(last.size)) > 4096 ||
				r.at+int64(r.size)-first.at > block {
				break
			}
			last = r
		}
		name := x.parts[first.part].name
		if open[first.part] == nil {
			file, err := f.root.Open(name)
			if err != nil {
				return err
			}
			open[first.part] = file
		}
		size := int(last.at + int64(last.size) - first.at)
		if cap(buffer) < size {
			buffer = make([]byte, size)
		}
		buffer = buffer[:size]
		if _, err := open[first.part].ReadAt(buffer, first.at); err != nil {
			return changedNow(name)
		}
		for ; i < next; i++ {
			r := x.rows[rows[i]]
			line := buffer[r.at-first.at:][:r.size]
			if !mayHold(line, want, &low) {
				continue
			}
			rec, err := decode(line)
			if err != nil {
				return changedNow(name)
			}
			use(i, rec)
		}
	}
	return nil
}

// inBytes are those of the words that a line can be searched for as it stands in its file: words that JSON never writes
// as escapes but for \u, and whose letters beyond ASCII have no case.
func inBytes(want []string) [][]byte {
	var out [][]byte
	for _, word := range want {
		plain := !strings.ContainsAny(word, `"\/`) && !strings.ContainsFunc(word, func(r rune) bool {
			return r >= utf8.RuneSelf && (unicode.ToUpper(r) != r || unicode.ToLower(r) != r)
		})
		if plain {
			out = append(out, []byte(word))
		}
	}
	return out
}

// mayHold is false for a line that has not all the words. low is a buffer that it uses.
func mayHold(line []byte, want [][]byte, low *[]byte) bool {
	if len(want) == 0 || bytes.Contains(line, []byte(`\u`)) {
		return true
	}
	*low = append((*low)[:0], line...)
	for i, c := range *low {
		if 'A' <= c && c <= 'Z' {
			(*low)[i] = c + 'a' - 'A'
		}
	}
	for _, word := range want {
		if !bytes.Contains(*low, word) {
			return false
		}
	}
	return true
}

func changedNow(name string) error {
	return fmt.Errorf("%s was changed just now; load the page again", name)
}

// recent keeps the values that were last asked for.
type recent struct {
	mu    sync.Mutex
	most  int
	order []string
	value map[string]any
}

func newRecent(most int) *recent { return &recent{most: most, value: map[string]any{}} }

func (r *recent) get(key string) (any, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.value[key]
	if ok {
		r.touch(key)
	}
	return v, ok
}

func (r *recent) put(key string, v any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.value[key] = v
	r.touch(key)
	if len(r.order) > r.most {
		delete(r.value, r.order[0])
		r.order = r.order[1:]
	}
}

func (r *recent) touch(key string) {
	r.order = append(slices.DeleteFunc(r.order, func(k string) bool { return k == key }), key)
}
