package recipe

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	modelName = regexp.MustCompile(`^M(0|[1-9][0-9]*)$`)
	cellName  = regexp.MustCompile(`^[\pL\pN][\pL\pN=+.,_-]*$`)
)

// check is an error for what cannot work together, before anything is loaded or asked. The settings are checked where
// the run is opened.
func (r Recipe) check() error {
	bad := func(field string, value any, expected string) error {
		return fmt.Errorf("recipe %s: %s is %v, expected %s", r.Name, field, value, expected)
	}
	judged := r.Instructions.Source != "" || r.MTBench.Source != "" || len(r.Ratings.Models) > 0 ||
		r.Scoring.asks("judge")
	switch {
	case r.Model.Path == "":
		return bad("model.path", "empty", `"miniature", a folder, a name on the hub or a GGUF file`)
	case r.Trainer.Program == own && r.served() && r.Rounds > 0:
		return bad("trainer.program", own, "llama-factory or trl for a model behind endpoints, whose weights are not here")
	case r.Trainer.Program == none && r.Rounds != 1:
		return bad("rounds", r.Rounds, "1 where trainer.program is none: the pairs of M0 are the last thing that is made")
	case r.StopWhenSaturated && r.Evaluate.Source == "":
		return bad("evaluate.source", "empty", "problems with answers, by which stop_when_saturated can tell a gain")
	case judged && r.Judge.Path == "":
		return bad("judge.path", "empty", "a judge, for instructions, mt_bench, ratings or the scorer judge")
	case len(r.Panel) > 0 && r.Instructions.Source == "":
		return bad("panel", "of further judges", "none without instructions.source, whose comparisons they judge")
	case r.MTBench.Source == "" && len(r.MTBench.Matches) > 0:
		return bad("mt_bench.matches", r.MTBench.Matches, "none without mt_bench.source")
	case r.Instructions.Source != "" && r.Instructions.References == "" && len(r.Instructions.Matches) == 0:
		return bad("instructions.matches", "empty", "pairs of models such as [M1-M0], or instructions.references: "+
			"nothing would be compared")
	case r.Instructions.Source == "" && r.Instructions.References != "":
		return bad("instructions.references", r.Instructions.References, "none without instructions.source")
	case r.Instructions.Source == "" && len(r.Instructions.Matches) > 0:
		return bad("instructions.matches", r.Instructions.Matches, "none without instructions.source")
	case r.Published.Model == "" && slices.Contains(r.Published.Tables, "x_alpacaeval"):
		return bad("published.model", "empty", "the model whose win rates x_alpacaeval is to show, such as "+llama3)
	}
	if err := r.Launch.Check(); err != nil {
		return fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	if r.Trainer.Program != own && r.Trainer.Program != none {
		if err := r.Trainer.Check(r.Train); err != nil {
			return fmt.Errorf("recipe %s: %w", r.Name, err)
		}
	}
	for _, part := range []struct {
		name     string
		asked    bool
		validate func() error
	}{
		{"instructions.generate.sampling", r.Instructions.Source != "", r.Instructions.Generate.Sampling.Validate},
		{"instructions.judging", r.Instructions.Source != "", r.Instructions.Judging.Validate},
		{"mt_bench.settings", r.MTBench.Source != "", r.MTBench.Settings.Validate},
		{"mt_bench.pairs", len(r.MTBench.Matches) > 0, r.MTBench.Pairs.Validate},
		{"choices", r.Choices.Source != "", r.Choices.Settings.Validate},
		{"ratings.settings", len(r.Ratings.Models) > 0, r.Ratings.Settings.Validate},
		{"tracking", true, r.Tracking.Validate},
	} {
		if !part.asked {
			continue
		}
		if err := part.validate(); err != nil {
			return fmt.Errorf("recipe %s: %s: %w", r.Name, part.name, err)
		}
	}
	for _, name := range r.Ratings.Models {
		if round, ok := r.round(name); !ok || round >= r.Rounds {
			return bad("ratings.models", name, fmt.Sprintf("models that make pairs, M0 to M%d", r.Rounds-1))
		}
	}
	for field, matches := range map[string][]string{
		"instructions.matches": r.Instructions.Matches, "mt_bench.matches": r.MTBench.Matches,
	} {
		for _, match := range matches {
			one, other, _ := strings.Cut(match, "-")
			a, known := r.round(one)
			if b, both := r.round(other); !known || !both || a == b || max(a, b) >= r.models() {
				return bad(field, match, fmt.Sprintf("two of the models that the run makes, M0 to M%d, such as M1-M0",
					r.models()-1))
			}
		}
	}
	if err := r.checkJudges(bad); err != nil {
		return err
	}
	if err := r.Scoring.check(r); err != nil {
		return err
	}
	for _, name := range r.Published.Tables {
		if !slices.Contains(Tables(), name) {
			return bad("published.tables", name, "names among "+strings.Join(Tables(), ", "))
		}
	}
	for _, name := range r.Published.Tables {
		if name != "x_alpacaeval" && !strings.HasPrefix(r.Published.Model, llama3) {
			return bad("published.model", r.Published.Model, llama3+" for "+name+", which the paper has of no other")
		}
	}
	for name := range r.Cells {
		if !cellName.MatchString(name) {
			return bad("a name in cells", strconv.Quote(name), "letters, digits and = + . , _ -")
		}
	}
	return nil
}

// llama3 is the model of most published tables.
const llama3 = "Llama-3-8B-Instruct"

// round is the number of a model of the run, M0 to that of its rounds.
func (r Recipe) round(name string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(name, "M"))
	return n, err == nil && modelName.MatchString(name) && n <= r.Rounds
}

// single is one run of a recipe with seeds or cells.
type single struct {
	name string // "", or below the recipe's folder
	Recipe
}

// singles are the runs of a recipe: one for each cell and seed.
func (r Recipe) singles() ([]single, error) {
	base := r
	base.Seeds, base.Cells = nil, nil
	all := []single{{"", base}}
	if len(r.Cells) > 0 {
		all = nil
		for _, name := range sortedKeys(r.Cells) {
			cell := base
			if err := cell.change(name, r.Cells[name]); err != nil {
				return nil, err
			}
			all = append(all, single{name, cell})
		}
	}
	if len(r.Seeds) > 0 {
		var each []single
		for _, cell := range all {
			for _, seed := range r.Seeds {
				one := cell
				one.Seed, one.Train.Seed = seed, seed
				one.name = strings.TrimPrefix(fmt.Sprintf("%s-seed-%d", cell.name, seed), "-")
				each = append(each, one)
			}
		}
		all = each
	}
	var wrong []error
	for _, one := range all {
		wrong = append(wrong, one.check())
	}
	return all, errors.Join(wrong...)
}
