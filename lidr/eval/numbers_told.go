package eval

import (
	"regexp"
	"slices"
	"strings"
)

// told returns the number of the text's last sentence with one, where that sentence is an answer phrase's ("Answer: She
// earns 18 dollars for 9 eggs") or states a result ("The result is 18, not 9").
func (t numbered) told() (string, bool) {
	if len(t.numbers) == 0 {
		return "", false
	}
	for _, kind := range []phraseKind{answerPhrase, resultPhrase} {
		for _, p := range slices.Backward(t.phrases) {
			k := t.after(p.end)
			if p.kind != kind || k == len(t.numbers) || t.numbers[k].start > p.end+mostGap || !t.lastSentence(p.end, k) {
				continue
			}
			g := readGap(t.text[p.end:t.numbers[k].start], t.lang, true)
			switch {
			case g.ended || !g.linked:
			case kind == answerPhrase:
				return t.clause(p.end, k)
			case g.direct:
				return t.result(k)
			}
		}
	}
	return "", false
}

// lastSentence reports whether number k is in the sentence at a place of the text and no number follows that sentence.
func (t numbered) lastSentence(place, k int) bool {
	if t.numbers[len(t.numbers)-1].start > place+mostSentence {
		return false
	}
	end := t.sentence(place)
	return t.numbers[k].start < end && t.after(end) == len(t.numbers)
}

// What sets numbers of a clause apart: an explanation of what was said, a further statement, and words before a number
// that only says of what, for how long or for how many.
var (
	explanation = regexp.MustCompile(`(?i)(?:^|\P{L})(?:because|since|i\.\s?e\.|that is|from|d\.\s?h\.|` +
		`das heißt|weil|denn|aus|es decir|porque|ya que|soit|c'est-à-dire|car|parce que|cioè|perché|ou seja|isto é|` +
		`pois|то есть|т\.\s?е\.|потому|так как|yaani|kwa sababu|kwani|কারণ|क्योंकि|यानी|ఎందుకంటే|అంటే|لأن|أي|` +
		`من)(?:\P{L}|$)|[(;]|` +
		`因为|因為|即|也就是|つまり|なぜなら|즉|왜냐하면|เพราะ|จาก|คือ`)
	further = regexp.MustCompile(`(?i)(?:^|\P{L})(?:and|so|then|but|und|also|dann|y|luego|entonces|et|donc|puis|e|` +
		`quindi|poi|então|и|а|затем|na|kisha|এবং|तब|और|మరియు|ثم|و)(?:\P{L}|$)|然后|所以|和|そして|それで|그리고|และ`)
	aside = words(`not nicht no pas не non não si
		for in with if after per each every of the by at on during over all both her his their these those this
		für in mit wenn nach pro je jede jeder von der die das den dem bei während alle ihre seine diese an am
		para en con si después por cada de los las sus estos estas todos durante
		pour avec après par chaque de des les du ses leurs ces tous pendant si sur
		per dopo ogni di dei gli le i suoi tutti durante em com após cada os as seus todos
		для в с если после за на из от до через каждый каждые все эти его её их
		kwa katika baada ikiwa kila ya wa`)
)

// clause returns the number of a clause that begins behind an answer phrase, and whose first number is number k.
func (t numbered) clause(place, k int) (string, bool) {
	if _, _, ok := t.equation(k); ok {
		return t.result(k)
	}
	end := t.sentence(place)
	const mostNumbers = 3 // more are the steps of a solution
	if t.after(end)-k > mostNumbers || strings.Contains(t.text[t.numbers[k].end:end], "=") {
		return "", false
	}
	for j := k; j < len(t.numbers) && t.numbers[j].start < end; j++ {
		before := place
		if j > k {
			before = t.numbers[j-1].end
			if further.MatchString(t.text[before:t.numbers[j].start]) {
				return "", false
			}
		}
		near := wordsOf(t.text[before:t.numbers[j].start])
		if len(near) > 0 && aside[near[len(near)-1]] {
			continue
		}
		if j+1 < len(t.numbers) && t.numbers[j+1].start < end {
			between := t.text[t.numbers[j].end:t.numbers[j+1].start]
			if further.MatchString(between) && !explanation.MatchString(between) {
				return "", false
			}
		}
		if operation.MatchString(t.text[t.numbers[j].end:]) {
			return "", false
		}
		return t.numbers[j].value, true
	}
	return "", false
}
