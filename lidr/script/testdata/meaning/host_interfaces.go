//go:build go1.21

// Types of the script are values of the interfaces of the packages that it calls.
package main

import (
	"bufio"
	"container/heap"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"sync"
)

type upper struct{ lines int }

func (u *upper) Write(p []byte) (int, error) {
	u.lines++
	return os.Stdout.WriteString(strings.ToUpper(string(p)))
}

type slow struct{ text string }

func (s *slow) Read(p []byte) (int, error) {
	if s.text == "" {
		return 0, io.EOF
	}
	n := copy(p, s.text[:1])
	s.text = s.text[1:]
	return n, nil
}

type queue []int

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i] < q[j] }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(int)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

type list []string

func (l *list) String() string     { return strings.Join(*l, "+") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

type byLength []string

func (b byLength) Len() int           { return len(b) }
func (b byLength) Less(i, j int) bool { return len(b[i]) < len(b[j]) }
func (b byLength) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

type locked struct {
	sync.Mutex
	n int
}

func main() {
	u := &upper{}
	fmt.Fprintf(u, "hello %d\n", 1)
	var w io.Writer = u
	_, isUpper := w.(*upper)
	fmt.Println(isUpper, u.lines)
	scanner := bufio.NewScanner(&slow{"a b\nc"})
	for scanner.Scan() {
		fmt.Println(scanner.Text())
	}
	q := &queue{5, 2, 8}
	heap.Init(q)
	heap.Push(q, 1)
	fmt.Println(heap.Pop(q), heap.Pop(q), *q)
	var l list
	flags := flag.NewFlagSet("x", flag.ContinueOnError)
	flags.Var(&l, "l", "")
	fmt.Println(flags.Parse([]string{"-l", "a", "-l", "b"}), l.String(), len(l))
	b := byLength{"ccc", "a", "bb"}
	sort.Sort(sort.Reverse(b))
	fmt.Println(b)
	var c locked
	var wait sync.WaitGroup
	for i := 0; i < 20; i++ {
		wait.Add(1)
		go func(n int) {
			defer wait.Done()
			c.Lock()
			defer c.Unlock()
			c.n += n
		}(i)
	}
	wait.Wait()
	var once sync.Once
	for i := 0; i < 2; i++ {
		once.Do(func() { fmt.Println("once", c.n) })
	}
	var m sync.Map
	m.Store(byName("k"), &c)
	got, ok := m.Load(byName("k"))
	fmt.Println(got.(*locked).n, ok)
}

type byName string

// Output:
// HELLO 1
// true 1
// a b
// c
// 1 2 [5 8]
// <nil> a+b 2
// [ccc bb a]
// once 190
// 190 true
