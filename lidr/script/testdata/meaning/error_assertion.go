//go:build go1.21

package main

import (
	"errors"
	"fmt"
)

func main() {

	var v interface{} = errors.New("e")
	switch x := v.(type) {
	case error:
		fmt.Println("error", x)
	default:
		fmt.Println("other")
	}
	defer func() {
		err, ok := recover().(error)
		fmt.Println(ok, err)
	}()
	panic(errors.New("boom"))

}

// Output:
// error e
// true boom
