package eval

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// plain replaces how LaTeX and Markdown write numbers, signs and operators by plain characters, and then the characters
// of all scripts as [plainDigits] does.
func plain(s string) string {
	s = plainSigns.Replace(norm.NFC.String(s))
	if strings.IndexFunc(s, invisible) >= 0 {
		s = strings.Map(visible, s)
	}
	if strings.ContainsAny(s, "⁰¹²³⁴⁵⁶⁷⁸⁹") {
		s = superscript.ReplaceAllStringFunc(s, func(exponent string) string {
			return "^" + superscripts.Replace(exponent)
		})
	}
	if strings.Contains(s, `\`) {
		for _, rule := range latexRules {
			s = rule.from.ReplaceAllString(s, rule.to)
		}
		s = latex.Replace(s)
	}
	if strings.Contains(s, "**") || strings.Contains(s, "__") {
		s = emphasis.Replace(power.ReplaceAllString(s, "$1^$2"))
	}
	if strings.Contains(s, "_") {
		s = underscored.ReplaceAllStringFunc(s, func(number string) string { return strings.ReplaceAll(number, "_", "") })
	}
	if strings.Contains(s, "~") {
		s = tilde.ReplaceAllString(s, "$1\u00a0$2")
	}
	s = plainDigits(s)
	if strings.ContainsAny(s, "负負マ마") {
		s = negativeWord.ReplaceAllString(s, "$1-$2")
	}
	s = minusFirst.ReplaceAllString(negativeSpelled.ReplaceAllString(s, "-$1"), "-$1")
	return minusSpelled.ReplaceAllString(s, "$1 -$2")
}

// A sign in words before a number. "Minus" is one behind a verb and at the beginning of a text alone: between two
// numbers it is an operator.
var (
	negativeSpelled = regexp.MustCompile(`(?i)\b(?:negative|negativo|negativa|négatif|negatif) (\p{Sc}?\d)`)
	minusFirst      = regexp.MustCompile(`(?i)^\s*(?:minus|moins|menos|meno|минус|мінус) (\p{Sc}?\d)`)
	minusSpelled    = regexp.MustCompile(`(?i)((?:^|\P{L})(?:is|was|be|equals|ist|beträgt|` +
		`war|est(?: de)?|es(?: de)?|era(?: de)?|` +
		`è|é)) (?:minus|moins|menos|meno) (\p{Sc}?\d)`)
)

// invisible reports characters without width: marks of direction, joiners and soft hyphens.
func invisible(r rune) bool {
	return r == '\u00ad' || '\u200b' <= r && r <= '\u200f' || '\u202a' <= r && r <= '\u202e' ||
		'\u2060' <= r && r <= '\u2069' || r == '\ufeff'
}

func visible(r rune) rune {
	if invisible(r) {
		return -1
	}
	return r
}

var emphasis = strings.NewReplacer("**", "", "__", "")

// rule is a replacement of an expression.
type rule struct {
	from *regexp.Regexp
	to   string
}

var latexRules = []rule{
	{regexp.MustCompile(`([0-9])\s*\\[dtc]?frac\s*\{\s*([0-9]+)\s*\}\s*\{\s*([0-9]+)\s*\}`), "$1 $2/$3"}, // mixed
	{regexp.MustCompile(`\\[dtc]?frac\s*\{\s*(-?[0-9.,]+)\s*\}\s*\{\s*([0-9.,]+)\s*\}`), "$1/$2 "},
	{regexp.MustCompile(`\\[dtc]?frac\s*([0-9])\s*([0-9])`), "$1/$2 "},
	{regexp.MustCompile(`\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|operatorname)\s*\{([^{}]*)\}`), "$1"},
	{regexp.MustCompile(`([0-9]),\s*\\[!,;:]\s*([0-9])`), "$1,$2"}, // 70,\!000
	{regexp.MustCompile(`([0-9])\s*\\[,;: ]\s*([0-9])`), "$1\u00a0$2"},
}

var latex = strings.NewReplacer(
	"{,}", ",", "{.}", ".", `\!`, "", `\,`, "\u00a0", `\;`, "\u00a0", `\:`, "\u00a0", `\ `, "\u00a0", `\$`, "$", `\%`, "%",
	`\#`, "#", `\*`, "*", `\times`, "×", `\cdot`, "·", `\ast`, "*", `\div`, "÷", `\approx`, "=", `\left`, "", `\right`, "",
	`\quad`, " ", `\qquad`, " ", `\displaystyle`, "", `\(`, " ", `\)`, " ", `\[`, " ", `\]`, " ", `\-`, "-",
)

var (
	// power is Python's and Markdown's way to write one; other pairs of stars are bold.
	power = regexp.MustCompile(`([0-9] ?)\*\*( ?[0-9])`)
	// underscored is a number as programs write it: 18_000.
	underscored = regexp.MustCompile(`\b[0-9]{1,3}(?:_[0-9]{3})+\b`)
	// tilde is LaTeX's space that does not break.
	tilde = regexp.MustCompile(`([0-9])~([0-9])`)
	// negativeWord is a sign before a number in scripts without spaces; 勝負3 is none.
	negativeWord = regexp.MustCompile(`(^|\P{L}|[是为為はがの])(?:负|負|マイナス|마이너스)\s*([0-9])`)
)

var plainSigns = strings.NewReplacer(
	"½", " 1/2", "⅓", " 1/3", "⅔", " 2/3", "¼", " 1/4", "¾", " 3/4", "⅕", " 1/5", "⅖", " 2/5", "⅗", " 3/5", "⅘", " 4/5",
	"⅙", " 1/6", "⅚", " 5/6", "⅛", " 1/8", "⅜", " 3/8", "⅝", " 5/8", "⅞", " 7/8",
	"≈", "=", "≒", "=", "≃", "=", "∗", "*", "✕", "×", "✖", "×", "⋅", "·", "⁄", "/", "∕", "/", "／", "/",
)

// superscript is an exponent in superscript digits.
var (
	superscript  = regexp.MustCompile(`[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+`)
	superscripts = strings.NewReplacer("⁺", "", "⁻", "-", "⁰", "0", "¹", "1", "²", "2", "³", "3", "⁴", "4", "⁵", "5",
		"⁶", "6", "⁷", "7", "⁸", "8", "⁹", "9")
)

// plainDigits replaces the digits, signs and separators of all scripts by ASCII. Thin and non-breaking spaces, which
// are separators inside a number, become U+00A0, and a dash that begins a number becomes a minus sign.
func plainDigits(s string) string {
	s = strings.Map(func(r rune) rune {
		switch r {
		case '−', '－', '‐', '‑', '﹣':
			return '-'
		case '．', '٫':
			return '.'
		case '，', '٬', '،', '﹐':
			return ','
		case '’', '＇':
			return '\''
		case '＝':
			return '='
		case '＋':
			return '+'
		case '＊':
			return '*'
		case '％', '٪':
			return '%'
		case '＄':
			return '$'
		case '（':
			return '('
		case '）':
			return ')'
		case '\u2006', '\u2007', '\u2008', '\u2009', '\u200a', '\u202f', '\u205f':
			return '\u00a0'
		}
		if r > unicode.MaxASCII && unicode.Is(unicode.Nd, r) {
			return digit(r)
		}
		return r
	}, s)
	if strings.Contains(s, "–") {
		s = signDash.ReplaceAllString(s, "$1-$2")
	}
	return s
}

// signDash is an en dash that stands for a minus sign: it touches the number, and no digit, letter or bracket is before
// it, as in the range "3–5".
var signDash = regexp.MustCompile(`(^|[\s:：=("'$*\[{\x{A0}是为為得はが은는]|คือ|เป็น)–(\p{Sc}?\.?[0-9])`)

// digit returns the ASCII form of a decimal digit. Unicode has the ten digits of a script in a row, and a range may
// hold those of several scripts.
func digit(r rune) rune {
	for _, span := range unicode.Nd.R16 {
		if rune(span.Lo) <= r && r <= rune(span.Hi) {
			return '0' + (r-rune(span.Lo))%10
		}
	}
	for _, span := range unicode.Nd.R32 {
		if rune(span.Lo) <= r && r <= rune(span.Hi) {
			return '0' + (r-rune(span.Lo))%10
		}
	}
	return r
}
