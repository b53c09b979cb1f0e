//go:build go1.21

// Types may contain themselves.
package main

import (
	"fmt"
	"sort"
	"strings"
)

type node struct {
	name     string
	children []*node
	parent   *node
}

func (n *node) add(name string) *node {
	child := &node{name: name, parent: n}
	n.children = append(n.children, child)
	return child
}

func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, c := range n.children {
		c.walk(visit)
	}
}

type tree map[string]tree

type state func(*strings.Builder) state

func first(b *strings.Builder) state { b.WriteString("first "); return second }

func second(b *strings.Builder) state { b.WriteString("second"); return nil }

func main() {
	root := &node{name: "root"}
	root.add("b").add("c")
	root.add("a")
	sort.Slice(root.children, func(i, j int) bool { return root.children[i].name < root.children[j].name })
	root.walk(func(n *node) { fmt.Print(n.name, " ") })
	fmt.Println(root.children[1].parent == root, len(root.children))
	t := tree{"x": {"y": nil}}
	t["x"]["z"] = tree{}
	fmt.Println(len(t["x"]), t["x"]["y"] == nil, t)
	var b strings.Builder
	for s := state(first); s != nil; {
		s = s(&b)
	}
	fmt.Println(b.String())
}

// Output:
// root a b c true 2
// 2 true map[x:map[y:map[] z:map[]]]
// first second
