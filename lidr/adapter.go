package lidr

import (
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/durable"
	"lidrlab/lidr/transformer"
)

// referenceModel returns the model that the round starts from, with its weights held as the settings say.
func referenceModel(m *Model, s TrainSettings) (*transformer.Model, error) {
	if s.DType == "bfloat16" {
		return transformer.NewBFloat16(m.checkpoint)
	}
	return m.weights, nil
}

// policy returns what is trained: a copy of the base, or an adapter on the base, whose weights it shares.
func policy(base *transformer.Model, s TrainSettings) (p *transformer.Model, err error) {
	if s.LoRA.Rank == 0 {
		p, err = base.Clone()
	} else {
		var a *checkpoint.Adapter
		if a, err = transformer.InitAdapter(base.Config, s.LoRA.Rank, s.LoRA.Alpha, s.LoRA.targets(), s.Seed); err == nil {
			p, err = base.WithAdapter(a)
		}
	}
	if err != nil {
		return nil, err
	}
	p.Checkpointing = s.Checkpointing
	return p, nil
}

// saveAdapter writes the adapter that was trained on base. Where none was, it clears what an earlier training under other
// settings left.
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

// basePath names a base for the folder of the model that was made of it. One of the same run is named from there, so that a run
// holds the same bytes anywhere.
func basePath(base *Model) string {
	if base.Name != "M0" {
		return "../../" + base.Name + "/model"
	}
	return base.Path
}
