package gguf

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"testing/fstest"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/input"
	"lidrlab/lidr/tokenizer"
)

// Load reads a model and its tokenizer from the file of that path. Of a model that is split over several files,
// NAME-00001-of-0000N.gguf and so on, any one names all. Errors name the file.
func Load(path string) (*checkpoint.Checkpoint, *tokenizer.Tokenizer, error) {
	h, err := open(path)
	if err != nil {
		return nil, nil, err
	}
	return h.load(path)
}

func (h *header) load(path string) (*checkpoint.Checkpoint, *tokenizer.Tokenizer, error) {
	ck, err := h.checkpoint()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	tok, err := tokenizer.Load(folderOf(ck))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: as a Hugging Face folder, %w", path, err)
	}
	return ck, tok, nil
}

// folderOf returns the folder that a checkpoint's files are of.
func folderOf(ck *checkpoint.Checkpoint) fs.FS {
	folder := fstest.MapFS{}
	for name, data := range ck.Files {
		folder[name] = &fstest.MapFile{Data: data}
	}
	return folder
}

// partName matches the name of a file of a split model (llama.cpp's llama_split_path).
var partName = regexp.MustCompile(`^(.*)-([0-9]{5})-of-([0-9]{5})\.gguf$`)

// maxParts bounds the files of a split model.
const maxParts = 1 << 10

// open reads the header of a model's file, or those of all its files as one.
func open(path string) (*header, error) {
	h, err := openFile(path)
	if err != nil {
		return nil, err
	}
	count, _ := h.metadata["split.count"].(int)
	if count <= 1 {
		return h, nil
	}
	paths, err := partsOf(path, count)
	if err != nil {
		return nil, err
	}
	whole, seen := &header{}, map[string]bool{}
	for i, part := range paths {
		if err := whole.join(part, i, count, seen); err != nil {
			return nil, err
		}
	}
	return whole, nil
}

func openFile(path string) (*header, error) {
	f, err := input.OpenFile(path)
	if err != nil {
		return nil, err
	}
	file, err := input.Map(f)
	if err != nil {
		return nil, err
	}
	h, err := readHeader(file, int64(len(file.Data)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	h.mapped = []*input.Content{file}
	return h, nil
}

// join adds the part of a split model: the metadata of the first, the tensors of all, whose names are in seen.
func (h *header) join(path string, no, count int, seen map[string]bool) error {
	p, err := openFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not there, and the model is split over %d such files; put all of them into one folder", path,
			count)
	} else if err != nil {
		return err
	}
	h.mapped = append(h.mapped, p.mapped...)
	if n, _ := p.metadata["split.no"].(int); n != no || p.metadata["split.count"] != count {
		return fmt.Errorf("%s: metadata %q and %q do not fit its name; take the files of one model", path, "split.no",
			"split.count")
	}
	if no == 0 {
		h.metadata = p.metadata
	}
	for _, e := range p.tensors {
		if seen[e.name] {
			return fmt.Errorf("%s: tensor %q is in another file too; take the files of one model", path, e.name)
		}
		seen[e.name] = true
		h.tensors = append(h.tensors, e)
	}
	return nil
}

// partsOf lists the files of a split model, of which path is one.
func partsOf(path string, count int) ([]string, error) {
	dir, name := filepath.Split(path)
	m := partName.FindStringSubmatch(name)
	n := 0
	if m != nil {
		n, _ = strconv.Atoi(m[3])
	}
	if n != count || count > maxParts {
		return nil, fmt.Errorf("%s: it is one of %d files of a split model, metadata %q says; name them as they were made, "+
			"NAME-00001-of-%05d.gguf and so on, or join them by llama.cpp's llama-gguf-split --merge", path, count,
			"split.count", count)
	}
	paths := make([]string, count)
	for i := range paths {
		paths[i] = fmt.Sprintf("%s%s-%05d-of-%05d.gguf", dir, m[1], i+1, count)
	}
	return paths, nil
}
