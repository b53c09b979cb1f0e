package eval

import (
	"os"
	"path/filepath"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr/langid"
)

func TestScoreMGSM(t *testing.T) {
	answers := []string{
		"Sie verkauft 9 Eier für je zwei Dollar. Die Antwort lautet 18.",
		"She sells nine eggs for two dollars each. The answer is 18.",
		"Das weiß ich leider nicht, vielleicht waren es 20 Eier.",
		"18",
	}
	items, score, err := ScoreMGSM(answers, []string{"18", "18", "18", "18"}, "de", langid.Default())
	if err != nil {
		t.Fatal(err)
	}
	if !items[1].Right || !items[1].WrongLang || items[1].StrictRight || !items[3].Undetermined {
		t.Errorf("items %+v", items)
	}
	for what, c := range map[string][2]float64{
		"accuracy": {score.Accuracy.Mean, 0.75}, "strict": {score.Strict.Mean, 0.25}, "flexible": {score.Flexible.Mean, 0.75},
		"off-target": {score.OffTarget.Mean, 0.25}, "right on target": {score.RightOnTarget.Mean, 0.5},
		"right off target": {score.RightOffTarget.Mean, 0.25}, "wrong": {score.Wrong.Mean, 0.25},
		"undetermined": {float64(score.Undetermined), 1},
	} {
		near(t, what, c[0], c[1], 1e-15)
	}
	if _, _, err := ScoreMGSM(answers[:1], []string{"eighteen"}, "de", langid.Default()); err == nil {
		t.Error("a gold answer without a number was taken")
	}
}

// What a model thought before its answer decides neither number nor language, and a thought that does not end is none.
func TestReadAnswerBehindThought(t *testing.T) {
	const thought = "Okay, let me work this out. Janet's ducks lay 16 eggs per day, and she sells nine of them every day."
	const answer = "Sie verkauft jeden Tag neun Eier. Die Antwort ist 18."
	want := ReadAnswer(answer, "18", "de", langid.Default())
	if !want.Right || want.Language != "de" {
		t.Fatalf("the bare answer: %+v", want)
	}
	for _, text := range []string{
		"<think>\n" + thought + "\n</think>\n\n" + answer, thought + "\n</think>\n\n" + answer,
		"<think>\n\n</think>\n\n" + answer,
	} {
		if got := ReadAnswer(text, "18", "de", langid.Default()); got != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
	got := ReadAnswer("<think>\n"+thought+" The answer is 18, but wait, maybe 5", "18", "de", langid.Default())
	if got != (Arithmetic{Undetermined: true}) {
		t.Errorf("a thought that does not end: %+v", got)
	}
}

// excerpts is a folder laid out like that of the published files, with texts of our own making: see its README.md.
const excerpts = "../../datasets/testdata/excerpts"

// Among the excerpt's gold answers are 5,600, 10,000 and -7.
func TestGoldAnswersOfExcerpt(t *testing.T) { checkGoldAnswers(t, excerpts, 20) }

func TestGoldAnswers(t *testing.T) { checkGoldAnswers(t, dataFolder(t), 250) }

// checkGoldAnswers reads each of MGSM's n gold answers back by all three readings, from an answer's ending in its
// language.
func checkGoldAnswers(t *testing.T, data string, n int) {
	t.Helper()
	phrase := map[string]string{
		"en": "The answer is ",
		"es": "La respuesta es ",
		"ru": "Ответ — ",
		"de": "Die Antwort lautet ",
		"fr": "La réponse est ",
	}
	prompts, err := datasets.LoadPrompts(filepath.Join(data, "mgsm"), []string{"en", "es", "ru", "de", "fr"})
	if err != nil {
		t.Fatal(err)
	}
	if len(prompts) != n*len(phrase) {
		t.Errorf("%d problems, expected %d in each of %d languages", len(prompts), n, len(phrase))
	}
	for _, p := range prompts {
		answer := phrase[p.Lang] + p.Answer + "."
		strict, flexible := StrictNumber(answer, p.Lang), FlexibleNumber(answer)
		number, _ := Number(answer, p.Lang)
		if !HarnessEqual(strict, p.Answer) || !HarnessEqual(flexible, p.Answer) || !EqualNumbers(number, p.Answer) {
			t.Errorf("%s in %s: %q read as %q, %q, %q", p.ID, p.Lang, answer, strict, flexible, number)
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
