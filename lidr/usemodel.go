package lidr

import (
	"fmt"

	"lidrlab/lidr/lm"
)

// UseModel makes M0 of any language model, such as one behind a server (lm/remote), which path names in files and
// messages. It generates, translates, is evaluated and judges like a local one; since its weights are not here, it cannot be
// trained here.
func UseModel(path string, m lm.Model) *Model { return &Model{Name: "M0", Path: path, lm: m} }

// trainable is an error for a model whose weights are not here.
func (m *Model) trainable() error {
	if m.weights == nil {
		return fmt.Errorf("the weights of %s (%s) are not here; train its checkpoint with another trainer on pairs.jsonl, which is in TRL's form, and go on with the result by LoadModel or UseModel", m.Name, m.Path)
	}
	return nil
}
