package ledger

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"lidrlab/lidr/durable"
)

// header is the first line of a partial log and of a finished output. By it a file of another key, or of another number
// of items, is recognised and not read.
type header struct {
	Kind  string `json:"kind"`
	Key   string `json:"key"`
	Items int    `json:"items"`
}

// entry is one item of a log, with its position in the input.
type entry[T any] struct {
	Index int `json:"i"`
	Value T   `json:"value"`
}

// seal is the last line of a finished output: the hash of all lines before it, by which an edited file is recognised.
// Outputs of earlier versions have none.
type seal struct {
	SHA256 string `json:"sha256"`
}

var sealed = []byte(`{"sha256":`)

// errTorn is the error of a file that ends within a line.
var errTorn = errors.New("the last line has no end")

// writeFinal writes a finished output; items calls each with every entry, in order.
func writeFinal[T any](path string, head header, items func(each func(int, T) error) error) error {
	err := durable.Replace(path, func(w io.Writer) error {
		hash := sha256.New()
		enc := json.NewEncoder(io.MultiWriter(w, hash))
		enc.SetEscapeHTML(false)
		if err := enc.Encode(head); err != nil {
			return err
		}
		if err := items(func(i int, item T) error { return enc.Encode(entry[T]{i, item}) }); err != nil {
			return err
		}
		return enc.Encode(seal{hex.EncodeToString(hash.Sum(nil))})
	})
	if err != nil {
		return fmt.Errorf("write %s: %w; nothing is lost, so remove the cause and run the same command again", path, err)
	}
	return nil
}

// readEntries reads a log or a finished output, calls put with each entry, and returns the number of bytes of its whole
// lines. A file that ends within a line is errTorn.
func readEntries[T any](path string, r io.Reader, want header, put func(int, T)) (int64, error) {
	lines := bufio.NewReaderSize(r, 1<<16)
	hash := sha256.New()
	whole := int64(0)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return whole, nil
		}
		if err == io.EOF {
			err = errTorn
		} else if err == nil {
			err = readLine(line, number, want, hash.Sum, put)
		}
		if err != nil {
			return whole, fmt.Errorf("%s:%d: %w; the file was damaged or edited, so delete it and run again", path, number, err)
		}
		hash.Write(line)
		whole += int64(len(line))
	}
}

func readLine[T any](line []byte, number int, want header, sum func([]byte) []byte, put func(int, T)) error {
	switch {
	case number == 1:
		var got header
		if err := json.Unmarshal(line, &got); err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("header %+v, expected %+v", got, want)
		}
		return nil
	case bytes.HasPrefix(line, sealed):
		var got seal
		if err := json.Unmarshal(line, &got); err != nil {
			return err
		}
		if is := hex.EncodeToString(sum(nil)); got.SHA256 != is {
			return fmt.Errorf("the lines before it have SHA-256 %s, and had %s when they were written", is, got.SHA256)
		}
		return nil
	}
	var e entry[T]
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	if e.Index < 0 || e.Index >= want.Items {
		return fmt.Errorf("field i is %d, expected 0 to %d", e.Index, want.Items-1)
	}
	put(e.Index, e.Value)
	return nil
}
