package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var languageCode = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z]{2,4})?$`)

func checkLanguages(langs []string) error {
	if len(langs) == 0 {
		return errors.New("datasets: no language named, expected at least one, such as \"en\"")
	}
	seen := map[string]bool{}
	for _, l := range langs {
		if !languageCode.MatchString(l) {
			return fmt.Errorf("datasets: language %q: expected %s", l, expectedCode(l))
		}
		if seen[l] {
			return fmt.Errorf("datasets: language %q is named twice", l)
		}
		seen[l] = true
	}
	return nil
}

// expectedCode says what a language code should be, and how one with the underscore of a locale is written.
func expectedCode(code string) string {
	hyphen := strings.ReplaceAll(code, "_", "-")
	if hyphen != code && languageCode.MatchString(hyphen) {
		return fmt.Sprintf("%q, with a hyphen", hyphen)
	}
	return `an ISO 639 code such as "en"`
}

// promptFile is a file with the language that its name or the caller gives it, "" where each line names its own.
type promptFile struct{ path, lang string }

// promptFiles finds the files of the languages: one file, the folder's prompts.jsonl, or one file a language.
func promptFiles(path string, langs []string) ([]promptFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	if !info.IsDir() {
		lang := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), "mgsm_")
		if len(langs) == 1 {
			lang = langs[0]
		} else if !languageCode.MatchString(lang) {
			lang = ""
		}
		return []promptFile{{path, lang}}, nil
	}
	ours := filepath.Join(path, "prompts.jsonl")
	one := exists(ours)
	var files []promptFile
	for _, lang := range langs {
		names := []string{
			lang + ".jsonl", "mgsm_" + lang + ".jsonl", lang + ".json", lang + ".parquet", "mgsm_" + lang + ".parquet",
		}
		var found []string
		if one {
			names = append(names, "prompts.jsonl")
		}
		for _, name := range names {
			if exists(filepath.Join(path, name)) {
				found = append(found, name)
			}
		}
		switch len(found) {
		case 0:
			return nil, fmt.Errorf("%s: no file for language %q, expected %s; the folder has %s", path, lang,
				strings.Join(names, " or "), listing(path))
		case 1:
			if !one {
				files = append(files, promptFile{filepath.Join(path, found[0]), lang})
			}
		default:
			return nil, fmt.Errorf("%s: %s are all files for language %q, expected one",
				path, strings.Join(found, " and "), lang)
		}
	}
	if one {
		files = []promptFile{{ours, ""}}
	}
	return files, nil
}

// plainFile is an error for what is no regular file, such as a named pipe, which would keep the reader waiting without
// a word, and for what Git LFS writes in place of a file that it has not fetched
// (github.com/git-lfs/git-lfs, docs/spec.md).
func plainFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("datasets: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("datasets: %s is no regular file (%s), expected one", path, info.Mode().Type())
	case info.Size() >= 1024:
		return nil
	}
	text, err := os.ReadFile(path)
	if err == nil && bytes.HasPrefix(text, []byte("version https://git-lfs.github.com/spec/")) {
		err = fmt.Errorf("datasets: %s is a pointer of Git LFS, and the file itself is not here; run git lfs pull in its "+
			"clone", path)
	}
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// maxListed is the number of files of a folder that an error names.
const maxListed = 20

// listing names the files of a folder, for an error.
func listing(folder string) string {
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) == 0 {
		return "nothing"
	}
	var names []string
	for _, e := range entries {
		if len(names) == maxListed {
			return strings.Join(names, ", ") + ", …"
		}
		names = append(names, e.Name())
	}
	return strings.Join(names, ", ")
}
