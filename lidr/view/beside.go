package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// together is two models' verdicts on the same problems.
type together struct {
	x, beside *index
	rows      []int32 // of x
	others    []int32 // of beside, in the order of rows; -1 where it has no such problem
	missing   int     // problems that the other model has no verdict on
}

// findBeside returns the verdicts that a query asks for, each with the other model's on the same problem.
func (f *folder) findBeside(q Query) (together, found, error) {
	one := q
	one.Change = ""
	if strings.HasSuffix(q.Sort, "change") {
		one.Sort = ""
	}
	list, err := f.find(one)
	if err != nil {
		return together{}, list, err
	}
	other, err := f.index(kinds["verdicts"], q.Beside)
	if err != nil {
		return together{}, list, err
	}
	key := "beside " + q.with("from", "").String() + "\n" + list.x.version + "\n" + other.version
	if known, ok := f.lists.get(key); ok {
		t := known.(together)
		list.notes = append(list.notes, t.notes(q)...)
		return t, list, nil
	}
	t := together{x: list.x, beside: other}
	type problem struct {
		lang string
		id   uint32
		nth  int32
	}
	where := make(map[problem]int32, len(other.rows))
	for i, r := range other.rows {
		where[problem{other.langs[r.lang], r.idHash, r.ordinal}] = int32(i)
	}
	var changes []int32
	for _, i := range list.rows {
		r := list.x.rows[i]
		j, ok := where[problem{list.x.langs[r.lang], r.idHash, r.ordinal}]
		if !ok {
			t.missing++
			continue
		}
		change := r.differ - other.rows[j].differ
		if q.Change == "" || q.Change == word(change) {
			t.rows, t.others, changes = append(t.rows, i), append(t.others, j), append(changes, change)
		}
	}
	if strings.HasSuffix(q.Sort, "change") {
		t.sortByChange(changes, strings.HasPrefix(q.Sort, "-"))
	}
	f.lists.put(key, t)
	list.notes = append(list.notes, t.notes(q)...)
	return t, list, nil
}

// word names a change of points.
func word(change int32) string {
	switch {
	case change > 0:
		return "better"
	case change < 0:
		return "worse"
	}
	return "equal"
}

func (t *together) sortByChange(changes []int32, descending bool) {
	order := make([]int, len(changes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if descending {
			a, b = b, a
		}
		return cmp.Compare(changes[a], changes[b])
	})
	rows, others := make([]int32, len(order)), make([]int32, len(order))
	for i, k := range order {
		rows[i], others[i] = t.rows[k], t.others[k]
	}
	t.rows, t.others = rows, others
}

func (t together) notes(q Query) []string {
	if t.missing == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d of these problems are not shown, since %s has no verdict on them at the same place.",
		t.missing, q.Beside)}
}
