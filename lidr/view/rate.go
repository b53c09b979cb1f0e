package view

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// rateBody is the page on which a person says which of two answers is better. Nothing on it says whose they are.
type rateBody struct {
	Rater, Pair, Lang string
	Pairs, Langs      []string
	Token             string
	Question          *rateQuestion // nil when all are rated
	Rated, Total      int
	Same              int
	Back              string // address of the one rated last
	Tables            []table
}

type rateQuestion struct {
	ID, Lang, Key string
	Prompt        said
	Left, Right   said
}

// rateAsked is what a page of ratings is about.
type rateAsked struct {
	f          *folder
	pair, a, b string
	pairs      []string // that can be compared
	all        []question
	same       int
	own        map[string]float64
}

func (s *Server) asked(run, pair string) (rateAsked, int, error) {
	var r rateAsked
	if !s.options.Rate {
		return r, http.StatusNotFound, fmt.Errorf("this page was started without rating; start lidr view with --rate")
	}
	var err error
	if r.f, err = s.folderOf(run); err != nil {
		return r, http.StatusNotFound, err
	}
	r.pairs = r.f.pairsToRate()
	if len(r.pairs) == 0 {
		return r, http.StatusNotFound, fmt.Errorf("%s has no two evaluated models to compare", r.f.Name)
	}
	r.pair = cmp.Or(pair, r.pairs[0])
	if !slices.Contains(r.pairs, r.pair) {
		return r, http.StatusNotFound, fmt.Errorf("there is no comparison %.60q, expected one of %q", pair, r.pairs)
	}
	r.a, r.b, _ = strings.Cut(r.pair, "-")
	if r.all, r.same, err = r.f.questions(r.a, r.b, s.options.Seed); err != nil {
		return r, http.StatusBadRequest, err
	}
	if r.own, err = r.f.ratings(r.a, r.b, s.options.Rater); err != nil {
		return r, http.StatusBadRequest, err
	}
	return r, http.StatusOK, nil
}

func (s *Server) rate(w http.ResponseWriter, r *http.Request) {
	q, err := params(r.URL.RawQuery, "run", "pair", "lang", "key", "last", "table", "as")
	if err != nil {
		s.failed(w, err)
		return
	}
	asked, status, err := s.asked(q["run"], q["pair"])
	if err != nil {
		s.refuse(w, status, err.Error())
		return
	}
	p := s.page("rate", "Rate "+asked.f.Name, asked.f.Name)
	b := rateBody{Rater: s.options.Rater, Pair: asked.pair, Lang: q["lang"], Pairs: asked.pairs, Token: s.token,
		Same: asked.same}
	for _, one := range asked.all {
		if !slices.Contains(b.Langs, one.lang) {
			b.Langs = append(b.Langs, one.lang)
		}
		if b.Lang != "" && one.lang != b.Lang {
			continue
		}
		b.Total++
		key := one.lang + one.key()
		_, rated := asked.own[key]
		if rated {
			b.Rated++
		}
		if q["key"] == key || q["key"] == "" && !rated && b.Question == nil {
			b.Question = s.sidesOf(one)
		}
	}
	slices.Sort(b.Langs)
	if q["last"] != "" {
		b.Back = "/rate?" + rateQuery(asked, q["lang"], "key", q["last"])
	}
	t, err := asked.f.agreementTable(asked.a, asked.b, s.options.Rater, asked.all, asked.own)
	if err != nil {
		p.Notes = append(p.Notes, err.Error())
	} else if b.Rated > 0 {
		b.Tables = []table{t}
	}
	if s.download(w, q, asked.f.Name+"-"+asked.pair, b.Tables) {
		return
	}
	p.Body = b
	s.show(w, http.StatusOK, p)
}

func rateQuery(asked rateAsked, lang, name, value string) string {
	values := url.Values{"run": {asked.f.Name}, "pair": {asked.pair}, name: {value}}
	if lang != "" {
		values.Set("lang", lang)
	}
	return values.Encode()
}

// sidesOf puts the two answers left and right as drawn.
func (s *Server) sidesOf(q question) *rateQuestion {
	out := &rateQuestion{ID: q.id, Lang: q.lang, Key: q.lang + q.key(), Prompt: said{Text: q.prompt, Lang: q.lang}}
	first, second := said{Label: "A", Text: q.reference, Lang: cmp.Or(q.referenceLang, q.lang)},
		said{Label: "B", Text: q.response, Lang: cmp.Or(q.responseLang, q.lang)}
	if q.swapped(s.options.Seed) {
		first.Text, second.Text = second.Text, first.Text
		first.Lang, second.Lang = second.Lang, first.Lang
	}
	for _, t := range []*said{&out.Prompt, &first, &second} {
		t.Text, t.Rest = shortened(t.Text, alone)
	}
	out.Left, out.Right = first, second
	return out
}

// rated takes a rating. It is of the texts that the page showed: of others, as after another evaluation, it is refused.
func (s *Server) rated(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		s.refuse(w, http.StatusBadRequest, "expected a form of at most 64 KiB")
		return
	}
	if !s.hasToken(r) {
		s.refuse(w, http.StatusForbidden, "the form is of another start of lidr view; load the page again")
		return
	}
	value := r.PostForm.Get
	s.rating.Lock()
	defer s.rating.Unlock()
	asked, status, err := s.asked(value("run"), value("pair"))
	if err != nil {
		s.refuse(w, status, err.Error())
		return
	}
	i := slices.IndexFunc(asked.all, func(q question) bool { return q.lang+q.key() == value("key") })
	if i < 0 {
		s.refuse(w, http.StatusConflict, "the answers have changed since the page was made; load it again")
		return
	}
	preference := map[string]float64{"left": 1, "same": 1.5, "right": 2}[value("better")]
	if preference == 0 {
		s.refuse(w, http.StatusBadRequest, "better is none of left, same and right")
		return
	}
	if asked.all[i].swapped(s.options.Seed) {
		preference = 3 - preference
	}
	if err := asked.f.save(asked.a, asked.b, s.options.Rater, asked.all[i], preference); err != nil {
		s.refuse(w, http.StatusInternalServerError, "the rating is not saved: "+err.Error())
		return
	}
	http.Redirect(w, r, "/rate?"+rateQuery(asked, value("lang"), "last", value("key")), http.StatusSeeOther)
}
