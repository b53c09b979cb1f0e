package checkpoint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"lidrlab/lidr/input"
)

// Checkpoint is a Hugging Face model folder in memory, its weights where they are stored.
type Checkpoint struct {
	Config  Config
	Tensors []Tensor // sorted by name

	// Files are the folder's other files by name, verbatim: tokenizer.json, tokenizer_config.json,
	// generation_config.json, README.md and the like. Save writes them back.
	Files map[string][]byte

	Sources  []*input.Content // the files that all Tensors were read from, nil where that is not known
	Remember bool             // Fingerprint may be what is remembered of Sources

	Below   *Checkpoint // of the result of [Adapter.Merge], what the adapter was merged into, else nil
	Adapter *Adapter    // that adapter
}

// companions are the files that Load keeps. Those marked true affect the model's answers and are part of the
// fingerprint.
var companions = map[string]bool{
	"tokenizer.json": true, "tokenizer_config.json": true, "generation_config.json": true, "chat_template.jinja": true,
	"special_tokens_map.json": false, "added_tokens.json": false, "vocab.json": false, "merges.txt": false,
	"tokenizer.model": false, "README.md": false, "LICENSE": false, "LICENSE.txt": false,
	"NOTICE": false, "USE_POLICY.md": false,
}

// IsCompanion reports whether Load keeps the file of that name in Files.
func IsCompanion(name string) bool {
	_, ok := companions[name]
	return ok
}

// Tensor returns the tensor of that name, or nil.
func (c *Checkpoint) Tensor(name string) *Tensor {
	i, ok := slices.BinarySearchFunc(c.Tensors, name, func(t Tensor, n string) int { return cmp.Compare(t.Name, n) })
	if !ok {
		return nil
	}
	return &c.Tensors[i]
}

// check compares the tensors with those that the configuration requires.
func (c *Checkpoint) check() error {
	want := ExpectedTensors(c.Config)
	for i, t := range c.Tensors {
		if i > 0 && c.Tensors[i-1].Name >= t.Name {
			return fmt.Errorf("tensors %q and %q are not in order of their names", c.Tensors[i-1].Name, t.Name)
		}
		shape, ok := want[t.Name]
		if !ok {
			return fmt.Errorf("tensor %q does not belong to a %s model of %d layers", t.Name, c.Config.ModelType,
				c.Config.NumHiddenLayers)
		}
		if !slices.Equal(shape, t.Shape) {
			return fmt.Errorf("tensor %q has shape %v; config.json calls for %v", t.Name, t.Shape, shape)
		}
		delete(want, t.Name)
	}
	if len(want) > 0 {
		names := slices.Sorted(maps.Keys(want))
		return fmt.Errorf("tensor %q is missing (%d missing in all)", names[0], len(names))
	}
	return nil
}

// dropTiedHead removes the copy of the embeddings that some publishers store for a tied head.
func (c *Checkpoint) dropTiedHead() error {
	head, embed := c.Tensor("lm_head.weight"), c.Tensor("model.embed_tokens.weight")
	if head == nil || embed == nil {
		return nil
	}
	if same, err := sameValues(*head, *embed); err != nil {
		return err
	} else if !same {
		return fmt.Errorf("tensor \"lm_head.weight\" differs from the embeddings although tie_word_embeddings is true")
	}
	c.Tensors = slices.DeleteFunc(c.Tensors, func(t Tensor) bool { return t.Name == "lm_head.weight" })
	return nil
}
