package view

import (
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lidrlab/datasets"
)

// A rating is of the model whose answer was chosen, on whichever side it stood; the order and the sides depend on the
// seed alone, and a rating that is given again takes the place of the first.
func TestRatingsAreOfTheModelsChosen(t *testing.T) {
	dir := runFolder(t)
	s := newServer(t, Options{Rate: true, Rater: "tester", Seed: 5}, dir)
	f := s.folders[0]
	all, same, err := f.questions("M2", "M0", 5)
	if err != nil || len(all) < 100 || len(all)+same != 420 {
		t.Fatalf("%d questions and %d equal answers, %v; expected 420 in all", len(all), same, err)
	}
	other, _, err := f.questions("M2", "M0", 6)
	if err != nil || other[0].key() == all[0].key() && other[1].key() == all[1].key() {
		t.Error("another seed has the same order")
	}
	swaps := 0
	for _, q := range all {
		if q.swapped(5) {
			swaps++
		}
	}
	if n := float64(len(all)); math.Abs(float64(swaps)-n/2) > 4*math.Sqrt(n)/2 { // four standard deviations of fair coins
		t.Errorf("%d of %d questions have M2 on the left", swaps, len(all))
	}
	hidden := regexp.MustCompile(`name="key" value="([^"]+)"`)
	for i := range 8 {
		page := get(s, "/rate?pair=M2-M0").Body.String()
		key := hidden.FindStringSubmatch(page)[1]
		if want := all[i].lang + all[i].key(); key != want {
			t.Fatalf("question %d is %s, expected %s", i, key, want)
		}
		better := "right" // M2, wherever it stands
		if all[i].swapped(5) {
			better = "left"
		}
		for _, said := range []string{"same", better} {
			form := url.Values{"token": {s.token}, "run": {"hostile"}, "pair": {"M2-M0"}, "key": {key}, "better": {said}}
			r := httptest.NewRequest("POST", "http://127.0.0.1:8001/rate", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			if s.Handler().ServeHTTP(w, r); w.Code != http.StatusSeeOther {
				t.Fatalf("rating %d: status %d, %s", i, w.Code, w.Body)
			}
		}
	}
	n := 0
	people := peopleDir("M2", "M0", "tester")
	for _, name := range f.names(people) {
		said, err := datasets.LoadAnnotations(filepath.Join(dir, people, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range said {
			n++
			if one.Preference != 2 || one.Generator2 != "M2" || one.Generator1 != "M0" || one.Annotator != "person: tester" {
				t.Errorf("saved is %+v, expected M2 preferred to M0 by tester", one)
			}
		}
	}
	if n != 8 {
		t.Errorf("%d ratings are saved, expected 8", n)
	}
}

// A rating of what a model answered before another evaluation gives way to that of its new answer; and no language that
// a file names is a path out of the person's folder.
func TestRatingsOfAnotherEvaluation(t *testing.T) {
	f, err := openFolder("hostile", runFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.root.Close()
	for _, response := range []string{"5", "6"} {
		q := question{id: "a", lang: "th", prompt: "2 + 3?", response: response, reference: "7"}
		if err := f.save("M2", "M0", "tester", q, 2); err != nil {
			t.Fatal(err)
		}
	}
	said, err := f.annotations(peopleDir("M2", "M0", "tester") + "/th.json")
	if err != nil || len(said) != 1 || said[0].Output2 != "6" {
		t.Errorf("%v; saved is %+v, expected the rating of the new answer alone", err, said)
	}
	err = f.save("M2", "M0", "tester", question{id: "a", lang: "../../../annotations/de", prompt: "?"}, 2)
	if err == nil || !strings.Contains(err.Error(), "expected a code of letters") || f.has("judged/M2-M0/annotations") {
		t.Errorf("a language that is a path: %v", err)
	}
}

// κ of a rater with the checker is Fleiss's over the questions that both have answered: hand-worked for four of them.
// Of the rater's win, win, tie, lose and the checker's win, lose, tie, lose, three of four agree; the shares of win,
// tie and lose among all eight are 3/8, 2/8 and 3/8, so chance agrees in 22/64 and κ = (3/4 − 22/64)/(1 − 22/64) =
// 26/42.
func TestAgreementIsFleissKappa(t *testing.T) {
	f, err := openFolder("hostile", runFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.root.Close()
	points := [][2]float64{{3, 0}, {0, 2}, {1, 1}, {0, 1}}
	said := []float64{2, 2, 1.5, 1}
	var all []question
	own := map[string]float64{}
	for i, p := range points {
		q := question{id: string(rune('a' + i)), lang: "th", prompt: string(rune('a' + i)), points: p[0], otherwise: p[1],
			judged: math.NaN()}
		all, own[q.lang+q.key()] = append(all, q), said[i]
	}
	table, err := f.agreementTable("M2", "M0", "tester", all, own)
	if err != nil || len(table.Rows) != 2 {
		t.Fatalf("%v, %v: expected the rater and the checker", table.Rows, err)
	}
	cells := table.Rows[1].Cells
	if cells[1].Text != "4" || cells[6].Text != "75 %" || !strings.HasPrefix(cells[7].Text, "0.62") {
		t.Errorf("the checker's row is %v, expected 4 rated, 75 %% the same, κ = 0.62", cells)
	}
}
