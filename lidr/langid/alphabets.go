package langid

import (
	"strings"
	"unicode"
)

// alphabets are the letters of languages in scripts that many share: in Latin script those beside a to z, in the others
// all. A text with others is in no such language, whatever the model says: most languages of the world are not among
// the model's 176, and it takes them for a neighbour. A language without an alphabet here may have any letter.
var alphabets = map[string]string{
	"en": "éèêëçñáàâäíïóôöúüæœ", "es": "áéíóúüñ", "pt": "áâãàçéêíóôõúü", "gl": "áéíóúüñï", "ca": "àèéíïòóúüç·",
	"fr": "àâæçéèêëîïôœùûüÿ", "ro": "ăâîșțşţ", "de": "äöüßé", "nl": "éèëïóöüíáĳ", "af": "êëéèîïôûáóúíŉ",
	"it": "àèéìíîòóùú", "sv": "åäöé", "da": "æøåéóá", "no": "æøåéòóôàê", "is": "áéíóúýæöðþ",
	"fi": "åäöšž", "et": "äöõüšž", "hu": "áéíóöőúüű",
	"pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž", "sk": "áäčďéíĺľňóôŕšťúýž", "sl": "čšž", "hr": "čćđšž", "sr": "čćđšž",
	"lt": "ąčęėįšųūž", "lv": "āčēģīķļņšūž", "tr": "çğıöşüâîû̇", "sq": "çë", "eu": "ñçü", "cy": "âêîôûŵŷáéíóúäëïöüàèìòùẁỳ",
	"ga": "áéíóú", "mt": "ċġħżàèìòù", "id": "éè", "ms": "éè", "tl": "ñáéíóúàâ", "sw": "", "yo": "áàéèẹíìóòọúùṣńǹḿ́̀̄",
	"vi": "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ̛̣́̀̉̃̂̆",

	"ru": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя́", "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя́",
	"be": "абвгґдеёжзійклмнопрстуўфхцчшыьэюя́", "bg": "абвгдежзийклмнопрстуфхцчшщъьюяѝ̀",
	"mk": "абвгдѓежзѕијклљмнњопрстќуфхцчџшѐѝ", "kk": "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя",
	"ky": "абвгдеёжзийклмнңоөпрстуүфхцчшщъыьэюя", "mn": "абвгдеёжзийклмноөпрстуүфхцчшщъыьэюя",
	"tg": "абвгғдеёжзиӣйкқлмнопрстуӯфхҳчҷшъэюяцщыь",

	"ar": "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيـًٌٍَُِّْٰٱ",
	"fa": "ءآأؤئابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیةكئًٌٍَُِّْـ",
	"ur": "ءآأؤئابپتٹثجچحخدڈذرڑزژسشصضطظعغفقکگلمنںوہھۃیےۓةكيهًٌٍَُِّْٰٔـ",

	"my": "ကခဂဃငစဆဇဈဉညဋဌဍဎဏတထဒဓနပဖဗဘမယရလဝသဟဠအဣဤဥဦဧဩဪါာိီုူေဲံ့း္်ျြွှဿ",
	"bn": "অআইঈউঊঋএঐওঔকখগঘঙচছজঝঞটঠডঢণতথদধনপফবভমযরলশষসহড়ঢ়য়ৎ\u09dc\u09dd\u09dfািীুূৃেৈোৌ্ংঃঁ়ৗ",
}

// Serbian has two alphabets.
const serbianCyrillic = "абвгдђежзијклљмнњопрстћуфхцчџш"

// lettersPerForeign is the least number of letters for each letter of another alphabet, which a name may have. A text
// in Latin script may have one however short it is.
const lettersPerForeign = 40

// spelled says whether the letters of a text are those of a language.
func spelled(text, lang string, main int) bool {
	alphabet, limited := alphabets[lang]
	if !limited {
		return true
	}
	letters, foreign := 0, 0
	for _, r := range strings.ToLower(text) {
		if !isLetter(r) {
			continue
		}
		letters++
		if 'a' <= r && r <= 'z' || strings.ContainsRune(alphabet, r) ||
			lang == "sr" && strings.ContainsRune(serbianCyrillic, r) || lang == "yo" && unicode.Is(unicode.Mn, r) {
			continue
		}
		foreign++
	}
	if main == latin {
		letters = max(letters, lettersPerForeign)
	}
	return foreign*lettersPerForeign <= letters
}
