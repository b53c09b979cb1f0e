package eval

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/lidr/langid"
	"lidrlab/lidr/lidrtest"
)

// lm-eval's tasks mgsm_native_cot, on the same answers, give the verdicts of our strict and flexible readings.
func TestPeersHarnessMGSM(t *testing.T) {
	peer := lidrtest.OpenPeer(t, "training", "lm_eval")
	type item struct {
		Answer string `json:"answer"`
		Gold   string `json:"gold"`
	}
	answers := map[string][]item{}
	thoughts := map[string]map[int]bool{} // answers that begin with a thought
	for lang, pattern := range strictPhrase {
		before, after, _ := strings.Cut(pattern.String(), `(\-?[0-9\.\,]+)`)
		thoughts[lang] = map[int]bool{}
		others := []string{"1234", "-7", "1800", "17", "182"}
		numbers := []string{"18", "18.", "18.00", "1,234", "1 234", "-7", "$18", "٤٢", "18/2", "", "18.5", "１８"}
		for k, number := range numbers {
			said := before + number + after
			for _, text := range []string{said, "12 + 6 = 18. " + said + "\nOK.", said + " 99", "x " + number + " y 3",
				strings.ToUpper(said), said + "\n\n" + said + "1", "$" + number + ".", "<think>" + said + "</think>17"} {
				for _, gold := range []string{"18", others[k%len(others)]} {
					thoughts[lang][len(answers[lang])] = strings.HasPrefix(text, "<think>")
					answers[lang] = append(answers[lang], item{text, gold})
				}
			}
		}
	}
	dir := t.TempDir()
	data, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "answers.json")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	var theirs map[string]map[string]map[int]float64
	if err := json.Unmarshal(peer.Run(t, "testdata/peers/mgsm.py", path, dir), &theirs); err != nil {
		t.Fatal(err)
	}
	if len(theirs) != len(answers) {
		t.Fatalf("%d languages, want %d", len(theirs), len(answers))
	}
	var strict, flexible, behind, right float64
	for lang, items := range answers {
		for i, item := range items {
			a := ReadAnswer(item.Answer, item.Gold, lang, langid.Default())
			s, f := theirs[lang]["strict-match"][i] == 1, theirs[lang]["flexible-extract"][i] == 1
			if s || f {
				right++
			}
			if thoughts[lang][i] {
				if s != a.StrictRight || f != a.FlexRight {
					behind++
				}
				continue
			}
			if s != a.StrictRight {
				strict++
				t.Logf("strict, %s: %q for %s: ours %v", lang, item.Answer, item.Gold, a.StrictRight)
			}
			if f != a.FlexRight {
				flexible++
				t.Logf("flexible, %s: %q for %s: ours %v", lang, item.Answer, item.Gold, a.FlexRight)
			}
		}
	}
	if right < 100 {
		t.Errorf("%v answers are right by lm-eval", right)
	}
	peer.Within(t, "mgsm_native_cot in 11 languages, strict-match: answers", strict, 0)
	peer.Within(t, "mgsm_native_cot in 11 languages, flexible-extract: answers", flexible, 0)
	peer.Differs(t, "mgsm_native_cot in 11 languages: answers that begin with a thought", behind, "lm-eval reads the "+
		"thought with the answer, and ReadAnswer what stands behind it")
}
