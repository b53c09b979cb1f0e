package lidr

import (
	"fmt"
	"os"
	"strings"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/durable"
	"lidrlab/lidr/hub"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/transformer"
)

// referenceModel returns the model that the round starts from, with its weights held, and multiplied, as the settings
// say.
func referenceModel(m *Model, s TrainSettings) (*transformer.Model, error) {
	switch {
	case s.DType == "bfloat16" || s.Products == "bfloat16":
	case s.LoRA.Rank == 0 && m.weights.Quantization != "": // all weights are trained in float32
		return transformer.NewStored(m.checkpoint, m.engine)
	default:
		return m.whole()
	}
	base, err := transformer.NewBFloat16(m.checkpoint, m.engine)
	if err == nil && s.Products == "bfloat16" {
		base.Quantization = transformer.InBFloat16
	}
	return base, err
}

// policy returns what is trained: a copy of m's weights, or an adapter on the base, whose weights it shares.
func policy(m *Model, base *transformer.Model, s TrainSettings) (p *transformer.Model, err error) {
	if s.LoRA.Rank == 0 {
		if p, err = transformer.New(m.checkpoint); err == nil && s.Products == "bfloat16" {
			p.Quantization = transformer.InBFloat16
		}
	} else {
		var a *checkpoint.Adapter
		a, err = transformer.InitAdapter(base.Config, s.LoRA.Rank, s.LoRA.Alpha, s.LoRA.targets(base.Config), s.Seed)
		if err == nil {
			p, err = base.WithAdapter(a)
		}
	}
	if err != nil {
		return nil, err
	}
	p.Checkpointing = s.Checkpointing
	return p, nil
}

// computesAs returns m, which a training of the run has made of base, computing as base does: with base's weights below
// the adapter, if one was trained.
func (m *Model) computesAs(base *Model, run *Run) (*Model, error) {
	how := base.weights.Quantization
	switch {
	case how == "":
		return m, nil
	case run.Settings.Train.LoRA.Rank == 0:
		return m.Quantized(how)
	}
	adapter, err := checkpoint.LoadAdapter(os.DirFS(run.Path(m.Name(), "adapter")), m.checkpoint.Config)
	if err != nil {
		return nil, err
	}
	below, err := base.whole()
	if err != nil {
		return nil, err
	}
	weights, err := below.WithAdapter(adapter)
	if err != nil {
		return nil, err
	}
	return m.computing(weights), nil
}

// whole returns the model's weights without an adapter beside them: one that is there is merged before they are
// quantized.
func (m *Model) whole() (*transformer.Model, error) {
	adapter, err := m.weights.Adapter()
	if err != nil || adapter == nil {
		return m.weights, err
	}
	merged := *m.checkpoint
	merged.Below, merged.Adapter = nil, nil
	return transformer.NewQuantized(&merged, m.engine, m.weights.Quantization)
}

// merged returns what was trained on base: its weights, or base's with the adapter merged into them, whatever they were
// rounded to for the training.
func merged(weights *transformer.Model, base *Model) (*checkpoint.Checkpoint, error) {
	adapter, err := weights.Adapter()
	if err != nil || adapter == nil {
		return weights.Checkpoint()
	}
	return adapter.Merge(base.checkpoint)
}

// saveAdapter writes the adapter that was trained on base. Where none was, it clears what an earlier training under
// other settings left.
func saveAdapter(dir string, weights *transformer.Model, base *Model) error {
	adapter, err := weights.Adapter()
	if err != nil {
		return err
	}
	if adapter == nil {
		return durable.RemoveAll(dir)
	}
	adapter.Base = basePath(base)
	return checkpoint.SaveAdapter(dir, adapter)
}

// basePath names a base for the folder of the model that was made of it. One of the same run is named from there, so
// that a run holds the same bytes anywhere.
func basePath(base *Model) string {
	if base.Round > 0 {
		return "../../" + base.Name() + "/model"
	}
	return base.Path
}

// modelCard is the README.md of a trained model's folder, in the form that the Hugging Face hub reads: front matter,
// then base model, data, what training reached, how to make it again, and all settings.
func modelCard(run *Run, base *Model, t Training, steps []dpo.Step) ([]byte, error) {
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
		adapter = fmt.Sprintf("LoRA: %s, merged; the adapter alone is in the folder beside this one.\n\n",
			s.Train.LoRA.describe())
	}
	first, last := steps[0], steps[len(steps)-1]
	return fmt.Appendf(nil, `---
library_name: transformers
%slanguage: ["%s"]
tags: [dpo, language-imbalance-driven-rewarding]
---
# %s

Made by one round of Language Imbalance Driven Rewarding (arXiv 2410.08964).

## Base model

%s, from %s, fingerprint %s

## Data

%d preference pairs, mode %q, labels %q, prompts from %q; dominant language %s, trained %s.
They are in ../../%s/pairs.jsonl.

## Results

| | first step | last step |
|---|---|---|
| loss | %.4f | %.4f |
| NLL of the chosen | %.4f | %.4f |
| rewards/margins | %.4f | %.4f |
| rewards/accuracies | %.4f | %.4f |

The run's evaluations are in ../eval, its report is ../../report.html.

## Made by

lidr.Train with the settings below on base model and pairs as above; key %s

%s`+"```json\n%s```\n",
		onHub, strings.Join(s.AllLanguages(), `", "`), t.Model, base.Name(), from, base.known(),
		t.Pairs, s.Pairs.Mode, s.Train.Labels, s.Prompts.Source, s.Dominant, strings.Join(s.Trained, ", "), base.Name(),
		first.Loss, last.Loss, first.NLL, last.NLL,
		first.RewardsMargins, last.RewardsMargins, first.RewardsAccuracies, last.RewardsAccuracies,
		t.Key, adapter, settings), nil
}

// replayPairs returns the model's own translations as sequences to rehearse beside the pairs, so that a round does not
// forget how to translate: y_en → y_en→l and y_l → y_l→en, taken from the pairs themselves. This goes beyond the paper
// and is off unless Train.Replay is set.
func replayPairs(run *Run, m *Model, rows []Pair) ([]dpo.Pair, error) {
	s := run.Settings
	if s.Train.Replay == 0 {
		return nil, nil
	}
	byPrompt := map[string]Pair{}
	for _, row := range rows {
		byPrompt[row.ID+"/"+row.Lang] = row
	}
	var out []dpo.Pair
	for _, row := range rows {
		var text, target, from, to string
		if english, ok := byPrompt[row.ID+"/"+s.Dominant]; ok && row.Source == s.Dominant+">"+row.Lang {
			text, target, from, to = english.Chosen, row.Chosen, s.Dominant, row.Lang
		} else if row.Lang == s.Dominant && row.Source == rejectedFrom(s, row.ID)+">"+s.Dominant {
			from, to = rejectedFrom(s, row.ID), s.Dominant
			text, target = byPrompt[row.ID+"/"+from].Rejected, row.Rejected
		}
		if text == "" {
			continue
		}
		messages, err := s.Translate.Messages(text, from, to)
		if err != nil {
			return nil, err
		}
		prompt, response, err := s.Train.answered(m.tokenizer, messages, s.Translate.Prefill, target+"</translated>")
		if err != nil {
			return nil, fmt.Errorf("replay of prompt %s from %s to %s: %w", row.ID, from, to, err)
		}
		out = append(out, dpo.Pair{Prompt: prompt, Chosen: response})
	}
	return out, nil
}
