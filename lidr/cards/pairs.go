package cards

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/hub"
)

// columns of a pair as the card describes them.
var columns = []struct{ name, what string }{
	{"id", "of the prompt, the same in every language"},
	{"lang", "of prompt, chosen and rejected (ISO 639)"},
	{"prompt", "the user turn"},
	{"chosen", "the preferred answer"},
	{"rejected", "the other answer"},
	{"source", `how the pair was made: "en>de" prefers a translated English answer over the model's own German one, ` +
		`"de>en" the model's English answer over a German one that was translated back, "en" an untranslated English ` +
		`answer; or the scorer that chose it`},
}

// round is the pairs of one model of the run.
type round struct {
	model string
	pairs []lidr.Pair
}

// PairsFiles writes the data-set card of the run's pairs, and returns what a push sends: the card as README.md, and the
// pairs of each round, M0/pairs.jsonl and so on, a configuration each.
func PairsFiles(run *lidr.Run, license string) ([]hub.Source, error) {
	var rounds []round
	var files []hub.Source
	for n := 0; ; n++ {
		r := round{model: fmt.Sprintf("M%d", n)}
		path := run.Path(r.model, "pairs.jsonl")
		if err := run.ReadLines(path, &r.pairs); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return nil, err
		}
		rounds = append(rounds, r)
		files = append(files, hub.Source{Path: r.model + "/pairs.jsonl", File: path})
	}
	if len(rounds) == 0 {
		return nil, fmt.Errorf("%s has no pairs yet; make them first: lidr pairs %s", run.Dir, run.Dir)
	}
	card, err := pairsCard(run, rounds, license)
	if err != nil {
		return nil, err
	}
	readme, err := writeCard(run, "pairs", card)
	return append(files, readme), err
}

func pairsCard(run *lidr.Run, rounds []round, licenseID string) (string, error) {
	s := public(run.Settings)
	named, err := license(licenseID)
	if err != nil {
		return "", err
	}
	models, err := origins(run)
	if err != nil {
		return "", err
	}
	settings, err := settingsBlock(map[string]any{"seed": s.Seed, "dominant": s.Dominant, "trained": s.Trained,
		"prompts": s.Prompts, "generate": s.Generate, "translate": s.Translate, "pairs": s.Pairs})
	if err != nil {
		return "", err
	}
	total := 0
	for _, r := range rounds {
		total += len(r.pairs)
	}
	title := "Preference pairs of " + filepath.Base(run.Dir)
	var b strings.Builder
	fmt.Fprintf(&b, "---\npretty_name: %s\n%slanguage: %s\nmultilinguality: [multilingual]\n"+
		"task_categories: [text-generation]\nsize_categories: [%s]\n"+
		"annotations_creators: [machine-generated]\nlanguage_creators: [machine-generated]\ntags: %s\nconfigs:\n",
		quote(title), named, list(s.Languages()), size(total), list(append([]string{"preference"}, tags...)))
	for i, r := range rounds {
		fmt.Fprintf(&b, "- config_name: %s\n", r.model)
		if i == 0 {
			b.WriteString("  default: true\n")
		}
		fmt.Fprintf(&b, "  data_files:\n  - split: train\n    path: %s/pairs.jsonl\n", r.model)
	}
	b.WriteString("dataset_info:\n")
	for _, r := range rounds {
		fmt.Fprintf(&b, "- config_name: %s\n  features:\n", r.model)
		for _, c := range columns {
			fmt.Fprintf(&b, "  - name: %s\n    dtype: string\n", c.name)
		}
		fmt.Fprintf(&b, "  splits:\n  - name: train\n    num_examples: %d\n", len(r.pairs))
	}
	fmt.Fprintf(&b, "---\n# %s\n\nPairs of answers to the same prompt, chosen and rejected, made without labels by "+
		"Language Imbalance\nDriven Rewarding (arXiv 2410.08964): a model's own %s answers, translated by itself, are "+
		"preferred over its answers\nin other languages. A configuration is a round, named by the model that answered.\n\n",
		title, lidr.LanguageName(s.Dominant))
	b.WriteString("```python\nload_dataset(\"ORG/NAME\", \"M0\", split=\"train\")  # or a folder in place of ORG/NAME\n" +
		"```\n\n## Columns\n\n| column | what |\n|---|---|\n")
	for _, c := range columns {
		fmt.Fprintf(&b, "| %s | %s |\n", c.name, cell(c.what))
	}
	for _, r := range rounds {
		if err := describeRound(&b, run, r, models[r.model]); err != nil {
			return "", err
		}
	}
	fmt.Fprintf(&b, "## Prompts\n\n%s, in every language. Their licence binds this data set as the model's does.\n\n",
		cell(s.Prompts.Source))
	fmt.Fprintf(&b, "## Settings\n\nOf prompts, answers, translations and pairs.\n\n%s", settings)
	return b.String(), nil
}

// describeRound writes the model of a round, its pairs by language and direction, what was dropped, and how often the
// chosen side is the right one.
func describeRound(b *strings.Builder, run *lidr.Run, r round, by origin) error {
	fmt.Fprintf(b, "\n## %s\n\nAnswers and translations by %s.\n\n", r.model, cell(by.describe()))
	count := map[[2]string]int{}
	var directions []string
	for _, p := range r.pairs {
		count[[2]string{p.Lang, p.Source}]++
		if !slices.Contains(directions, p.Source) {
			directions = append(directions, p.Source)
		}
	}
	slices.Sort(directions)
	b.WriteString("| language | direction | pairs |\n|---|---|--:|\n")
	for _, lang := range run.Settings.Languages() {
		for _, direction := range directions {
			if n := count[[2]string{lang, direction}]; n > 0 {
				fmt.Fprintf(b, "| %s | %s | %d |\n", lang, cell(direction), n)
			}
		}
	}
	var counts []lidr.PairCount
	err := run.ReadJSON(run.Path(r.model, "pairs.stats.json"), &counts)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	b.WriteString("\n")
	if dropped := slices.DeleteFunc(counts, func(c lidr.PairCount) bool { return c.Count == "pairs" }); len(dropped) > 0 {
		b.WriteString("| language | count | filter | n |\n|---|---|---|--:|\n")
		for _, c := range dropped {
			fmt.Fprintf(b, "| %s | %s | %s | %d |\n", c.Lang, c.Count, cell(c.Filter), c.N)
		}
		b.WriteString("\n")
	}
	var rewards []lidr.Reward
	err = run.ReadJSON(run.Path(r.model, "pairs.rewards.json"), &rewards)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(rewards) > 0 {
		b.WriteString("Of the pairs of which exactly one side is right, the share whose right side is the chosen one:\n\n" +
			"| language | share | n |\n|---|--:|--:|\n")
		for _, w := range rewards {
			share := "unknown"
			if w.N > 1 {
				share = fmt.Sprintf("%.3f ± %.3f", w.Value, w.SE)
			}
			fmt.Fprintf(b, "| %s | %s | %d |\n", w.Lang, share, w.N)
		}
		b.WriteString("\n")
	}
	return nil
}

// size is the hub's category of a number of rows.
func size(n int) string {
	for _, s := range []struct {
		below int
		name  string
	}{{1_000, "n<1K"}, {10_000, "1K<n<10K"}, {100_000, "10K<n<100K"}, {1_000_000, "100K<n<1M"}} {
		if n < s.below {
			return s.name
		}
	}
	return "1M<n<10M"
}
