package view

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lidrlab/lidr"
)

// maxSource is how many bytes the files of an evaluation may have for their problems to be shown.
const maxSource = 256 << 20

// textOf is the text of a problem, of those that problems returns.
func textOf(texts map[string]string, rec record) string { return texts[rec.ID+"\x00"+rec.Lang] }

// problems are the texts of the evaluation's problems, by id and language. No file of a run folder holds them: they are
// read where the settings say that the run read them, or made again by the miniature world.
func (f *folder) problems() (map[string]string, error) {
	s, err := f.settings()
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("problems %q %v %d %d", s.Evaluate.Source, s.AllLanguages(), s.Evaluate.N, s.Evaluate.Seed)
	type result struct {
		texts map[string]string
		err   error
	}
	if known, ok := f.lists.get(key); ok {
		r := known.(result)
		return r.texts, r.err
	}
	r := result{texts: map[string]string{}}
	if s.Evaluate.Source != "miniature" {
		r.err = small(s.Evaluate.Source)
	}
	if s.Evaluate.N > 1_000_000 {
		r.err = errors.New("the evaluation has more than a million problems")
	}
	if r.err == nil {
		var all []lidr.Prompt
		run := &lidr.Run{Dir: f.Dir, Settings: s}
		all, r.err = run.Problems()
		for _, p := range all {
			r.texts[p.ID+"\x00"+p.Lang] = p.Prompt
		}
	}
	f.lists.put(key, r)
	return r.texts, r.err
}

// small is an error for a file or folder that is not there, or too large to be read for a page.
func small(source string) error {
	total := int64(0)
	return filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if entry.IsDir() && path != source {
			return fs.SkipDir
		}
		if total += info.Size(); total > maxSource {
			return fmt.Errorf("%s has more than %d bytes, so that its problems are not shown", source, maxSource)
		}
		return nil
	})
}
