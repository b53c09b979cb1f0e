package recipe

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/lidr"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/scorers"
)

// Scoring chooses the pairs of a round by what answers are worth to scorers of package lidr/scorers, several to a
// prompt (generate.samples), in the place of the method's own: a translated English answer over an own one.
type Scoring struct {
	// Scorers are names of [Scorers] with their weights in a sum; none: the method's own pairs.
	Scorers map[string]float64 `json:"scorers"`
	// Product multiplies the scores; the weights are 1.
	Product bool `json:"product"`
	// Translations are samples too, so that a scorer chooses among own and translated answers.
	Translations bool           `json:"translations"`
	Selection    lidr.Selection `json:"selection"`

	Aligned     Model       `json:"aligned"`   // of implicit, a model that was aligned in English
	Reference   Model       `json:"reference"` // the one that its alignment started from
	RewardModel RewardModel `json:"reward_model"`
	Embeddings  Embeddings  `json:"embeddings"`
}

// RewardModel is a reward model behind the first of its endpoints, as scorers.RewardModel asks it.
type RewardModel struct {
	Model
	KeyEnv  string `json:"key_env"`
	Pooling bool   `json:"pooling"`
	Class   int    `json:"class"`
	Text    bool   `json:"text"`
	English bool   `json:"english"`
}

// Embeddings are a model's behind the first of its endpoints, as scorers.Embeddings asks it.
type Embeddings struct {
	Model
	KeyEnv string  `json:"key_env"`
	K      float64 `json:"k"`
}

// scorer is how a recipe names a scorer, what it needs, and what it asks.
type scorer struct {
	needs string // a part of the recipe: "aligned", "reward_model", "embeddings", "judge", "weights"
	make  func(context.Context, *work, *lidr.Model) (lidr.Scorer, error)
	// requests are those that it makes for each sample in another language, of samples to a prompt; translated tells that
	// they are answered by a translation.
	requests   func(samples int) int
	translated bool
}

func plain(s lidr.Scorer) scorer {
	return scorer{
		make:     func(context.Context, *work, *lidr.Model) (lidr.Scorer, error) { return s, nil },
		requests: func(int) int { return 0 },
	}
}

func by(needs string, n int, f func(*work) lidr.Scorer) scorer {
	return scorer{
		needs:    needs,
		make:     func(_ context.Context, w *work, _ *lidr.Model) (lidr.Scorer, error) { return f(w), nil },
		requests: func(int) int { return n },
	}
}

// translating is a scorer that asks the run's translator.
func translating(f func(translator *lidr.Model) lidr.Scorer) scorer {
	return scorer{
		make: func(ctx context.Context, w *work, m *lidr.Model) (lidr.Scorer, error) {
			translator, err := w.translator(ctx, m)
			return f(translator), err
		},
		requests: func(samples int) int { return samples },
	}
}

func implicit(length bool) scorer {
	return scorer{needs: "aligned", requests: func(int) int { return 2 },
		make: func(ctx context.Context, w *work, _ *lidr.Model) (lidr.Scorer, error) {
			s := w.recipe.Scoring
			aligned, err := w.other(ctx, "scoring.aligned", s.Aligned.options())
			if err != nil {
				return nil, err
			}
			reference, err := w.other(ctx, "scoring.reference", s.Reference.options())
			return scorers.Implicit{Aligned: aligned, Reference: reference, Length: length}, err
		}}
}

// known are the scorers by their names, which are those in a run folder's files.
var known = map[string]scorer{
	"translation":     plain(scorers.Translation{}),
	"consistency":     plain(scorers.Consistency{}),
	"language":        plain(scorers.Language{}),
	"language-share":  plain(scorers.Language{Share: true}),
	"oracle":          plain(scorers.Oracle{}),
	"hidden":          by("weights", 0, func(*work) lidr.Scorer { return scorers.Hidden{} }),
	"implicit":        implicit(false),
	"implicit-length": implicit(true),
	"mapo":            translating(func(t *lidr.Model) lidr.Scorer { return scorers.MAPO{Translator: t} }),
	"mapo-correct":    translating(func(t *lidr.Model) lidr.Scorer { return scorers.MAPO{Translator: t, Correct: true} }),
	"round-trip":      roundTrip(),
	"reward-model": by("reward_model", 1, func(w *work) lidr.Scorer {
		r := w.recipe.Scoring.RewardModel
		return scorers.RewardModel{Server: r.server(r.KeyEnv), Pooling: r.Pooling, Class: r.Class, Text: r.Text,
			English: r.English}
	}),
	"embeddings": by("embeddings", 1, func(w *work) lidr.Scorer {
		e := w.recipe.Scoring.Embeddings
		return scorers.Embeddings{Server: e.server(e.KeyEnv), K: e.K}
	}),
	"judge": {needs: "judge", requests: func(int) int { return 1 },
		make: func(ctx context.Context, w *work, _ *lidr.Model) (lidr.Scorer, error) {
			judge, err := w.judge(ctx)
			return scorers.JudgeDefaults(judge), err
		}},
}

func roundTrip() scorer {
	s := translating(func(t *lidr.Model) lidr.Scorer { return scorers.RoundTrip{Translator: t} })
	s.requests, s.translated = func(int) int { return 1 }, true
	return s
}

// Scorers are the names of the scorers that a recipe can choose pairs by.
func Scorers() []string { return slices.Sorted(maps.Keys(known)) }

// server is the first endpoint as package scorers asks it, without the path of OpenAI's API.
func (m Model) server(keyEnv string) scorers.Server {
	return scorers.Server{URL: strings.TrimSuffix(strings.TrimSuffix(m.Endpoints[0], "/"), "/v1"), Model: m.Path,
		KeyEnv: keyEnv}
}

// check is an error for what cannot choose pairs in recipe r.
func (s Scoring) check(r Recipe) error {
	bad := func(field string, value any, expected string) error {
		return fmt.Errorf("recipe %s: scoring.%s is %v, expected %s", r.Name, field, value, expected)
	}
	if len(s.Scorers) == 0 {
		if s.Selection.Rule != "" || s.Product || s.Translations {
			return bad("scorers", "empty", "scorers with their weights, such as {round-trip: 1}; without any, pairs are the "+
				"method's own")
		}
		return nil
	}
	for _, name := range sortedKeys(s.Scorers) {
		found, ok := known[name]
		switch {
		case !ok:
			return fmt.Errorf("recipe %s: scoring.scorers has %s, which is none; %s", r.Name, name,
				suggest(nil, name, Scorers()))
		case s.Product && s.Scorers[name] != 1:
			return bad("scorers."+name, s.Scorers[name], "1 in a product, which has no weights")
		case found.needs == "weights" && r.served():
			return bad("scorers", name, "another one for a model behind servers, which tell no hidden states")
		case found.needs == "aligned" && (s.Aligned.Path == "" || s.Reference.Path == ""):
			return bad("aligned.path", fmt.Sprintf("%q, and reference.path %q", s.Aligned.Path, s.Reference.Path),
				"both for "+name+": a model aligned in English, and the one that its alignment started from")
		case found.needs == "reward_model" && (s.RewardModel.Path == "" || len(s.RewardModel.Endpoints) != 1):
			return bad("reward_model.endpoints", s.RewardModel.Endpoints, "one server of reward_model.path for "+name)
		case found.needs == "embeddings" && (s.Embeddings.Path == "" || len(s.Embeddings.Endpoints) != 1):
			return bad("embeddings.endpoints", s.Embeddings.Endpoints, "one server of embeddings.path for "+name)
		case name == "translation" && !s.Translations:
			return bad("translations", false, "true for the scorer translation, which is worth nothing of own answers alone")
		}
	}
	if r.Generate.Samples < 2 && !s.Translations {
		return fmt.Errorf("recipe %s: generate.samples is %d, expected at least 2, or scoring.translations: pairs are "+
			"chosen among several answers", r.Name, r.Generate.Samples)
	}
	if err := s.Selection.Validate(); err != nil {
		return fmt.Errorf("recipe %s: scoring.%w", r.Name, err)
	}
	return nil
}

// asks tells whether one of the scorers needs a part of the recipe.
func (s Scoring) asks(part string) bool {
	return slices.ContainsFunc(sortedKeys(s.Scorers), func(name string) bool { return known[name].needs == part })
}

// scorer is the one that the recipe chooses by.
func (w *work) scorer(ctx context.Context, m *lidr.Model) (lidr.Scorer, error) {
	var sum scorers.Sum
	var product scorers.Product
	s := w.recipe.Scoring
	for _, name := range sortedKeys(s.Scorers) {
		one, err := known[name].make(ctx, w, m)
		if err != nil {
			return nil, fmt.Errorf("scorer %s: %w", name, err)
		}
		sum, product = append(sum, scorers.Term{Weight: s.Scorers[name], Scorer: one}), append(product, one)
	}
	switch {
	case len(sum) == 1 && (s.Product || sum[0].Weight == 1):
		return sum[0].Scorer, nil
	case s.Product:
		return product, nil
	}
	return sum, nil
}

// choose makes a round's pairs by the recipe's scorers. translations are those of the answers, nil where they are no
// samples.
func (w *work) choose(ctx context.Context, m *lidr.Model, samples dataframe.DataFrame,
	translations *dataframe.DataFrame) error {
	var err error
	if translations != nil {
		if samples, err = scorers.Candidates(samples, *translations); err != nil {
			return err
		}
	}
	by, err := w.scorer(ctx, m)
	if err != nil {
		return err
	}
	scores, err := lidr.ScoreSamples(ctx, w.run, m, samples, by)
	if err != nil {
		return err
	}
	_, _, err = lidr.PairsByScore(ctx, w.run, m, samples, scores, w.recipe.Scoring.Selection)
	return err
}

// scoringCosts are of the requests that the scorers make, each of the longest answers that there may be.
func (r Recipe) scoringCosts() ([]lidr.Cost, error) {
	samples := max(1, r.Generate.Samples)
	n := r.Prompts.N * samples * len(r.Languages())
	if r.Scoring.Translations {
		n += r.Prompts.N * samples * (len(r.Trained) + 1)
	}
	longest := r.Generate.Sampling.MaxTokens
	var costs []lidr.Cost
	for round := range r.Rounds {
		for _, name := range sortedKeys(r.Scoring.Scorers) {
			s := known[name]
			cost, prices, answer := lidr.Cost{Model: fmt.Sprintf("M%d", round), Step: "score by " + name}, lm.Prices{}, 0
			if s.translated {
				answer = r.Translate.Sampling.MaxTokens
			}
			if s.needs == "judge" {
				words := scorers.JudgeDefaults(nil)
				prices, answer = r.Judge.Prices, words.Sampling.MaxTokens
			}
			requests := n * s.requests(samples)
			cost.Add(requests, requests*2*longest, answer, prices)
			costs = append(costs, cost)
		}
	}
	return costs, nil
}
