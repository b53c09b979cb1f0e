package dpo

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/durable"
	"lidrlab/lidr/input"
	"lidrlab/lidr/transformer"
)

// StateFile is the name of the file in Hooks.CheckpointDir. It holds weights and moments as safetensors of float32
// (weight/NAME, first/NAME, second/NAME; of moments in 8 bits the codes, and first/NAME.scale, second/NAME.scale). Its
// metadata hold the steps done, the training's key, what computed it, and the SHA-256 of all these.
const StateFile = "training-state.safetensors"

// state saves and loads a training.
type state struct {
	path       string // "" for no state
	key        string // of all that determines the training
	arithmetic string // what computes it: elsewhere the same steps differ in their last bits
	note       func(string)
}

// newState computes the key: a state is only ever resumed by the training that wrote it.
func newState(b compute.Backend, m *transformer.Model, s Settings, h Hooks, total int, data any) (*state, error) {
	st := &state{note: h.Note}
	if st.note == nil {
		st.note = func(string) {}
	}
	if h.CheckpointDir == "" {
		return st, nil
	}
	ck, err := m.Base()
	if err != nil {
		return nil, err
	}
	fingerprint, err := ck.Fingerprint()
	if err != nil {
		return nil, err
	}
	if s.Moments == "float32" { // which "" stands for
		s.Moments = ""
	}
	hash := sha256.New()
	parts := []any{"training state 4", b.Name(), fingerprint, m.Quantization, s, total, data}
	adapter, err := m.Adapter()
	if err != nil {
		return nil, err
	}
	if adapter != nil {
		start, err := adapter.Hash()
		if err != nil {
			return nil, err
		}
		parts = append(parts, start)
	}
	if err := json.NewEncoder(hash).Encode(parts); err != nil {
		return nil, fmt.Errorf("key of the training state: %w", err)
	}
	st.path, st.key = filepath.Join(h.CheckpointDir, StateFile), hex.EncodeToString(hash.Sum(nil))
	st.arithmetic = backend.Arithmetic(b)
	return st, nil
}

// kept lists the variables that the state holds. Accumulated gradients are 0 between steps.
func (t *trainer) kept() map[string]*model.Variable {
	all := map[string]*model.Variable{}
	for _, p := range t.params {
		all["weight/"+p.name] = p.value
		maps.Copy(all, p.first.variables("first/"+p.name))
		maps.Copy(all, p.second.variables("second/"+p.name))
	}
	return all
}

// save begins to write the trainer's state and returns the channel of its end. Until then neither weights nor moments
// may change. The file is the old one or the new one, whole, at any moment.
func (st *state) save(t *trainer) <-chan error {
	done := make(chan error, 1)
	all, metadata, err := st.contents(t)
	go func() {
		if err == nil {
			err = st.write(all, metadata)
		}
		if err != nil {
			err = fmt.Errorf("save %s: %w", st.path, err)
		}
		done <- err
	}()
	return done
}

func (st *state) contents(t *trainer) ([]checkpoint.Tensor, map[string]string, error) {
	steps, err := json.Marshal(t.steps)
	if err != nil {
		return nil, nil, err
	}
	all, err := inPlace(t.kept())
	return all, map[string]string{"key": st.key, "arithmetic": st.arithmetic, "steps": string(steps)}, err
}

func (st *state) write(all []checkpoint.Tensor, metadata map[string]string) (err error) {
	if metadata["sha256"], err = stateSum(all, metadata); err != nil {
		return err
	}
	return durable.Replace(st.path, func(w io.Writer) error {
		return checkpoint.WriteSafetensors(w, all, "F32", metadata)
	})
}

// inPlace returns variables as tensors, sorted by name, which are good until the variables change. Where the device's
// memory is the host's, they are not copied: a state is three times the model.
func inPlace(variables map[string]*model.Variable) ([]checkpoint.Tensor, error) {
	var all []checkpoint.Tensor
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		v, stored := variables[name], checkpoint.F32
		if v.DType() == dtypes.Uint8 {
			stored = codes
		}
		value, err := v.Value()
		if err != nil {
			return nil, err
		}
		var tensor checkpoint.Tensor
		var failed error
		err = value.ConstBytes(func(data []byte) {
			tensor, failed = checkpoint.StoredTensor(name, v.Shape().Dimensions, stored, data, nil)
		})
		if err = errors.Join(err, failed); err != nil {
			return nil, err
		}
		all = append(all, tensor)
	}
	return all, nil
}

// stateSum returns the SHA-256 of a state: of the tensors, sorted by name, and of the metadata but the sum itself.
func stateSum(all []checkpoint.Tensor, metadata map[string]string) (string, error) {
	hash, buf := sha256.New(), []byte(nil)
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		if name != "sha256" {
			fmt.Fprintf(hash, "%q %q\n", name, metadata[name])
		}
	}
	for _, t := range all {
		fmt.Fprintf(hash, "%q %v\n", t.Name, t.Shape)
		err := t.Each(func(_ int, values []float32) (err error) {
			if buf, err = binary.Append(buf[:0], binary.LittleEndian, values); err == nil {
				_, err = hash.Write(buf)
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// load puts a saved state into the trainer. No file is no error, and neither is one that another kind of processor
// computed: a training that went on from it would end in a model that no machine alone makes.
func (st *state) load(t *trainer) (err error) {
	if st.path == "" {
		return nil
	}
	file, err := input.OpenFile(st.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w; delete it to train from the start", st.path, err)
		}
	}()
	content, err := input.Map(file) // where that can be done, a tensor at a time is in memory beside what is trained
	if err != nil {
		return err
	}
	all, metadata, err := checkpoint.MapSafetensors(content)
	if err != nil {
		return err
	}
	switch sum, err := stateSum(all, metadata); {
	case err != nil:
		return err
	case metadata["sha256"] == "":
		return errors.New("it has no SHA-256, so an earlier version wrote it, or it was damaged")
	case metadata["sha256"] != sum:
		return errors.New("it was damaged or edited: its SHA-256 is not the one that was written")
	case metadata["arithmetic"] != st.arithmetic:
		st.note(fmt.Sprintf("%s was computed by %s, and %s computes here: what the two compute differs in the last bits, so "+
			"the training begins again", st.path, metadata["arithmetic"], st.arithmetic))
		return nil
	case metadata["key"] != st.key:
		return errors.New("this is the state of another training (other settings, data or starting weights)")
	}
	var steps []Step
	if err := json.Unmarshal([]byte(metadata["steps"]), &steps); err != nil {
		return fmt.Errorf("steps: %w", err)
	}
	kept := t.kept()
	if len(all) != len(kept) {
		return fmt.Errorf("%d tensors, expected %d", len(all), len(kept))
	}
	for _, saved := range all {
		v := kept[saved.Name]
		if v == nil || !slices.Equal(saved.Shape, v.Shape().Dimensions) {
			return fmt.Errorf("tensor %s of shape %v is none of this training's", saved.Name, saved.Shape)
		}
		values, err := saved.Float32s()
		if err != nil {
			return err
		}
		var value *tensors.Tensor
		if v.DType() == dtypes.Uint8 {
			value = tensors.FromFlatDataAndDimensions(codesOf(values), saved.Shape...)
		} else {
			value = tensors.FromFlatDataAndDimensions(values, saved.Shape...)
		}
		if err := v.SetValue(value); err != nil {
			return err
		}
		saved.Rest()
	}
	t.steps = steps
	return content.Check()
}
