package eval

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// phraseKind says what introduces a number.
type phraseKind int

const (
	noPhrase      phraseKind = iota
	answerPhrase             // the word for "answer"
	resultPhrase             // the word for "result", which a solution may use before its end as well
	headingPhrase            // "####", as GSM8K uses it
	boxPhrase                // \boxed{
)

// phrase introduces a number at text[start:end].
type phrase struct {
	kind       phraseKind
	start, end int
}

// answerWords and resultWords are whole words, in lower case. German compounds such as "Endergebnis" count as their
// last part.
var (
	answerWords = words(`answer ans antwort respuesta réponse reponse risposta resposta ответ ответом ответа відповідь
		відповіддю отговор отговорът отговора одговор odgovor jibu jawaban jawabannya jawapan jawapannya antwoord svar
		svaret vastaus cevap cevabı cevabi yanıt yanit yanıtı odpowiedź odpowiedz odpověď odpoveď răspuns răspunsul válasz
		απάντηση đáp trả sagot ìdáhùn idahun
		উত্তর উত্তরটি উত্তরটা उत्तर जवाब సమాధానం జవాబు பதில் விடை જવાબ ಉತ್ತರ ഉത്തരം ਜਵਾਬ ਉੱਤਰ
		الإجابة الاجابة إجابة اجابة الجواب جواب پاسخ תשובה התשובה`)
	resultWords = words(`result ergebnis resultado résultat resultat risultato результат итог lösung solution solución
		soluzione solução решение suluhisho matokeo resultaat hasil hasilnya
		sonuç sonuc wynik ফলাফল परिणाम ఫలితం الناتج النتيجة نتیجه`)
)

// answerParts and resultParts are those of scripts without spaces, the longer before those that they begin with.
var (
	answerParts = strings.Fields(`答え こたえ 解答 回答 答案 答覆 答复 正解 答 정답 해답 답변 답 คำตอบ ตอบ`)
	resultParts = strings.Fields(`結果 结果 결과 ผลลัพธ์ 解`)
)

// findPhrases returns the phrases of a text from the first to the last.
func findPhrases(text string) []phrase {
	var found []phrase
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		kind := noPhrase
		switch {
		case r == '#':
			size = len(text[i:]) - len(strings.TrimLeft(text[i:], "#"))
			if size >= len("####") {
				kind = headingPhrase
			}
		case r == '\\':
			for _, box := range []string{`\boxed{`, `\fbox{`} {
				if strings.HasPrefix(text[i:], box) {
					kind, size = boxPhrase, len(box)
				}
			}
		case unicode.In(r, unspaced...):
			kind, size = partAt(text[i:], size)
		case unicode.IsLetter(r):
			size = spacedWord(text[i:])
			kind = wordKind(strings.ToLower(text[i : i+size]))
		}
		if kind != noPhrase {
			found = append(found, phrase{kind, i, i + size})
		}
		i += size
	}
	return found
}

// spacedWord returns the size of the word that a text in a script with spaces begins with.
func spacedWord(text string) int {
	for i, r := range text {
		if !isLetter(r) || unicode.In(r, unspaced...) {
			return i
		}
	}
	return len(text)
}

func wordKind(word string) phraseKind {
	for _, article := range []string{"", "و", "ف"} { // Arabic writes "and" and "so" without a space
		switch rest := strings.TrimPrefix(word, article); {
		case answerWords[rest] || strings.HasSuffix(rest, "antwort"):
			return answerPhrase
		case resultWords[rest] || strings.HasSuffix(rest, "ergebnis"):
			return resultPhrase
		}
	}
	return noPhrase
}

// partAt returns the phrase that a text without spaces begins with and its size, or the size of one character.
func partAt(text string, one int) (phraseKind, int) {
	for _, part := range answerParts {
		if strings.HasPrefix(text, part) {
			return answerPhrase, len(part)
		}
	}
	for _, part := range resultParts {
		if strings.HasPrefix(text, part) {
			return resultPhrase, len(part)
		}
	}
	return noPhrase, one
}
