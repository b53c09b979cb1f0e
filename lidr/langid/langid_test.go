package langid

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/datasets"
)

func TestIdentify(t *testing.T) {
	id := Default()
	for _, c := range []struct{ lang, text string }{
		{"en", "What is a bond?"},
		{"en", "Anna has 12 apples. She buys 5 more, so she has 12 + 5 = 17. The answer is 17."},
		{"es", "Anna tiene 12 manzanas. Compra 5 más, así que tiene 12 + 5 = 17. La respuesta es 17."},
		{"de", "Anna hat 12 Äpfel. Sie kauft noch 5, also hat sie 12 + 5 = 17. Die Antwort ist 17."},
		{"fr", "Anna a 12 pommes. Elle en achète encore 5, donc elle en a 12 + 5 = 17. La réponse est 17."},
		{"it", "Anna ha 12 mele. Ne compra altre 5, quindi ha 12 + 5 = 17. La risposta è 17."},
		{"pt", "A Anna tem 12 maçãs. Ela compra mais 5, portanto tem 12 + 5 = 17. A resposta é 17."},
		{"sw", "Anna ana matofaa 12. Ananunua 5 zaidi, kwa hiyo ana 12 + 5 = 17. Jibu ni 17."},
		{"ru", "Ответ: 17."},
		{"ja", "答えは17です。"},
		{"zh", "因此，安娜现在有17个苹果。答案是17。"},
		{"ko", "답은 17입니다."},
		{"ar", "الجواب هو ١٧"},
		{"th", "คำตอบคือ 17"},
		{"bn", "উত্তর হল ১৭"},
		{"hi", "उत्तर १७ है"},
		{"ru", "Функция print() языка Python выводит текст:\n```python\nprint('hello, wonderful world of snakes')\n```"},
		{"ja", "東京都庁舎は新宿区西新宿二丁目にある"}, // more Han than kana
		{"", ""},
		{"", "17"},
		{"", "12 + 5 = 17\n17 × 2 = 34"},
		{"", "$1,234.50"},
		{"", "Paris"},
		{"", "東京"}, // Chinese or Japanese
		{"", "for (int i = 0; i < n; i++) { sum += a[i]; }"},
		{"", "```go\nfunc main() { println(\"this is the answer to all of your questions\") }"},
		{"", "https://example.org/where/to/find/the/answer"},
		{"", `\frac{1}{2} + \sqrt{3}`},
		{"", "የቀሩትን እንቁላሎች በገበያ በሁለት ዶላር ትሸጣለች።"}, // Ethiopic, a script of several languages
	} {
		lang, confidence := id.Identify(c.text)
		if lang != c.lang || (lang == "") != (confidence == 0) || confidence < 0 || confidence > 1 {
			t.Errorf("%q: %q with %.2f, expected %q", c.text, lang, confidence, c.lang)
		}
	}
}

// excerpts is a folder laid out like that of the published files, with texts of our own making: see its README.md.
const excerpts = "../../datasets/testdata/excerpts"

// All 20 prompts of each language are identified: they are sentences of some words each.
func TestExcerptsOfPrompts(t *testing.T) {
	checkPrompts(t, excerpts, 1, map[string][]string{
		"x-alpacaeval":      {"en", "de", "ru"},
		"alpagasus/id_0_20": {"en", "es", "ru", "de", "fr"},
		"mgsm":              {"en", "es", "ru", "de", "fr"},
	})
}

// Of the published prompts of each language at least 98 % are identified, although some ask to translate a sentence and
// are mostly in another language.
func TestPublishedPrompts(t *testing.T) {
	checkPrompts(t, dataFolder(t), 0.98, map[string][]string{
		"x-alpacaeval":           {"en", "de", "ru"},
		"alpagasus/id_1000_2000": {"en", "es", "ru", "de", "fr"},
		"mgsm":                   {"en", "es", "ru", "de", "fr"},
	})
}

func checkPrompts(t *testing.T, data string, atLeast float64, folders map[string][]string) {
	t.Helper()
	for folder, langs := range folders {
		prompts, err := datasets.LoadPrompts(filepath.Join(data, folder), langs)
		if err != nil {
			t.Fatal(err)
		}
		right, n := map[string]int{}, len(prompts)/len(langs)
		for _, p := range prompts {
			if lang, _ := Default().Identify(p.Text); lang == p.Lang {
				right[p.Lang]++
			}
		}
		for _, lang := range langs {
			share := float64(right[lang]) / float64(n)
			t.Logf("%s: %.2f %% of %d prompts in %s", folder, 100*share, n, lang)
			if share < atLeast {
				t.Errorf("%s: %.2f %% of the prompts in %s were identified, expected %.0f %%",
					folder, 100*share, lang, 100*atLeast)
			}
		}
	}
}

func TestExcerptsOfAnswers(t *testing.T) { checkAnswers(t, excerpts, 20) }

// Real answers are long, and all of them are identified.
func TestPublishedAnswers(t *testing.T) { checkAnswers(t, dataFolder(t), 300) }

// checkAnswers identifies the first n English answers and their French translations.
func checkAnswers(t *testing.T, data string, n int) {
	t.Helper()
	translations, err := datasets.LoadTranslations(filepath.Join(data, "llama3-m0", "en.to_fr.jsonl"), "en", "fr")
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range translations[:n] {
		if lang, _ := Default().Identify(tr.Source); lang != "en" {
			t.Errorf("%s: the English answer is taken for %q", tr.ID, lang)
		}
		if lang, _ := Default().Identify(tr.Text); tr.OK && lang != "fr" {
			t.Errorf("%s: the French translation is taken for %q", tr.ID, lang)
		}
	}
}

// dataFolder returns the folder of published files, and skips the test where there is none.
func dataFolder(t *testing.T) string {
	t.Helper()
	data := os.Getenv("LIDR_DATA")
	if data == "" {
		t.Skip("LIDR_DATA names no folder of published data")
	}
	return data
}

func FuzzIdentify(f *testing.F) {
	f.Add("The answer is 17.")
	f.Add("答えは17です。```")
	f.Add("\xff<a>`\\frac")
	f.Fuzz(func(t *testing.T, text string) {
		lang, confidence := Default().Identify(text)
		if (lang == "") != (confidence == 0) || !(confidence >= 0 && confidence <= 1) {
			t.Fatalf("%q: %q with confidence %v", text, lang, confidence)
		}
	})
}

// An English gloss in brackets does not outvote the script of the text, and a text in English stays English whatever it
// quotes.
func TestGlosses(t *testing.T) {
	for text, want := range map[string]string{
		"Janet 每天卖 16 - 3 - 4 = 9 个鸡蛋 (eggs per day at the farmers' market),赚 18 美元。":                            "zh",
		"彼女は毎日 9 個の卵を売ります（fresh duck eggs at the farmers' market every day）。答えは 18 です。":                          "ja",
		"జానెట్ ప్రతిరోజు గుడ్లు అమ్ముతుంది (fresh duck eggs at the farmers market every single day). జవాబు 18.": "te",
		"The word 鸡蛋 (eggs) is written with two characters, and both of them are common in Chinese.":             "en",
		"She sells the remaining eggs at the market (每天卖鸡蛋) for two dollars each.":                               "en",
	} {
		if got, p := Default().Identify(text); got != want {
			t.Errorf("%q is taken for %q (%.2f), expected %q", text, got, p, want)
		}
	}
}

// Short solutions in languages whose neighbours share most of their words are named where a word tells, and never as
// the neighbour; Bosnian, Malay, Nynorsk and Asturian are not known.
func TestNeighboursInSolutions(t *testing.T) {
	for _, c := range []struct {
		text string
		may  string // languages, or undetermined if it ends in a space
	}{
		{"Ivan svaki tjedan kupi dva kruha i tri litre mlijeka. Cijena" +
			" kruha je 2 eura, pa ukupno plaća 2 * 2 = 4 eura.", "hr"},
		{"Ukupna cijena je tisuća kuna. Podijelimo 1000 na 4 dijela i dobijemo 250. Rješenje je 250.", "hr"},
		{"Marko prodaje jaja svaki tjedan i zarađuje 18 dolara. Tko je kupio više? Odgovor je 18.", "hr"},
		{"Ivan svake nedelje kupi dva hleba i tri litra mleka. Cena" +
			" hleba je 2 evra, pa ukupno plaća 2 * 2 = 4 evra.", "sr "},
		{"Ukupna cena je hiljadu dinara. Podelimo 1000 na 4 dela i dobijemo 250. Rešenje je 250.", "sr "},
		{"Bonden selger ni egg hver dag for to dollar. Hun tjener" +
			" 9 * 2 = 18 dollar. Det endelige svaret er 18.", "no "},
		{"Anna har 12 epler. Hun kjøper 5 til, så hun har 12 + 5 = 17 epler. Svaret er 17.", "no "},
		{"Per sparer 50 kroner i uken. Etter 4 uker har han 50 * 4 = 200 kroner. Svaret er 200.", "no "},
		{"Gutten leser 20 sider hver dag i 7 dager, altså 20 * 7 = 140 sider i bøkene.", "no "},
		{"Landmanden sælger ni æg hver dag for to dollar. Hun" +
			" tjener 9 * 2 = 18 dollar. Det endelige svar er 18.", "da"},
		{"Anna har 12 æbler. Hun køber 5 til, så hun har 12 + 5 = 17 æbler. Svaret er 17.", "da"},
		{"Per sparer 50 kroner om ugen. Efter 4 uger har han 50 * 4 = 200 kroner. Svaret er 200.", "da"},
		{"Drengen læser 20 sider hver dag i 7 dage, altså 20 * 7 = 140 sider.", "da"},
		{"Anna har 12 äpplen. Hon köper 5 till, så hon har 12 + 5 = 17 äpplen. Svaret är 17.", "sv"},
		{"Bonden säljer nio ägg varje dag för två dollar. Hon tjänar 9 * 2 = 18 dollar.", "sv"},
		{"Ana ten 12 mazás. Merca outras 5, polo tanto ten 12 + 5 = 17 mazás. A resposta é 17.", "gl"},
		{"A granxeira vende nove ovos cada día a dous dólares. Gaña 9 * 2 = 18 dólares.", "gl"},
		{"Despois de catro semanas, Xoán ten 50 * 4 = 200 euros. Tamén gasta 30, así que quedan 170.", "gl"},
		{"Ana tem 12 maçãs. Compra mais 5, portanto tem 12 + 5 = 17 maçãs. A resposta é 17.", "pt"},
		{"Depois de quatro semanas, João tem 50 * 4 = 200 euros. Também gasta 30, ficam 170.", "pt"},
		{"Ana tiene 12 manzanas. Compra otras 5, así que tiene 12 + 5 = 17 manzanas. La respuesta es 17.", "es"},
		{"Después de cuatro semanas, Juan tiene 50 * 4 = 200 euros. También gasta 30, quedan 170.", "es"},
		{"Ana tien 12 mazanes. Merca otres 5, asina que tien 12 + 5 = 17 mazanes. La rempuesta ye 17.", " "},
		{"Kmetica vsak dan proda devet jajc po dva dolarja. Zasluži" +
			" 9 * 2 = 18 dolarjev. Končni odgovor je 18.", "sl"},
		{"Ana ima 12 jabolk. Kupi jih še 5, torej ima 12 + 5 = 17 jabolk. Odgovor je 17.", "sl"},
		{"Vsak teden prihrani 50 evrov. Po štirih tednih ima 50 * 4 = 200 evrov.", "sl"},
		{"Petani itu menjual sembilan telur setiap hari seharga dua dolar. Dia mendapat 9 * 2 = 18 dolar.", "id "},
		{"Ana punya 12 apel. Dia membeli 5 lagi, jadi dia punya 12 + 5 = 17 apel. Jawabannya adalah 17.", "id "},
		{"Toko itu menjual delapan kue setiap hari. Jawabannya adalah 56 kue.", "id "},
		{"Ana ada 12 epal. Dia membeli 5 lagi, jadi dia ada 12 + 5 = 17 epal. Jawapannya ialah 17.", " "},
		{"Kedai itu menjual lapan kek setiap hari. Jawapannya ialah 56 kek.", " "},
	} {
		got, _ := Default().Identify(c.text)
		if got != strings.TrimSpace(c.may) && (got != "" || !strings.HasSuffix(c.may, " ")) {
			t.Errorf("%q is taken for %q, expected %q", c.text, got, c.may)
		}
	}
}
