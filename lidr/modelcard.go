package lidr

import (
	"fmt"
	"os"
	"strings"

	"lidrlab/lidr/dpo"
	"lidrlab/lidr/hub"
	"lidrlab/lidr/ledger"
)

// modelCard is the README.md of a trained model's folder, in the form that the Hugging Face hub reads: front matter, then
// base model, data, what training reached, how to make it again, and all settings.
func modelCard(run *Run, base *Model, name, key string, pairs int, steps []dpo.Step) ([]byte, error) {
	s := run.Settings
	settings, err := ledger.EncodeJSON(s)
	if err != nil {
		return nil, err
	}
	from, onHub := basePath(base), ""
	if _, err := os.Stat(from); err != nil {
		if _, err := hub.ParseName(from); err == nil {
			onHub = "base_model: " + from + "\n"
		}
	}
	adapter := ""
	if s.Train.LoRA.Rank > 0 {
		adapter = fmt.Sprintf("LoRA: %s, merged; the adapter alone is in the folder beside this one.\n\n", s.Train.LoRA.describe())
	}
	first, last := steps[0], steps[len(steps)-1]
	return fmt.Appendf(nil, `---
library_name: transformers
%slanguage: [%s]
tags: [dpo, language-imbalance-driven-rewarding]
---
# %s

Made by one round of Language Imbalance Driven Rewarding (arXiv 2410.08964).

## Base model

%s, from %s, fingerprint %s

## Data

%d preference pairs, mode %q, labels %q, prompts from %q; dominant language %s, trained %s. They stand in ../../%s/pairs.jsonl.

## Results

| | first step | last step |
|---|---|---|
| loss | %.4f | %.4f |
| NLL of the chosen | %.4f | %.4f |
| rewards/margins | %.4f | %.4f |
| rewards/accuracies | %.4f | %.4f |

The run's evaluations stand in ../eval, its report in ../../report.html.

## Made by

lidr.Train with the settings below on base model and pairs as above; key %s

%s`+"```json\n%s```\n", onHub, strings.Join(append(s.Languages(), s.Unseen...), ", "), name, base.Name, from, base.Fingerprint(),
		pairs, s.Pairs.Mode, s.Train.Labels, s.Prompts.Source, s.Dominant, strings.Join(s.Trained, ", "), base.Name,
		first.Loss, last.Loss, first.NLL, last.NLL, first.RewardsMargins, last.RewardsMargins, first.RewardsAccuracies, last.RewardsAccuracies,
		key, adapter, settings), nil
}
