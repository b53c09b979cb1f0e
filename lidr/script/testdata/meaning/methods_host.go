//go:build go1.21

// Packages of the host that ask values for methods find those of the script.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
)

type count int

type code int

func (code) Error() string { return "code" }

type text int

func (text) MarshalText() ([]byte, error) { return []byte("text"), nil }

type secret struct{ key string }

func (secret) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("key", count(1)), slog.Any("why", code(2)))
}

type pair struct {
	A string
	b error
}

type level int

func (l *level) String() string   { return fmt.Sprint(int(*l)) }
func (l *level) Set(string) error { *l++; return nil }

type scanned string

func (s *scanned) Scan(state fmt.ScanState, _ rune) error {
	token, err := state.Token(true, nil)
	*s = scanned("<" + string(token) + ">")
	return err
}

type printer interface{ Printf(string, ...any) }

type encoder interface{ Encode(any) error }

func main() {
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "time" {
			return slog.Attr{}
		}
		if c, ok := a.Value.Any().(code); ok {
			return slog.Any("code", int(c))
		}
		return a
	}
	options := &slog.HandlerOptions{ReplaceAttr: noTime}
	texts, objects := slog.NewTextHandler(os.Stdout, options), slog.NewJSONHandler(os.Stdout, options)
	for _, handler := range []slog.Handler{texts, objects} {
		logger := slog.New(handler).With("n", count(1))
		logger.Info("a", "code", code(3), "text", text(1), "secret", secret{"x"}, "pair", pair{"<", code(1)})
		group := slog.Group("g", "list", []any{pair{"&", nil}, code(2)}, "err", fmt.Errorf("%w", code(4)))
		logger.Info("b", group, slog.Int("i", 1))
	}
	var out encoder = json.NewEncoder(os.Stdout)
	fmt.Println(out.Encode(pair{"<", nil}), out.Encode(map[string]any{"a": text(1), "b": []any{&pair{"&", nil}}}))
	var to printer = log.New(os.Stdout, "", 0)
	to.Printf("%T %[1]v", count(3))

	flags := flag.NewFlagSet("flags", flag.ContinueOnError)
	flags.SetOutput(os.Stdout)
	low, high := level(0), level(2)
	flags.Var(&low, "low", "a level")
	flags.Var(&high, "high", "a level")
	flags.PrintDefaults()
	var s scanned
	fmt.Sscanf("1 word", "1 %v", &s)
	fmt.Println(s)
}

// Output:
// level=INFO msg=a n=1 code=3 text=text secret.key=1 secret.code=2 pair="{A:< b:1}"
// level=INFO msg=b n=1 g.list="[{A:& b:<nil>} code]" g.err=code i=1
// {"level":"INFO","msg":"a","n":1,"code":3,"text":"text","secret":{"key":1,"code":2},"pair":{"A":"<"}}
// {"level":"INFO","msg":"b","n":1,"g":{"list":[{"A":"&"},2],"err":"code"},"i":1}
// {"A":"\u003c"}
// {"a":"text","b":[{"A":"\u0026"}]}
// <nil> <nil>
// main.count 3
//   -high value
//     	a level (default 2)
//   -low value
//     	a level
// <word>
