package report

import (
	"fmt"
	"strings"
)

func answersSection(d Data) section {
	s := section{ID: "answers", Title: "What the models answer"}
	if len(d.Answers) > 0 {
		s.Blocks = append(s.Blocks, block{Text: "Up to three problems a language: the first that the models do not all get " +
			"right or all get wrong, the first that the last model gets wrong, and the first that a model answers in another " +
			"language; or else the first. They show what answers look like, and measure nothing."})
	}
	for _, a := range d.Answers {
		s.Blocks = append(s.Blocks, block{Answers: &answers{a, d.languageName(a.Language)}})
	}
	return s
}

func pairsSection(d Data, figures map[string]*Figure) section {
	s := section{ID: "pairs", Title: "Preference pairs"}
	if t := countsTable(d); t != nil {
		s.Blocks = append(s.Blocks, block{Heading: "What became of the prompts"}, block{Table: t})
	}
	if len(d.RewardAccuracy) > 0 {
		s.Blocks = append(s.Blocks, block{Heading: "Reward accuracy"},
			block{Text: "The share of the pairs, among those where exactly one side is better, whose chosen side is the " +
				"better one: of the data, whatever the model thinks. At 50 % a pair says nothing; below, training goes the " +
				"wrong way."})
		s.Blocks = append(s.Blocks, untitled(figures["reward-accuracy"]), block{Table: rewardTable(d)})
	}
	if f := figures["pair-lengths"]; f != nil {
		s.Blocks = append(s.Blocks, block{Heading: f.Title}, untitled(f))
	}
	if len(d.Examples) > 0 {
		s.Blocks = append(s.Blocks, block{Heading: "Examples"})
	}
	for _, e := range d.Examples {
		s.Blocks = append(s.Blocks, block{Example: &example{e, d.languageName(e.Language),
			d.languageName(e.OriginalLanguage)}})
	}
	return s
}

// countsTable has a column for every filter that occurs.
func countsTable(d Data) *table {
	if len(d.Counts) == 0 {
		return nil
	}
	var all []Dropped
	for _, c := range d.Counts {
		all = append(all, c.Dropped...)
	}
	filters := ordered(len(all), func(i int) string { return all[i].Filter })
	heads := []string{"Prompts", "Candidate pairs"}
	for _, f := range filters {
		heads = append(heads, "− "+f)
	}
	heads = append(heads, "Pairs kept", "of them with equal sides")
	t := &table{
		Caption: "Pairs by round and language, and what each filter took out. A pair whose sides are equal has margin 0 " +
			"whatever the model: it teaches nothing about preference, and only its NLL counts.",
		Columns: append([]column{{Head: "Language"}}, numberColumns(heads)...),
	}
	for i, c := range d.Counts {
		if i == 0 || c.Round != d.Counts[i-1].Round {
			t.Rows = append(t.Rows, groupRow(c.Round))
		}
		r := row{Cells: []cell{{Text: d.languageName(c.Language)}, count(c.Prompts), count(c.Candidates)}}
		for _, f := range filters {
			n := 0
			for _, x := range c.Dropped {
				if x.Filter == f {
					n += x.Count
				}
			}
			r.Cells = append(r.Cells, count(n))
		}
		t.Rows = append(t.Rows, row{Cells: append(r.Cells, count(c.Kept), count(c.Equal))})
	}
	return t
}

// rewardTable has a row a language and a column a round.
func rewardTable(d Data) *table {
	rounds := ordered(len(d.RewardAccuracy), func(i int) string { return d.RewardAccuracy[i].Round })
	codes := ordered(len(d.RewardAccuracy), func(i int) string { return d.RewardAccuracy[i].Language })
	t := &table{
		Caption: "Reward accuracy in per cent, ± one standard error; n = pairs that decide.",
		Columns: append([]column{{Head: "Language"}}, numberColumns(rounds)...),
	}
	for _, code := range codes {
		r := row{Cells: []cell{{Text: d.languageName(code)}}}
		for _, round := range rounds {
			c := cell{Text: "–"}
			for _, a := range d.RewardAccuracy {
				if a.Language == code && a.Round == round {
					c = withError(fixed(100*a.Value, 1), 100*a.SE, 1)
					c.Sub = strings.TrimPrefix(fmt.Sprintf("%s, n = %d", c.Sub, a.N), ", ")
				}
			}
			r.Cells = append(r.Cells, c)
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

func trainingSection(d Data, figures map[string]*Figure) section {
	s := section{ID: "training", Title: "Training"}
	if len(d.Training) > 0 {
		s.Blocks = append(s.Blocks, block{Text: "The share of pairs with a margin above 0 is what TRL logs as " +
			"rewards/accuracies: of the model, not of the data, and no reward accuracy as above. A pair with equal sides " +
			"has margin 0 and is never among them, so that the share cannot rise above that of the pairs whose sides differ."})
	}
	for i := range d.Training {
		if f := figures[trainingFile(i)]; f != nil {
			s.Blocks = append(s.Blocks, block{Figure: f})
		}
	}
	return s
}

func settingsSection(d Data) section {
	s := section{ID: "settings", Title: "Settings"}
	if len(d.Settings) == 0 {
		return s
	}
	t := &table{Columns: []column{{Head: "Setting"}, {Head: "Value"}, {Head: "Where it comes from"}}}
	for i, x := range d.Settings {
		if i == 0 || x.Group != d.Settings[i-1].Group {
			t.Rows = append(t.Rows, groupRow(x.Group))
		}
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: x.Name}, {Text: x.Value}, {Text: x.Source}}})
	}
	s.Blocks = []block{{Table: t}}
	return s
}

func rerunSection(d Data) section {
	s := section{ID: "rerun", Title: "How to run this again"}
	if len(d.Rerun) > 0 {
		s.Blocks = append(s.Blocks, block{Text: "In a clone of lidr, after make build:"},
			block{Code: append([]string{`PATH="$PWD/bin:$PATH"`}, d.Rerun...)})
	}
	if t := fieldTable("", d.Versions); t != nil {
		s.Blocks = append(s.Blocks, block{Table: t})
	}
	if t := fieldTable("What it took", d.Cost); t != nil {
		s.Blocks = append(s.Blocks, block{Table: t})
	}
	return s
}

func timingSection(d Data) section {
	s := section{ID: "timing", Title: "Timing"}
	if t := fieldTable("Depends on the machine and its load; everything above does not.", d.Timing); t != nil {
		s.Blocks = []block{{Table: t}}
	}
	return s
}

func fieldTable(caption string, fields []Field) *table {
	if len(fields) == 0 {
		return nil
	}
	t := &table{Caption: caption, Columns: []column{{}, {}}}
	for _, f := range fields {
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: f.Name}, {Text: f.Value}}})
	}
	return t
}
