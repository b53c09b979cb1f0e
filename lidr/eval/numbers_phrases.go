package eval

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unspaced are the scripts that write no spaces between words, or none between a word and its particle.
var unspaced = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai}

// links are the words that link an answer phrase to its number.
var links = words(`is are was be becomes equals equal lautet beträgt ergibt ist wäre heißt sind
	es sería seria será son sono est serait sera sont égale è é sarebbe sarà são igual uguale gleich
	равен равна равно равняется получается получился это является будет составляет составит дорівнює становить є
	ni itakuwa sawa bedraagt luidt wynosi jest brzmi blir bliver este là adalah ialah yaitu eşittir είναι
	হলো হল হচ্ছে হবে হয় है होगा होगी हैं అవుతుంది هي هو تساوي يساوي יא היא הוא`)

// linksOf has further links, which mean something else in other languages.
var linksOf = map[string]map[string]bool{
	"pl": words("to"), "cs": words("je zní"), "sk": words("je"), "hr": words("je"), "sr": words("je је"),
	"sl": words("je"), "da": words("er"), "no": words("er"), "nb": words("er"), "sv": words("är"), "fi": words("on"),
	"ro": words("e"), "it": words("e"), "pt": words("e"), "bg": words("е"), "es": words("da"), "ca": words("és"),
}

// fillers are words that may stand between a link and the number: units that come first, and words that say how sure
// or how exact the answer is.
var fillers = words(`a an of to final correct right therefore thus then so hence about approximately approx only just
	exactly total usd us eur gbp inr rs re r ksh tsh sh shs kes tzs ugx cad aud hk nt rmb cny jpy krw rub chf dollars euros
	án số lời
	endgültige richtige also daher somit demnach folglich etwa ungefähr ca genau nur insgesamt
	final correcta por lo tanto entonces pues aproximadamente unos unas de exactamente alrededor
	finale donc alors ainsi environ exactement seulement à d un une
	quindi dunque circa esattamente corretta finale portanto então cerca correta
	служит число итоговый окончательный правильный следовательно поэтому итак примерно около ровно всего
	dola shilingi sh la lake yake mwisho sahihi ya kwa hivyo hiyo basi kama takriban jumla
	অতএব তাই মোট প্রায় ডলার টাকা अतः इसलिए कुल लगभग रुपये डॉलर రూ రూపాయలు డాలర్లు మొత్తం సుమారు కాబట్టి
	النهائية النهائي الصحيحة إذن إذا حوالي تقريبا دولار uiteindelijke dus ongeveer x y n`)

// abbreviated are fillers that end in a point and no sentence.
var abbreviated = words("rs re r ca approx sh kr env aprox rub руб रू రూ us")

// loose are fillers that do not stand between a phrase and its number without a link: "the answer to 2 decimal places".
var loose = words("a an of to de d à un une y x n")

// minusWords are signs before a number, and operators between two.
var minusWords = words(`minus moins menos meno минус мінус hasi mínus ลบ
	মাইনাস ঋণাত্মক माइनस ऋण ఋణ మైనస్ سالب ناقص eksi âm`)

// particles are the links and fillers of scripts without spaces between words.
var (
	particles = regexp.MustCompile(`^(?:` + linkParticles + `|一共|总共|總共|共计|共計|共|约|約|大约|大約|大概|每天|最终|最後|最后|` +
		`因此|所以|应该|應該|美元|人民币|全部で|合計|およそ|ちょうど|ドル|最終的な|の|한|약|총|모두|합계|최종|입니다|` +
		`จึง|ก็|ประมาณ|ทั้งหมด|ทั้งสิ้น|รวม|เพียง|คน|เงิน|สุดท้าย|ที่ถูกต้อง)+$`)
	linkParticle = regexp.MustCompile(linkParticles)
)

const linkParticles = `は|が|とは|应该是|應該是|应为|應為|就是|是|为|為|等于|等於|即|은|는|이|가|คือ|เท่ากับ|เป็น|จะเป็น`

// questions count what is answered and not the answer: "to answer 5 questions".
var questions = regexp.MustCompile(`(?i)^\s*(?:(?:more |math )?questions|of (?:them|the)|fragen|preguntas|вопрос|` +
	`maswali|問|问|题|題|道|個|个|문제|개|ข้อ|কটি|টি প্রশ্ন|प्रश्न|सवाल|ప్రశ్న|أسئلة|سؤال|domande|perguntas)`)

// subjects make a verb of the English "answer".
var subjects = words("to i we you they he she can could will would must should ll did not cannot")

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// wordsOf returns the words of a text in lower case.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !isLetter(r) })
}

// isLetter reports letters and the marks on them, which are part of words in the scripts of India.
func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) }

// gap is what stands between an answer phrase and a number.
type gap struct {
	linked   bool // it has a word, a colon or a sign that links the two
	known    bool // all its words are links and fillers
	direct   bool // the last link is followed by links and fillers only
	negative bool // its last word means minus
	ended    bool // a sentence ends in it
	loose    bool // it has a word that links the phrase to something else
}

// readGap analyses the text before a number in a language. If the number is the first behind its phrase, a dash may
// link the two.
func readGap(text, lang string, first bool) gap {
	g := gap{known: true}
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if isLetter(r) {
			for size < len(text) {
				next, n := utf8.DecodeRuneInString(text[size:])
				if !isLetter(next) {
					break
				}
				size += n
			}
			word := strings.ToLower(text[:size])
			g.word(word, lang)
			if abbreviated[word] && strings.HasPrefix(text[size:], ".") {
				size++
			}
		} else if strings.ContainsRune(":：=→", r) || first && (r == '—' || r == '–' || r == '-') && !g.linked {
			g.linked, g.direct = true, true
		} else if strings.ContainsRune("。！？।;!?", r) || r == '.' && strings.TrimLeft(text[size:], " \n") != text[size:] {
			g.ended = true
		}
		text = text[size:]
	}
	return g
}

func (g *gap) word(word, lang string) {
	r, _ := utf8.DecodeRuneInString(word)
	g.loose = g.loose || loose[word]
	g.negative = minusWords[word]
	switch {
	case links[word] || linksOf[lang][word]:
		g.linked, g.direct = true, true
	case fillers[word] || g.negative:
	case unicode.In(r, unspaced...) && particles.MatchString(word):
		if linkParticle.MatchString(word) {
			g.linked, g.direct = true, true
		}
	default:
		g.known, g.direct = false, false
	}
}
