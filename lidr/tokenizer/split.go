package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// The pre-tokenizers' expressions, as the models publish them. They cut text into words, and tokens merge only inside a
// word. The two differ in how many digits a word may have.
const (
	// QwenPattern (Qwen2, Qwen2.5, Qwen3) makes every digit a word.
	QwenPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|` +
		` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	// LlamaPattern (Llama 3) makes words of up to three digits.
	LlamaPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|` +
		` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	// gpt2Pattern is the expression of ByteLevel itself where use_regex is set (GPT-2).
	gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
)

// A splitter appends the words of text, valid UTF-8, to out. Words are substrings of text.
type splitter func(out []string, text string) []string

// newSplitter returns the splitter of an expression. The text between two matches is a word too, unless matchesOnly.
func newSplitter(pattern string, matchesOnly bool) (splitter, error) {
	if pattern == QwenPattern {
		return func(out []string, text string) []string { return scanWords(out, text, 1) }, nil
	}
	if pattern == LlamaPattern {
		return func(out []string, text string) []string { return scanWords(out, text, 3) }, nil
	}
	return regexSplitter(pattern, matchesOnly)
}

// The expression comes with the model and may backtrack without end; those in use take microseconds for a match.
const (
	maxPattern = 1 << 16                // bytes; those in use have a few hundred
	probeTime  = 200 * time.Millisecond // for one match of a probe
	probesTime = 3 * time.Second        // for all probes
)

// matchTime is the time limit of a match in a text.
var matchTime = 10 * time.Second

// EndlessPattern is what encoding a text panics with when the expression of tokenizer.json takes too long on it, since
// going on would give wrong tokens. [Load] refuses most expressions that ever do.
type EndlessPattern struct{ Pattern string }

func (e EndlessPattern) Error() string {
	return fmt.Sprintf("tokenizer.json: the pattern %.200q takes more than %v to match a text; use a tokenizer whose "+
		"pattern ends", e.Pattern, matchTime)
}

// regexSplitter runs any expression of the .NET kind, look-ahead included, which Go's own regexp lacks.
func regexSplitter(pattern string, matchesOnly bool) (splitter, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("pattern of %d bytes; at most %d are accepted", len(pattern), maxPattern)
	}
	re, err := regexp2.Compile(asOniguruma(pattern), regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	re.MatchTimeout = matchTime
	return func(out []string, text string) []string {
		// Positions of matches are in runes; advance moves the positions in bytes and in runes together.
		at, atRune := 0, 0
		advance := func(runes int) string {
			from := at
			for ; atRune < runes; atRune++ {
				_, n := utf8.DecodeRuneInString(text[at:])
				at += n
			}
			return text[from:at]
		}
		m, err := re.FindStringMatch(text)
		for ; m != nil && err == nil; m, err = re.FindNextMatch(m) {
			if gap := advance(m.Index); gap != "" && !matchesOnly {
				out = append(out, gap)
			}
			if word := advance(m.Index + m.Length); word != "" {
				out = append(out, word)
			}
		}
		if err != nil { // the only error is the timeout
			panic(EndlessPattern{pattern})
		}
		if at < len(text) && !matchesOnly {
			out = append(out, text[at:])
		}
		return out
	}, nil
}

// ends is an error for an expression that backtracks without end on a run of one character, of one of each kind or of
// those that it names: long enough for an exponential number of ways, or for the cube of its length. Expressions in use
// take a few milliseconds for all of it.
func ends(pattern string) error {
	re, err := regexp2.Compile(asOniguruma(pattern), regexp2.None)
	if err != nil {
		return nil // newSplitter says so
	}
	re.MatchTimeout = probeTime
	units := append(strings.Split(pattern, ""), "a", "A", "é", "字", "1", " ", "\n", "!", pattern+" ", "a1 ")
	slices.Sort(units)
	began := time.Now()
	for _, unit := range slices.Compact(units) {
		for _, length := range []int{40, 2000} {
			run := strings.Repeat(unit, length/len(unit)+1)
			for _, end := range []string{"", "\x00", "!\n"} {
				if err := probe(re, run+end); err != nil || time.Since(began) > probesTime {
					return fmt.Errorf("the pattern %.200q takes more than %v to match a text of %d bytes; use a tokenizer whose "+
						"pattern ends", pattern, probeTime, len(run+end))
				}
			}
		}
	}
	return nil
}

// probe is an error for a text in which one of the first matches takes too long three times over: once, the processor
// may have been another program's.
func probe(re *regexp2.Regexp, text string) (err error) {
	for range 3 {
		var m *regexp2.Match
		m, err = re.FindStringMatch(text)
		for n := 0; m != nil && err == nil && n < 20; n++ {
			m, err = re.FindNextMatch(m)
		}
		if err == nil {
			return nil
		}
	}
	return err
}

// scanWords is QwenPattern (digits 1) and LlamaPattern (digits 3) by hand, some ten times as fast as the expression.
// The tests compare the two on every string of up to six characters over an alphabet with all classes, and by fuzzing.
func scanWords(out []string, text string, digits int) []string {
	for len(text) > 0 {
		n := scanWord(text, digits)
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

// scanWord returns the length in bytes of the first word; its cases are the expression's alternatives in their order.
func scanWord(s string, digits int) int {
	r, size := utf8.DecodeRuneInString(s)
	if r == '\'' {
		if n := contraction(s); n > 0 {
			return n
		}
	}
	class := classOf(r)
	// [^\r\n\p{L}\p{N}]?\p{L}+
	if class == letter {
		return run(s, size, letter)
	}
	next, nextSize := utf8.DecodeRuneInString(s[size:])
	if class != number && r != '\r' && r != '\n' && nextSize > 0 && classOf(next) == letter {
		return run(s, size+nextSize, letter)
	}
	// \p{N}{1,digits}
	if class == number {
		for i := 1; i < digits; i++ {
			if next, n := utf8.DecodeRuneInString(s[size:]); n > 0 && classOf(next) == number {
				size += n
			}
		}
		return size
	}
	//  ?[^\s\p{L}\p{N}]+[\r\n]*
	if class == other || r == ' ' && nextSize > 0 && classOf(next) == other {
		end := run(s, size, other)
		for end < len(s) && (s[end] == '\r' || s[end] == '\n') {
			end++
		}
		return end
	}
	// \s*[\r\n]+ ends behind the last line break of the white space.
	end := run(s, size, space)
	for i := end; i > 0; i-- {
		if s[i-1] == '\n' || s[i-1] == '\r' {
			return i
		}
	}
	// \s+(?!\S) leaves the last space to the word behind it; \s+ takes a single one.
	if end < len(s) {
		if _, last := utf8.DecodeLastRuneInString(s[:end]); last < end {
			return end - last
		}
	}
	return end
}

// contraction is (?i:'s|'t|'re|'ve|'m|'ll|'d) at the start of s; 0 is no match.
func contraction(s string) int {
	if len(s) < 2 {
		return 0
	}
	if strings.HasPrefix(s, "'ſ") { // its upper case is S
		return len("'ſ")
	}
	second := byte(0)
	switch s[1] | 0x20 { // ASCII lower case
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		second = 'e'
	case 'l':
		second = 'l'
	}
	if len(s) > 2 && second != 0 && s[2]|0x20 == second {
		return 3
	}
	return 0
}

// run returns where the runes of a class that begin at byte i end.
func run(s string, i int, c class) int {
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if classOf(r) != c {
			break
		}
		i += n
	}
	return i
}

type class byte

const (
	other  class = iota // [^\s\p{L}\p{N}]
	letter              // \p{L}
	number              // \p{N}
	space               // \s: the property White_Space
)

var asciiClass = func() (t [utf8.RuneSelf]class) {
	for r := range t {
		t[r] = slowClass(rune(r))
	}
	return t
}()

func classOf(r rune) class {
	if r < utf8.RuneSelf {
		return asciiClass[r]
	}
	return slowClass(r)
}

func slowClass(r rune) class {
	switch {
	case unicode.IsLetter(r), unicode.Is(newLetters, r):
		return letter
	case unicode.IsNumber(r), unicode.Is(newNumbers, r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}
