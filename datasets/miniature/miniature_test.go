package miniature

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// golden sentences, worked out by hand.
func TestSentences(t *testing.T) {
	for _, c := range []struct{ id, lang, prompt, answer string }{
		{"anna-apple-42-buy15-give7.ben", "en", "",
			"Anna buys 15: 42 + 15 = 57 apples. Anna gives 7 to Ben: 57 - 7 = 50 apples. The answer is 50."},
		{"anna-apple-42-buy15-give7.ben", "ru", "",
			"Анна покупает 15: 42 + 15 = 57 яблок. Анна отдаёт Бену 7: 57 - 7 = 50 яблок. Ответ: 50."},
		{"anna-coin-6x7-lose21", "ru", "", "Всего: 6 * 7 = 42 монеты. Анна теряет 21: 42 - 21 = 21 монета. Ответ: 21."},
		{"eva-egg-20-more4.anna", "fr", "",
			"Anna a 20 + 4 = 24 œufs. Ensemble, elles ont 20 + 24 = 44 œufs. La réponse est 44."},
		{"eva-egg-20-more4.oscar", "fr", "",
			"Oscar a 20 + 4 = 24 œufs. Ensemble, ils ont 20 + 24 = 44 œufs. La réponse est 44."},
		{"oscar-key-9-times4.eva", "es", "",
			"Eva tiene 9 * 4 = 36 llaves. Juntos tienen 9 + 36 = 45 llaves. La respuesta es 45."},
		{"nina-book-6x4-share3", "sw", "", "Jumla: vitabu 6 * 4 = 24. Kila rafiki anapata vitabu 24 / 3 = 8. Jibu ni 8."},
		{"tom-flower-30-get5.anna-share5", "it", "",
			"Tom ne riceve 5 da Anna: 30 + 5 = 35 fiori. Ogni amico riceve 35 / 5 = 7 fiori. La risposta è 7."},
		{"clara-egg-30-give5.anna-sell2", "it",
			"All'inizio Clara ha 30 uova. Ne dà 5 ad Anna. La sera ne vende 2. Quante uova ha Clara adesso?", ""},
		{"clara-egg-30-give5.anna-sell2", "ru",
			"Сначала у Клары 30 яиц. Она отдаёт Анне 5. Вечером она продаёт 2. Сколько яиц теперь у Клары?", ""},
		{"clara-egg-30-give5.anna-sell2", "fr",
			"Au début, Clara a 30 œufs. Elle en donne 5 à Anna. Le soir, elle en vend 2. " +
				"Combien d'œufs Clara a-t-elle maintenant ?", ""},
	} {
		p, err := Decode(c.id)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Prompt(c.lang); c.prompt != "" && got != c.prompt {
			t.Errorf("%s %s prompt\n got %s\nwant %s", c.id, c.lang, got, c.prompt)
		}
		if got := p.Answer(c.lang); c.answer != "" && got != c.answer {
			t.Errorf("%s %s answer\n got %s\nwant %s", c.id, c.lang, got, c.answer)
		}
	}
}

// Every right answer in every language is judged right, and only in its own language.
func TestRightAnswers(t *testing.T) {
	clean := regexp.MustCompile(`^[^{}<>]*$`)
	for _, split := range []string{"pretrain", "prompts", "eval"} {
		for _, p := range Problems(split, 400, 3) {
			steps := p.Steps()
			if r := p.Result(); r != steps[len(steps)-1].Z || r < minNumber || r > maxNumber {
				t.Fatalf("%s: result %d", p.ID, r)
			}
			if back, err := Decode(p.ID); err != nil || back.Prompt("fr") != p.Prompt("fr") ||
				back.Answer("ru") != p.Answer("ru") {
				t.Fatalf("%s: decoded as %+v, %v", p.ID, back, err)
			}
			for _, l := range Languages() {
				prompt, answer := p.Prompt(l.Code), p.Answer(l.Code)
				want := Verdict{Number: p.Result(), HasNumber: true, Correct: true, StepsCorrect: true, Language: l.Code,
					OnTarget: true}
				if got := Check(answer, p, l.Code); got != want {
					t.Fatalf("%s %s: %+v\n%s", p.ID, l.Code, got, answer)
				}
				if got := Identify(prompt); got != l.Code || !clean.MatchString(prompt+answer) ||
					strings.Contains(prompt+answer, "  ") {
					t.Fatalf("%s %s: identified as %q\n%s\n%s", p.ID, l.Code, got, prompt, answer)
				}
			}
		}
	}
}

func TestWrongAnswers(t *testing.T) {
	p, err := Decode("anna-apple-42-buy15-give7.ben")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, response string
		want           Verdict
	}{
		{"empty", "", Verdict{}},
		{"numbers and names only", "Anna 42 + 15 = 57 Ben 57 - 7 = 50", Verdict{StepsCorrect: true}},
		{"off target", p.Answer("en"), Verdict{50, true, true, true, "en", false}},
		{"wrong step, lucky end",
			"Anna compra 15: 42 + 15 = 58 manzanas. Anna le da 7 a Ben: 57 - 7 = 50 manzanas. La respuesta es 50.",
			Verdict{50, true, true, false, "es", true}},
		{"step missing", "Anna compra 15: 42 + 15 = 57 manzanas. La respuesta es 50.",
			Verdict{50, true, true, false, "es", true}},
		{"one sentence in English",
			"Anna buys 15: 42 + 15 = 57 apples. Anna le da 7 a Ben: 57 - 7 = 50 manzanas. La respuesta es 50.",
			Verdict{50, true, true, true, "", false}},
		{"the last answer counts", "La respuesta es 7. La respuesta es 50.", Verdict{50, true, true, false, "es", true}},
		{"no answer sentence", "Anna compra 15: 42 + 15 = 57 manzanas.", Verdict{Language: "es", OnTarget: true}},
		{"nonsense words", "Anna kvartz 15. La respuesta es 50.", Verdict{Number: 50, HasNumber: true, Correct: true}},
		{"number out of reach", "La respuesta es 99999999999999999999.", Verdict{Language: "es", OnTarget: true}},
	} {
		if got := Check(c.response, p, "es"); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

const pinnedProblem = "ben-stamp-15-win8-buy24"

func TestProblems(t *testing.T) {
	where := map[string]string{}
	families := map[string]int{}
	for _, split := range []string{"pretrain", "prompts", "eval"} {
		long := Problems(split, 1000, 1)
		short := Problems(split, 300, 1)
		for i, p := range long {
			if i < len(short) && short[i].ID != p.ID {
				t.Fatalf("%s: problem %d differs between lists", split, i)
			}
			if was, ok := where[p.ID]; ok {
				t.Fatalf("%s is in %s and %s", p.ID, was, split)
			}
			where[p.ID] = split
			families[p.Family()]++
		}
		if Problems(split, 1, 2)[0].ID == long[0].ID {
			t.Errorf("%s: the seed changes nothing", split)
		}
	}
	for family, share := range map[string]float64{"sequence": .6, "comparison": .2, "sharing": .2} {
		if got := float64(families[family]) / 3000; got < share-.04 || got > share+.04 {
			t.Errorf("%s: share %.3f, want about %.1f", family, got, share)
		}
	}
	// Pinned: a changed stream changes every published number.
	if got := Problems("eval", 1, 1)[0].ID; got != pinnedProblem {
		t.Errorf("first evaluation problem of seed 1 is %s, was %s", got, pinnedProblem)
	}
}

func TestExamples(t *testing.T) {
	m := DefaultMix()
	f := Examples(m, 7)
	again := Examples(m, 7)
	count := map[string]int{}
	direct := map[string]string{} // prompt → answer, outside English and translation
	const n = 30000
	for i := 0; i < n; i++ {
		e := f(i)
		if i%1000 == 999 && again(i) != e {
			t.Fatalf("example %d is not a function of its index", i)
		}
		switch {
		case e.Prefill != "":
			count["translation"]++
			text, ok := strings.CutSuffix(e.Target, TranslationEnd)
			if !ok || !strings.HasPrefix(e.Prompt, "Translate into ") || strings.Contains(text, "<") {
				t.Fatalf("translation %+v", e)
			}
		case Identify(e.Prompt) == "en":
			count["dominant"]++
		default:
			count["direct"]++
			if was, ok := direct[e.Prompt]; ok && was != e.Target {
				t.Fatalf("%q has two answers", e.Prompt)
			}
			direct[e.Prompt] = e.Target
			if Identify(e.Target) == "en" {
				count["switched"]++
			}
		}
	}
	if share := float64(count["dominant"]) / n; share < m.Dominant-.02 || share > m.Dominant+.02 {
		t.Errorf("share of the dominant language %.3f, want %.3f", share, m.Dominant)
	}
	if share := float64(count["direct"]) / n; share < m.Direct-.005 || share > m.Direct+.005 {
		t.Errorf("share of direct problems %.4f, want %.4f", share, m.Direct)
	}
	if count["switched"] == 0 || count["switched"] > count["direct"]/2 {
		t.Errorf("%d of %d direct problems answered in English", count["switched"], count["direct"])
	}
}

// Corrupted answers keep their wrong numbers in both languages.
func TestTranslationsAreFaithful(t *testing.T) {
	numbers := regexp.MustCompile(`[0-9]+`)
	f := Examples(DefaultMix(), 11)
	wrong := 0
	for i := 0; i < 4000; i++ {
		e := f(i)
		if e.Prefill == "" {
			continue
		}
		a, b := numbers.FindAllString(e.Prompt, -1), numbers.FindAllString(e.Target, -1)
		slices.Sort(a) // word order differs: "give 7 to Ben", "отдаёт Бену 7"
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Fatalf("numbers differ: %s => %s", e.Prompt, e.Target)
		}
		for _, q := range equation.FindAllString(e.Target, -1) {
			if !rightEquation(q) {
				wrong++
			}
		}
	}
	if wrong < 100 {
		t.Errorf("only %d wrong equations", wrong)
	}
}

func rightEquation(q string) bool {
	f := equation.FindStringSubmatch(q)
	move := map[string]string{"+": "buy", "-": "sell", "*": "times", "/": "share"}[f[2]] + f[3]
	if f[2] == "*" {
		move += ".ben"
	}
	p, err := Decode("anna-apple-" + f[1] + "-" + move)
	if err != nil {
		return f[2] == "*" // a product from 7 up is no comparison; not judged here
	}
	s := p.Steps()[0]
	return s.Op == f[2] && f[4] == strconv.Itoa(s.Z)
}

func TestLoadErrors(t *testing.T) {
	files, err := fs.Glob(langFiles, "lang/*.json")
	if err != nil || len(files) < 7 {
		t.Fatal(files, err)
	}
	for _, c := range []struct{ file, old, new, want string }{
		{"es.json", `"juntas"`, `""`, `es.json: questions.together[0]: {both:together}: agreement.together has no form "f"`},
		{"es.json", `"Pierde {n}."`, `"Pierde {m}."`,
			"es.json: moves.lose[0]: {m}: not known in this sentence, which has [n]"},
		{"es.json", `"Pierde {n}."`, `"Pierde {n."`, `es.json: moves.lose[0]: unbalanced brace at "{n."`},
		{"es.json", `"Pierde {n}.", `, ``, "es.json: moves.lose: has 1 wordings, expected 2 as in en.json (at least 1)"},
		{"es.json", `"Pierde {n}."`, `"{other} pierde {n}."`,
			"es.json: moves.lose[0]: {other}: no such word in this sentence"},
		{"es.json", `"order"`, `"ordre"`, `es.json: json: unknown field "ordre"`},
		{"es.json", `"code": "es"`, `"code": "xx"`, `es.json: code: is "xx", expected the file's name without .json`},
		{"es.json", `"trained"`, `"wild"`, `es.json: role: is "wild", expected "trained" or "unseen"`},
		{"es.json", `"lose"`, `"loose"`, "es.json: moves.loose: unknown move; the moves are "},
		{"es.json", `"apple"`, `"appel"`, "es.json: objects.apple: missing"},
		{"ru.json", `"few": "яблока", `, ``, `ru.json: boxes[0]: {object#m}: apple has no form "few"`},
		{"ru.json", `"gen": "Евы", `, ``, `ru.json: boxes[0]: {who.gen}: eva has no form "gen"`},
		{"ru.json", `"class": "f", "nom": "Ева"`, `"nom": "Ева"`, `ru.json: people.eva.class: is "", expected "f" or "m"`},
	} {
		broken := fstest.MapFS{}
		for _, f := range files {
			raw, _ := fs.ReadFile(langFiles, f)
			name := strings.TrimPrefix(f, "lang/")
			text := string(raw)
			if name == c.file {
				if text = strings.Replace(text, c.old, c.new, 1); text == string(raw) {
					t.Fatalf("%s has no %s", c.file, c.old)
				}
			}
			broken[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if _, err := load(broken); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s → %s:\n got %v\nwant %s", c.old, c.new, err, c.want)
		}
	}
}

// A language is added by a file alone.
func TestAddLanguage(t *testing.T) {
	more := fstest.MapFS{}
	for _, code := range []string{"en", "es"} {
		raw, err := langFiles.ReadFile("lang/" + code + ".json")
		if err != nil {
			t.Fatal(err)
		}
		more[code+".json"] = &fstest.MapFile{Data: raw}
	}
	galician := strings.NewReplacer(
		`"code": "es"`, `"code": "gl"`, `"name": "Spanish"`, `"name": "Galician"`, `"order": 2`, `"order": 8`)
	text := galician.Replace(string(more["es.json"].Data))
	more["gl.json"] = &fstest.MapFile{Data: []byte(text)}
	w, err := load(more)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(w.byCode)); !slices.Equal(got, []string{"en", "es", "gl"}) {
		t.Errorf("languages %v", got)
	}
}

func TestDecodeErrors(t *testing.T) {
	for id, want := range map[string]string{
		"":                             "has 1 parts",
		"zoe-apple-42-buy15":           `unknown person "zoe"`,
		"anna-pear-42-buy15":           `unknown object "pear"`,
		"anna-apple-1-buy15":           `start "1": expected a number from 2 to 99`,
		"anna-apple-1x5-buy15":         `start "1x5": expected boxes x content, each 2 to 9`,
		"anna-apple-42-fly15":          `move "fly15": unknown verb`,
		"anna-apple-42-buy":            `move "buy": expected a verb and its number`,
		"anna-apple-42-buy41":          `move "buy41": expected a number from 2 to 40`,
		"anna-apple-42-give5":          `move "give5": a second person is expected`,
		"anna-apple-42-buy5.ben":       `move "buy5.ben": a second person is expected`,
		"anna-apple-42-give5.anna":     `move "give5.anna": unknown second person`,
		"anna-apple-42-buy5-more3.ben": `move "more3.ben": a comparison stands alone`,
		"anna-apple-40-share4-buy3":    `move "share4": sharing comes last`,
		"anna-apple-41-share4":         "41 / 4: expected a whole result",
		"anna-apple-10-sell10":         "10 - 10: expected a whole result from 2 to 99",
		"anna-apple-042-buy15":         `expected it written as "anna-apple-42-buy15"`,
	} {
		if _, err := Decode(id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", id, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, p := range Problems("eval", 20, 1) {
		f.Add(p.ID)
	}
	f.Fuzz(func(t *testing.T, id string) {
		p, err := Decode(id)
		if err != nil {
			return
		}
		if p.ID != id {
			t.Fatalf("%q decoded as %q", id, p.ID)
		}
		for _, l := range Languages() {
			if v := Check(p.Answer(l.Code), p, l.Code); !v.Correct || !v.StepsCorrect || !v.OnTarget {
				t.Fatalf("%s %s: %+v", id, l.Code, v)
			}
			p.Prompt(l.Code)
		}
	})
}

func FuzzCheck(f *testing.F) {
	p, err := Decode("anna-apple-42-buy15-give7.ben")
	if err != nil {
		f.Fatal(err)
	}
	for _, l := range Languages() {
		f.Add(p.Answer(l.Code), l.Code)
	}
	f.Add("The answer is 50. \xff\xfe ̈́ ４２ + ١ = ५", "en")
	f.Fuzz(func(t *testing.T, response, lang string) {
		v := Check(response, p, lang)
		if v.OnTarget != (v.Language == lang && lang != "") || v.Correct != (v.HasNumber && v.Number == 50) ||
			v.Language != Identify(response) {
			t.Fatalf("%q: %+v", response, v)
		}
	})
}
