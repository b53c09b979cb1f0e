package lidr

import (
	"fmt"
	"io"
	"path/filepath"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/gguf"
	"lidrlab/lidr/ledger"
)

// ExportGGUF writes a model into a folder as one GGUF file for llama.cpp, LM Studio and Ollama, with tokenizer and chat
// template, and beside it a Modelfile for "ollama create". dtype is how the weights are stored: "f32", "f16", "bf16" or
// "q8_0". It returns the path of the GGUF file, which is named after the model and dtype.
func ExportGGUF(m *Model, folder, dtype string) (string, error) {
	if m.checkpoint == nil {
		return "", fmt.Errorf("the weights of %s (%s) are not here, so there is nothing to export; load the model by LoadModel", m.Name, m.Path)
	}
	title, err := m.title()
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, title+"-"+dtype+".gguf")
	err = durable.Replace(path, func(w io.Writer) error { return gguf.Write(w, m.checkpoint, m.tokenizer, title, dtype) })
	if err != nil {
		return "", fmt.Errorf("export %s: %w", m.Path, err)
	}
	modelfile := gguf.Modelfile(m.checkpoint, m.tokenizer, filepath.Base(path))
	return path, ledger.WriteFile(filepath.Join(folder, "Modelfile"), []byte(modelfile))
}

// title is the name of a model's folder, or the folder's above it where a run keeps its model: M1/model.
func (m *Model) title() (string, error) {
	path, err := filepath.Abs(m.Path)
	if filepath.Base(path) == "model" {
		path = filepath.Dir(path)
	}
	return filepath.Base(path), err
}
