package view

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// found is what a query finds.
type found struct {
	x     *index
	rows  []int32 // of the index, in the order that is asked for
	notes []string
	langs []string // that there are, for the form
}

// find returns the lines that a query asks for. The same question about the same files is answered from memory, so that
// paging reads only the lines of a page.
func (f *folder) find(q Query) (found, error) {
	of := kinds[q.Kind]
	x, err := f.index(of, q.Model)
	if err != nil {
		return found{}, err
	}
	out := found{x: x, notes: slices.Clone(x.notes), langs: slices.Sorted(slices.Values(x.langs))}
	if of.checks && (q.Right != "" || q.Target != "") {
		done, err := f.checkAll(x, q.Model)
		if err != nil {
			return out, err
		}
		if done < len(x.rows) {
			out.notes = append(out.notes, fmt.Sprintf("Which answers are right, and in their language, is known of %d of %d "+
				"lines so far; load the page again for the rest.", done, len(x.rows)))
			out.rows, err = f.choose(x, q)
			return out, err
		}
	}
	question := q
	question.From = 0
	key := "rows " + question.String() + "\n" + x.version
	if by := strings.TrimPrefix(q.Sort, "-"); by == "judge" || by == "margin" {
		_, version := f.worthFiles(x, by)
		key += version
	}
	if known, ok := f.lists.get(key); ok {
		out.rows = known.([]int32)
		return out, nil
	}
	if out.rows, err = f.choose(x, q); err == nil {
		f.lists.put(key, out.rows)
	}
	return out, err
}

// choose goes through all lines of an index.
func (f *folder) choose(x *index, q Query) ([]int32, error) {
	lang := int16(slices.Index(x.langs, q.Lang))
	id := hashID(q.ID)
	rows := make([]int32, 0, len(x.rows))
	for i := range x.rows {
		r := &x.rows[i]
		if q.Lang != "" && r.lang != lang || q.ID != "" && r.idHash != id {
			continue
		}
		if passes(x.marked(int32(i)), q) {
			rows = append(rows, int32(i))
		}
	}
	if q.Text != "" || q.ID != "" {
		var err error
		if rows, err = f.search(x, rows, q); err != nil {
			return nil, err
		}
	}
	return rows, f.order(x, rows, q.Sort)
}

// passes says whether a line with these flags is asked for. What is not known is neither right nor wrong.
func passes(has flags, q Query) bool {
	is := func(f flags) bool { return has&f != 0 }
	switch {
	case q.Right != "" && !is(checked), q.Target != "" && !is(told):
		return false
	}
	switch q.Right {
	case "yes":
		if !is(right) {
			return false
		}
	case "no":
		if is(right) {
			return false
		}
	case "chosen":
		if !is(right) || is(rightToo) {
			return false
		}
	case "rejected":
		if is(right) || !is(rightToo) {
			return false
		}
	case "both":
		if !is(right) || !is(rightToo) {
			return false
		}
	case "neither":
		if is(right) || is(rightToo) {
			return false
		}
	}
	switch q.Target {
	case "on":
		if !is(onTarget) {
			return false
		}
	case "off", "chosen-off":
		if is(onTarget) {
			return false
		}
	case "rejected-off":
		if is(onTargetToo) {
			return false
		}
	}
	switch q.State {
	case "identical":
		return is(identical)
	case "different":
		return !is(identical)
	case "whole":
		return !is(faulty)
	case "faulty", "failed":
		return is(faulty)
	case "win":
		return is(wins)
	case "lose":
		return is(loses)
	case "tie":
		return !is(wins | loses | faulty)
	}
	return true
}

// order sorts lines as asked; equal ones stay in the order of the files.
func (f *folder) order(x *index, rows []int32, by string) error {
	name, descending := strings.CutPrefix(by, "-")
	var value func(i int32) float64
	switch {
	case name == "length":
		value = func(i int32) float64 { return float64(x.rows[i].chars) }
	case name == "difference", name == "judge" && x.of.name != "pairs":
		value = func(i int32) float64 { return float64(x.rows[i].differ) }
	case x.of.name == "pairs" && (name == "judge" || name == "margin"):
		w, known, err := f.worth(x, name)
		if err != nil || !known {
			return err
		}
		value = func(i int32) float64 { return w.chosen[i] - w.rejected[i] }
	default:
		return nil
	}
	sorted(rows, descending, value)
	return nil
}

// sorted puts values in the order of their numbers, those without one last.
func sorted[T any](all []T, descending bool, number func(T) float64) {
	slices.SortStableFunc(all, func(a, b T) int {
		x, y := number(a), number(b)
		switch {
		case math.IsNaN(x) || math.IsNaN(y):
			return cmp.Compare(y, x) // NaN is below all numbers
		case descending:
			return cmp.Compare(y, x)
		}
		return cmp.Compare(x, y)
	})
}

// words are what is searched for: all of them, in any order, whatever their case.
func words(text string) []string { return strings.Fields(strings.ToLower(text)) }

// search keeps the lines that hold the words of a query, and those of its id.
func (f *folder) search(x *index, rows []int32, q Query) ([]int32, error) {
	want := words(q.Text)
	inFiles := inBytes(want)
	texts := map[string]string{}
	if x.of.problems { // they are searched too
		inFiles = nil
		texts, _ = f.problems() // without them the page says why
	}
	const step = 2048
	hits := make([][]int32, (len(rows)+step-1)/step)
	errs := make([]error, len(hits))
	var group sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for k := range hits {
		free <- struct{}{}
		group.Add(1)
		go func() {
			defer func() { <-free; group.Done() }()
			own := rows[k*step : min((k+1)*step, len(rows))]
			errs[k] = f.each(x, own, inFiles, func(i int, rec record) {
				if (q.ID == "" || rec.ID == q.ID) && holds(append(x.of.texts(rec), textOf(texts, rec)), want) {
					hits[k] = append(hits[k], own[i])
				}
			})
		}()
	}
	group.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return nil, errs[i]
	}
	return slices.Concat(hits...), nil
}

// holds says whether each word is in one of the texts.
func holds(texts, want []string) bool {
	if len(want) == 0 {
		return true
	}
	all := strings.ToLower(strings.Join(texts, "\n"))
	for _, word := range want {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}
