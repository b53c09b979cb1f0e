package lingua

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr/langid"
)

func TestIdentify(t *testing.T) {
	id := New()
	for _, c := range []struct{ lang, text string }{
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
		{"te", "సమాధానం 18."},
		{"ru", "Функция print() языка Python выводит текст:\n```python\nprint('hello, wonderful world of snakes')\n```"},
		{"", ""},
		{"", "12 + 5 = 17\n17 × 2 = 34"},
		{"", "Paris"},
		{"", "for (int i = 0; i < n; i++) { sum += a[i]; }"},
		{"", "Γειά σου Κόσμε, τι κάνεις;"}, // a script that is not among the known ones
	} {
		lang, confidence := id.Identify(c.text)
		if lang != c.lang || (lang == "") != (confidence == 0) || confidence < 0 || confidence > 1 {
			t.Errorf("%q: %q with %.2f, expected %q", c.text, lang, confidence, c.lang)
		}
	}
}

func TestNameTellsTheVersion(t *testing.T) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Skip("this build does not say which modules are in it")
	}
	for _, module := range info.Deps {
		if module.Path == "github.com/pemistahl/lingua-go" {
			if want := "lingua-go/" + strings.TrimPrefix(module.Version, "v"); New().Name() != want {
				t.Errorf("the name is %q, expected %q", New().Name(), want)
			}
		}
	}
}

// identifiers are the two with the least share of prompts that each must identify rightly; undetermined counts as
// wrong. They keep their results, so that every text is identified once.
var identifiers = []struct {
	langid.Identifier
	atLeast float64
}{{remembering{New(), map[string]string{}}, 0.98}, {remembering{langid.Default(), map[string]string{}}, 0.97}}

type remembering struct {
	langid.Identifier
	langs map[string]string
}

func (r remembering) Identify(text string) (string, float64) {
	lang, known := r.langs[text]
	if !known {
		lang, _ = r.Identifier.Identify(text)
		r.langs[text] = lang
	}
	return lang, 1
}

// excerpts is a folder laid out like that of the published files, with texts of our own making: see its README.md.
const excerpts = "../../../datasets/testdata/excerpts"

func TestExcerptsOfPrompts(t *testing.T) {
	checkPrompts(t, excerpts, map[string][]string{"x-alpacaeval": {"en", "de", "ru"}, "alpagasus/id_0_20": {"es", "fr"}})
}

func TestPublishedPrompts(t *testing.T) {
	checkPrompts(t, dataFolder(t), map[string][]string{
		"x-alpacaeval":           {"en", "de", "ru"},
		"alpagasus/id_1000_2000": {"es", "fr"},
	})
}

func checkPrompts(t *testing.T, data string, folders map[string][]string) {
	t.Helper()
	for folder, langs := range folders {
		for _, lang := range langs {
			texts := prompts(t, data, folder, lang)
			for _, id := range identifiers {
				share := 1 - offTarget(id, texts, lang)
				t.Logf("%s: %.2f %% of %d prompts in %s (%s)", id.Name(), 100*share, len(texts), lang, folder)
				if share < id.atLeast {
					t.Errorf("%s identified %.2f %% of the prompts in %s, expected %.0f %%",
						id.Name(), 100*share, lang, 100*id.atLeast)
				}
			}
			agreement := langid.Agree(texts, identifiers[0], identifiers[1])
			t.Logf("they agree on %.2f %%: %+v", 100*agreement.Share(), agreement)
		}
	}
}

// Both identifiers are right on all the excerpt's prompts, so that the planted rates, 10, 4 and 1 of 20, are found
// exactly.
func TestKnownMixtureOfExcerpts(t *testing.T) { checkMixtures(t, excerpts, 0) }

func TestKnownMixture(t *testing.T) { checkMixtures(t, dataFolder(t), 2) }

// checkMixtures replaces some German prompts by their English originals: the off-target rate is found again within some
// standard errors, whether they are few or many.
func checkMixtures(t *testing.T, data string, standardErrors float64) {
	t.Helper()
	de, en := prompts(t, data, "x-alpacaeval", "de"), prompts(t, data, "x-alpacaeval", "en")
	for _, every := range []int{2, 5, 20} {
		mixed, replaced := append([]string(nil), de...), 0
		for i := 0; i < len(mixed); i += every {
			mixed[i] = en[i]
			replaced++
		}
		n := float64(len(mixed))
		rate := float64(replaced) / n
		for _, id := range identifiers {
			found, within := offTarget(id, mixed, "de"), standardErrors*math.Sqrt(rate*(1-rate)/n)
			t.Logf("%s: off-target %.2f %%, planted %.2f %% ± %.2f", id.Name(), 100*found, 100*rate, 100*within)
			if math.Abs(found-rate) > within {
				t.Errorf("%s found an off-target rate of %.4f, expected %.4f ± %.4f", id.Name(), found, rate, within)
			}
		}
	}
}

// offTarget returns the share of the texts that are identified as another language or not at all.
func offTarget(id langid.Identifier, texts []string, lang string) float64 {
	off := 0
	for _, text := range texts {
		if found, _ := id.Identify(text); found != lang {
			off++
		}
	}
	return float64(off) / float64(len(texts))
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

func prompts(t *testing.T, data, folder, lang string) []string {
	t.Helper()
	loaded, err := datasets.LoadPrompts(filepath.Join(data, folder), []string{lang})
	if err != nil {
		t.Fatal(err)
	}
	texts := make([]string, len(loaded))
	for i, p := range loaded {
		texts[i] = p.Text
	}
	return texts
}
