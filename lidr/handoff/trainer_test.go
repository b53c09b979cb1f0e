package handoff

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"lidrlab/lidr"
)

// Every field of a Trainer is validated: a new one without bad values here fails.
func TestTrainerValidate(t *testing.T) {
	t.Parallel()
	counts := []any{0, -1, maxCount + 1}
	bad := map[string][]any{
		"Program":   {"", "axolotl"},
		"Base":      {"no folder", "../none", "org/name@revision"},
		"Template":  {"llama 3", "llama3\ndo_train: false"},
		"Nodes":     counts,
		"GPUs":      counts[1:],
		"PerDevice": counts,
		"ReportTo":  {"none", "wandb, tensorboard", "all"},
	}
	for _, preset := range []Trainer{LlamaFactory(), TRL()} {
		if err := preset.Validate(); err != nil {
			t.Errorf("%s: %v", preset.Program, err)
		}
		for i := range reflect.TypeFor[Trainer]().NumField() {
			field := reflect.TypeFor[Trainer]().Field(i)
			if len(bad[field.Name]) == 0 {
				t.Errorf("field %s has no bad value in this test", field.Name)
			}
			for _, value := range bad[field.Name] {
				trainer := preset
				reflect.ValueOf(&trainer).Elem().Field(i).Set(reflect.ValueOf(value))
				err := trainer.Validate()
				if err == nil || !strings.Contains(err.Error(), "field "+field.Tag.Get("json")+" is ") {
					t.Errorf("%s %#v: error %v, want one that names the field", field.Name, value, err)
				}
			}
		}
	}
}

func TestTrainerExpresses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change func(*lidr.TrainSettings, *Trainer)
		want   string
	}{
		{func(s *lidr.TrainSettings, _ *Trainer) { s.Objective = "sft" }, "objective sft (its SFT takes the mean over"},
		{func(s *lidr.TrainSettings, _ *Trainer) { s.Moments = "8bit" },
			"moments as 8bit (bitsandbytes has other codes)"},
		{func(s *lidr.TrainSettings, _ *Trainer) { s.Replay = 2 }, "replay 2 (no program mixes sequences into pairs)"},
		{func(s *lidr.TrainSettings, _ *Trainer) { s.NLL = "token" }, `nll "token"`},
		{func(s *lidr.TrainSettings, _ *Trainer) { s.Loss, s.Objective = "orpo", "dpo" }, "has the NLL in it"},
		{func(s *lidr.TrainSettings, t *Trainer) { *t = TRL(); s.LabelSmoothing = .1 }, "label_smoothing 0.1"},
		{func(s *lidr.TrainSettings, _ *Trainer) { s.WeightDecay = 0.1 }, "weight_decay 0.1"},
		{func(_ *lidr.TrainSettings, t *Trainer) { *t = TRL(); t.PerDevice = 2 }, "take per_device 1, or nll token"},
		{
			func(s *lidr.TrainSettings, t *Trainer) { *t = TRL(); s.LoRA = lidr.LoRASettings{Rank: 8, Alpha: 16} },
			"lora of rank 8",
		},
		{func(s *lidr.TrainSettings, _ *Trainer) { s.LoRA = lidr.LoRASettings{Rank: 5, Alpha: 2.5} }, "lora.alpha 2.5"},
	} {
		s, trainer := lidr.PaperSettings().Train, LlamaFactory()
		test.change(&s, &trainer)
		if err := trainer.expresses(s); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want one with %q", err, test.want)
		}
	}
	for loss, want := range map[string][2]string{ // "" for programs that have it
		"sigmoid": {}, "hinge": {}, "ipo": {}, "robust": {"expected sigmoid, hinge, ipo, simpo, orpo"},
		"simpo": {"", "expected sigmoid, robust, hinge"}, "orpo": {"", "loss \"orpo\""}, "kto": {"loss", "loss"},
	} {
		s := lidr.PaperSettings().Train
		s.Loss = loss
		for i, trainer := range []Trainer{LlamaFactory(), TRL()} {
			err := trainer.expresses(s)
			if (err == nil) != (want[i] == "") || err != nil && !strings.Contains(err.Error(), want[i]) {
				t.Errorf("%s, loss %s: %v, want %q", trainer.Program, loss, err, want[i])
			}
		}
	}
	both := LlamaFactory()
	both.GPUs, both.Nodes = 0, 2
	if err := both.Validate(); err == nil || !strings.Contains(err.Error(), "field nodes is 2, expected 1 with gpus 0") {
		t.Errorf("two machines without GPUs: %v", err)
	}
	paper := lidr.PaperSettings().Train
	if err := errors.Join(LlamaFactory().expresses(paper), TRL().expresses(paper)); err != nil {
		t.Errorf("the paper's own settings: %v", err)
	}
	trainer := LlamaFactory()
	trainer.GPUs = 3
	_, err := trainer.accumulation(16)
	if err == nil || !strings.Contains(err.Error(), "does not divide train.batch_pairs, 16") {
		t.Errorf("3 GPUs and 16 pairs: error %v", err)
	}
}
