package gguf

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/input"
)

// Import writes the model of a GGUF file as the Hugging Face folder dir: weights as bfloat16, and a model
// card that names the file, its SHA-256 and the formats that its tensors were stored in. It replaces what it has
// written there before, and no other model.
func Import(path, dir string) error {
	if err := foreign(dir); err != nil {
		return err
	}
	h, err := open(path)
	if err != nil {
		return err
	}
	ck, _, err := h.load(path)
	if err != nil {
		return err
	}
	source, err := h.source(path)
	if err != nil {
		return err
	}
	ck.Files["README.md"] = h.card(source)
	if err := checkpoint.Save(dir, ck, "BF16"); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

// foreign is an error for a folder with a model that was not imported: its files may be the only ones.
func foreign(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
		return nil // checkpoint.Save replaces no other folder
	}
	card, err := input.ReadFile(filepath.Join(dir, "README.md"))
	if err == nil && strings.Contains(string(card), origin) {
		return nil
	}
	return fmt.Errorf("%s holds a model that was not imported from a GGUF file, so it is not replaced; choose another "+
		"folder or remove it", dir)
}

// source describes the file, or the files, that a model is of.
func (h *header) source(path string) (string, error) {
	paths := []string{path}
	if count, _ := h.metadata["split.count"].(int); count > 1 {
		var err error
		if paths, err = partsOf(path, count); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	b.WriteString("\n| file | SHA-256 |\n|---|---|\n")
	for _, path := range paths {
		sum, err := hashOf(path)
		if err != nil {
			return "", err
		}
		name := filepath.Base(path)
		if want, blob := strings.CutPrefix(name, "sha256-"); blob && isHash(want) && want != sum {
			return "", fmt.Errorf("%s: its SHA-256 is %s, not that of its name; the file is damaged, pull the model again", path,
				sum)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", oneLine(name, "a file"), sum)
	}
	return b.String(), nil
}

func hashOf(path string) (string, error) {
	f, err := input.OpenFile(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
