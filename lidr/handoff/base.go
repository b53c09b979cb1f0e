package handoff

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/hub"
)

// base is what a program loads as M_t.
type base struct {
	path  string // a folder, or a name on the hub
	seen  string // the same from the folder of the program's files
	saved bool   // the folder does not exist until it is saved from the model in memory
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// isHubName reports whether path names a model on the hub as the programs do, which know no ORG/NAME@REVISION.
func isHubName(path string) bool {
	_, err := hub.ParseName(path)
	return err == nil && !strings.Contains(path, "@") && !isFolder(path)
}

// isCheckpoint reports whether a folder holds a model that a program can load, and not an adapter alone.
func isCheckpoint(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "config.json"))
	return err == nil
}

// findBase returns what the program is to load as m. Weights that are in memory and in no folder, such as the
// miniature's, are saved into the run.
func (t Trainer) findBase(run *lidr.Run, m *lidr.Model) (base, error) {
	b := base{path: cmp.Or(t.Base, m.Path)}
	switch {
	case isHubName(b.path):
		b.seen = b.path
		return b, nil
	case t.Base == "" && m.Checkpoint() != nil && !isCheckpoint(b.path):
		b.path, b.saved = run.Path(m.Name(), "model"), true
	case !isFolder(b.path):
		return base{}, fmt.Errorf("trainer: base %q is neither a folder nor a name on the hub such as "+
			"meta-llama/Meta-Llama-3-8B-Instruct; say in Trainer.Base what the trainer is to load", b.path)
	}
	var err error
	b.seen, err = fromHandoff(run, b.path)
	return b, err
}

// fromHandoff returns a folder as seen from M<t+1>/handoff: a path inside the run folder is relative, so that the run
// folder can be moved.
func fromHandoff(run *lidr.Run, folder string) (string, error) {
	root, err := filepath.Abs(run.Dir)
	if err != nil {
		return "", err
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return "", err
	}
	if inside, err := filepath.Rel(root, folder); err == nil && filepath.IsLocal(inside) {
		return "../../" + filepath.ToSlash(inside), nil
	}
	return folder, nil
}

// save writes the base where it is in memory only.
func (b base) save(m *lidr.Model) error {
	if !b.saved {
		return nil
	}
	return checkpoint.Save(b.path, m.Checkpoint(), "F32")
}

// describe returns what tells which family the base is of: its model type, or its name where it is on the hub, and the
// files that may hold its chat template.
func (b base) describe(m *lidr.Model) (name, template string, err error) {
	name = strings.ToLower(b.path)
	read := func(file string) ([]byte, error) { return readOptional(filepath.Join(b.path, file)) }
	if b.saved {
		name = m.Checkpoint().Config.ModelType
		read = func(file string) ([]byte, error) { return m.Checkpoint().Files[file], nil }
	} else if modelType, err := readModelType(b.path); err != nil {
		return "", "", err
	} else if modelType != "" {
		name = modelType
	}
	for _, file := range []string{"tokenizer_config.json", "chat_template.jinja"} {
		part, err := read(file)
		if err != nil {
			return "", "", err
		}
		template += string(part)
	}
	return name, strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(template), nil
}
