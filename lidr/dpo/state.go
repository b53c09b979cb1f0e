package dpo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/durable"
	"lidrlab/lidr/transformer"
)

// StateFile is the name of the file in Hooks.CheckpointDir. It holds float32 weights and moments as safetensors
// (weight/NAME, first/NAME, second/NAME), and the steps done and the training's key in its metadata.
const StateFile = "training-state.safetensors"

// state saves and loads a training.
type state struct {
	path string // "" for no state
	key  string // of all that determines the training
}

// newState computes the key: a state is only ever resumed by the training that wrote it.
func newState(b compute.Backend, m *transformer.Model, s Settings, h Hooks, total int, data any) (*state, error) {
	if h.CheckpointDir == "" {
		return &state{}, nil
	}
	ck, err := m.Checkpoint()
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	parts := []any{"training state 1", b.Name(), ck.Fingerprint(), s, total, data}
	adapter, err := m.Adapter()
	if err != nil {
		return nil, err
	}
	if adapter != nil { // B = 0 hides A from the merged weights
		parts = append(parts, adapter)
	}
	if err := json.NewEncoder(hash).Encode(parts); err != nil {
		return nil, fmt.Errorf("key of the training state: %w", err)
	}
	return &state{filepath.Join(h.CheckpointDir, StateFile), hex.EncodeToString(hash.Sum(nil))}, nil
}

// kept lists the parameter's variables that the state holds. Accumulated gradients are 0 between steps.
func (p parameter) kept() map[string]*model.Variable {
	return map[string]*model.Variable{
		"weight/" + p.name: p.value,
		"first/" + p.name:  p.first,
		"second/" + p.name: p.second,
	}
}

// save writes the trainer's state; the file is the old one or the new one, whole, at any moment.
func (st *state) save(t *trainer) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("save %s: %w", st.path, err)
		}
	}()
	var all []checkpoint.Tensor
	for _, p := range t.params {
		for name, v := range p.kept() {
			value, err := v.Value()
			if err != nil {
				return err
			}
			data, err := tensors.CopyFlatData[float32](value)
			if err != nil {
				return err
			}
			all = append(all, checkpoint.Tensor{Name: name, Shape: v.Shape().Dimensions, Data: data})
		}
	}
	steps, err := json.Marshal(t.steps)
	if err != nil {
		return err
	}
	return durable.Replace(st.path, func(w io.Writer) error {
		return checkpoint.WriteSafetensors(w, all, "F32", map[string]string{"key": st.key, "steps": string(steps)})
	})
}

// load puts a saved state into the trainer. No file is no error.
func (st *state) load(t *trainer) (err error) {
	if st.path == "" {
		return nil
	}
	file, err := os.Open(st.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w; delete it to train from the start", st.path, err)
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	all, metadata, err := checkpoint.ReadSafetensors(file, info.Size())
	if err != nil {
		return err
	}
	if metadata["key"] != st.key {
		return errors.New("this is the state of another training (other settings, data, backend or starting weights)")
	}
	var steps []Step
	if err := json.Unmarshal([]byte(metadata["steps"]), &steps); err != nil {
		return fmt.Errorf("steps: %w", err)
	}
	byName := map[string]checkpoint.Tensor{}
	for _, tensor := range all {
		byName[tensor.Name] = tensor
	}
	for _, p := range t.params {
		for name, v := range p.kept() {
			saved, ok := byName[name]
			if !ok || !slices.Equal(saved.Shape, v.Shape().Dimensions) {
				return fmt.Errorf("tensor %s has shape %v, expected %v", name, saved.Shape, v.Shape().Dimensions)
			}
			if err := v.SetValue(tensors.FromFlatDataAndDimensions(saved.Data, saved.Shape...)); err != nil {
				return err
			}
		}
	}
	t.steps = steps
	return nil
}
