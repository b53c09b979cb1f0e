//go:build go1.21

// Package encoding/json writes and reads values of the script.
package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

type base struct {
	ID   int `json:"id"`
	note string
}

type item struct {
	base
	Name  string            `json:"name"`
	Tags  []string          `json:"tags,omitempty"`
	Extra map[string]any    `json:"extra,omitempty"`
	Next  *item             `json:"next"`
	Skip  int               `json:"-"`
	By    map[string]amount `json:"by"`
	Raw   []byte
}

type amount int

func (a amount) MarshalJSON() ([]byte, error) {
	return []byte(fmt.Sprintf("\"%d units\"", int(a))), nil
}

type setting struct {
	Alpha float64 `json:"alpha"`
	Langs []string
}

func main() {
	i := item{base: base{1, "n"}, Name: "a<b", By: map[string]amount{"y": 2, "x": 1}, Raw: []byte("r")}
	out, err := json.Marshal(i)
	fmt.Println(string(out), err)
	out, err = json.MarshalIndent([]amount{1, 2}, "", " ")
	fmt.Println(string(out), err)
	out, err = json.Marshal(map[string]any{"i": &i.Name, "a": amount(3), "l": []any{setting{Alpha: 0.5}}})
	fmt.Println(string(out), err)
	var s setting
	err = json.Unmarshal([]byte("{\"alpha\": 2, \"Langs\": [\"en\"]}"), &s)
	fmt.Println(s, err)
	var list []setting
	err = json.NewDecoder(strings.NewReader("[{\"alpha\": 1}]")).Decode(&list)
	fmt.Println(list, err, json.Unmarshal([]byte("{"), &s))
}

// Output:
// {"id":1,"name":"a\u003cb","next":null,"by":{"x":"1 units","y":"2 units"},"Raw":"cg=="} <nil>
// [
//  "1 units",
//  "2 units"
// ] <nil>
// {"a":"3 units","i":"a\u003cb","l":[{"alpha":0.5,"Langs":null}]} <nil>
// {2 [en]} <nil>
// [{1 []}] <nil> unexpected end of JSON input
