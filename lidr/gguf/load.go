package gguf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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
	h, done, err := open(path)
	if err != nil {
		return nil, nil, err
	}
	defer done()
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

// open reads the header of a model's file, or those of all its files as one. done closes them.
func open(path string) (h *header, done func(), err error) {
	var files []io.Closer
	done = func() {
		for _, f := range files {
			f.Close() // it was only read
		}
	}
	defer func() {
		if err != nil {
			done()
		}
	}()
	read := func(path string) (*header, error) {
		f, err := input.OpenFile(path)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		part, err := readHeader(f, info.Size())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return part, nil
	}
	if h, err = read(path); err != nil {
		return nil, nil, err
	}
	count, _ := h.metadata["split.count"].(int)
	if count <= 1 {
		return h, done, nil
	}
	paths, err := partsOf(path, count)
	if err != nil {
		return nil, nil, err
	}
	var whole *header
	for i, part := range paths {
		p, err := read(part)
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%s: the model is split over %d files, and %s is not there; put all of them into one folder", path,
				count, filepath.Base(part))
		}
		if err != nil {
			return nil, nil, err
		}
		if no, _ := p.metadata["split.no"].(int); no != i || p.metadata["split.count"] != count {
			return nil, nil, fmt.Errorf("%s: metadata %q and %q do not fit its name; take the files of one model", part,
				"split.no", "split.count")
		}
		if whole == nil {
			whole = p
			continue
		}
		for _, e := range p.tensors {
			if whole.find(e.name) != nil {
				return nil, nil, fmt.Errorf("%s: tensor %q is in another file too; take the files of one model", part, e.name)
			}
			whole.tensors = append(whole.tensors, e)
		}
	}
	return whole, done, nil
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
