package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// worthwhile is the size of weights from which on their fingerprint is remembered, in bytes: hashing those of less
// takes no tenth of a second.
var worthwhile = 64 << 20

// Fingerprint returns the [Checkpoint.Hash] of the checkpoint. Where Remember is set, it may be the one of an earlier
// reading of the same files: the user's cache folder keeps it, under the paths, sizes, times and inodes of the files of
// weights, and all that is read beside them. A file that is changed so that none of these changes keeps the fingerprint
// of what it was; `lidr doctor` computes it anew.
func (c *Checkpoint) Fingerprint() (string, error) {
	if known := c.Remembered(); known != "" {
		return known, nil
	}
	return c.Correct()
}

// Remembered returns the fingerprint that is remembered of the checkpoint, "" for none.
func (c *Checkpoint) Remembered() string {
	place, key := c.memory()
	text, err := os.ReadFile(place)
	if known, seal, _ := strings.Cut(strings.TrimSpace(string(text)), " "); err == nil && seal == sealed(key, known) {
		return known
	}
	return ""
}

// Correct returns the Hash of the checkpoint, and remembers it in the place of what was remembered.
func (c *Checkpoint) Correct() (string, error) {
	fingerprint, err := c.Hash()
	if place, key := c.memory(); place != "" && err == nil {
		remember(place, key, fingerprint)
	}
	return fingerprint, err
}

// memory returns the file that remembers the fingerprint, and the key that its line is sealed with; "" for none.
func (c *Checkpoint) memory() (place, key string) {
	folder, err := os.UserCacheDir()
	if err != nil || !c.Remember || len(c.Sources) == 0 {
		return "", ""
	}
	h, paths := sha256.New(), sha256.New()
	c.hashConfig(h)
	c.hashFiles(h)
	for _, t := range c.Tensors {
		fmt.Fprintf(h, "tensor %q %v %s\n", t.Name, t.Shape, t.Type.Name)
	}
	size := 0
	for _, file := range c.Sources {
		identity := file.Identity()
		if identity == "" {
			return "", ""
		}
		size += len(file.Data)
		fmt.Fprintf(h, "weights %s\n", identity)
		fmt.Fprintln(paths, file.Path())
	}
	if size < worthwhile {
		return "", ""
	}
	place = filepath.Join(folder, "lidr", "fingerprints", hex.EncodeToString(paths.Sum(nil)))
	return place, hex.EncodeToString(h.Sum(nil))
}

// sealed returns what is written behind a fingerprint: it holds for the key alone, and not for a damaged line.
func sealed(key, fingerprint string) string {
	sum := sha256.Sum256([]byte("fingerprint 1 " + key + " " + fingerprint))
	return hex.EncodeToString(sum[:])
}

// remember writes a fingerprint. A cache that cannot be written remembers nothing, which costs time alone.
func remember(place, key, fingerprint string) {
	if os.MkdirAll(filepath.Dir(place), 0o700) != nil {
		return
	}
	partial, err := os.CreateTemp(filepath.Dir(place), ".partial-*")
	if err != nil {
		return
	}
	_, err = fmt.Fprintln(partial, fingerprint, sealed(key, fingerprint))
	if closed := partial.Close(); err != nil || closed != nil || os.Rename(partial.Name(), place) != nil {
		os.Remove(partial.Name())
	}
}
