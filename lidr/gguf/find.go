package gguf

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"lidrlab/lidr/input"
)

// Find returns the path of the GGUF file that name means: a file that begins as GGUF does, such as one of Ollama's
// blobs, or a model of Ollama on this disk, NAME, NAME:TAG, USER/NAME:TAG, or HOST/USER/NAME with or without a tag,
// such as hf.co/USER/NAME:Q4_K_M. It is "" where name means none.
func Find(name string) (string, error) {
	info, err := os.Stat(name)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return "", nil
	case err == nil:
		return name, begins(name)
	case !errors.Is(err, fs.ErrNotExist):
		return "", nil
	}
	return findOllama(name)
}

// begins is an error for a file that does not begin as GGUF does.
func begins(path string) error {
	f, err := input.OpenFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	magic := make([]byte, len(Magic))
	if _, err := io.ReadFull(f, magic); err != nil || string(magic) != Magic {
		return fmt.Errorf("%s is a file that does not begin with %s; expected a GGUF file, or a Hugging Face folder", path,
			Magic)
	}
	return nil
}

// ollamaName is a name of Ollama's: its own registry has no host in its names, and that one's library no user.
var ollamaName = regexp.MustCompile(`^(?:(?:([A-Za-z0-9][A-Za-z0-9_.-]*)/)?([A-Za-z0-9][A-Za-z0-9_.-]*)/)?` +
	`([A-Za-z0-9][A-Za-z0-9_.-]*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]*))?$`)

// maxManifest bounds a manifest, in bytes; those of Ollama have some 700.
const maxManifest = 1 << 20

// modelLayer is the media type of the layer that is a GGUF file.
const modelLayer = "application/vnd.ollama.image.model"

// findOllama returns the blob of a model's weights, "" if Ollama has no such model. A name without a tag may also be
// one of the Hugging Face hub, so USER/NAME needs its tag.
func findOllama(name string) (string, error) {
	m := ollamaName.FindStringSubmatch(name)
	if m == nil || strings.Contains(name, "..") {
		return "", nil
	}
	host, user, model, tag := m[1], m[2], m[3], m[4]
	if host == "" && user != "" && tag == "" {
		return "", nil
	}
	if host == "" {
		host = "registry.ollama.ai"
	}
	if user == "" {
		user = "library"
	}
	if tag == "" {
		tag = "latest"
	}
	models, err := OllamaModels()
	if err != nil {
		return "", err
	}
	path := filepath.Join(models, "manifests", host, user, model, tag)
	data, err := readManifest(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	var manifest struct {
		Layers []struct {
			MediaType string `json:"mediaType"`
			Digest    string `json:"digest"`
		} `json:"layers"`
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return "", fmt.Errorf("%s: %w; pull the model again: ollama pull %s", path, err, name)
	}
	blob := ""
	for _, layer := range manifest.Layers {
		switch layer.MediaType {
		case modelLayer:
			hash, ok := strings.CutPrefix(layer.Digest, "sha256:")
			if !ok || !isHash(hash) || blob != "" {
				return "", fmt.Errorf("%s: expected one layer %s with a SHA-256; pull the model again: ollama pull %s", path,
					modelLayer, name)
			}
			blob = filepath.Join(models, "blobs", "sha256-"+hash)
		case "application/vnd.ollama.image.adapter":
			return "", fmt.Errorf("%s: the model has an adapter, which is not merged here; take the model it is made FROM", path)
		}
	}
	if blob == "" {
		return "", fmt.Errorf("%s: no layer %s, so the model is not on this disk", path, modelLayer)
	}
	return blob, begins(blob)
}

// OllamaModels returns the folder of Ollama's models: OLLAMA_MODELS, or models below ~/.ollama.
func OllamaModels() (string, error) {
	if dir := os.Getenv("OLLAMA_MODELS"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".ollama", "models"), err
}

func readManifest(path string) ([]byte, error) {
	f, err := input.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err == nil && len(data) > maxManifest {
		err = fmt.Errorf("%s: longer than %d bytes", path, maxManifest)
	}
	return data, err
}

func isHash(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}
