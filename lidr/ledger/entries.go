package ledger

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"lidrlab/lidr/durable"
)

// entry is one item of a log, with its position in the input.
type entry[T any] struct {
	Index int `json:"i"`
	Value T   `json:"value"`
}

// The last line of a finished output is its seal, the hash of all lines before it. Without it the file was cut short.
var sealed = []byte(`{"sha256":`)

func sealOf(lines hash.Hash) string {
	return string(sealed) + `"` + hex.EncodeToString(lines.Sum(nil)) + `"}` + "\n"
}

var (
	errTorn     = errors.New("the last line has no end") // of a file that ends within a line
	errUnsealed = errors.New("the last line, the hash of all others, is missing")
)

// writeFinal writes a finished output; items calls each with every entry, in order.
func writeFinal[T any](path string, head header, items func(each func(int, T) error) error) error {
	err := durable.Replace(path, func(w io.Writer) error {
		hash := sha256.New()
		both := io.MultiWriter(w, hash)
		first, err := headerLine(head)
		if err != nil {
			return err
		}
		if _, err := both.Write(first); err != nil {
			return err
		}
		var line bytes.Buffer
		err = items(func(i int, item T) error {
			line.Reset()
			if err := appendLine(&line, first, entry[T]{i, item}); err != nil {
				return err
			}
			_, err := both.Write(line.Bytes())
			return err
		})
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, sealOf(hash))
		return err
	})
	if err != nil {
		return fmt.Errorf("write %s: %w; nothing is lost, so remove the cause and run the same command again", path, err)
	}
	return nil
}

// reader reads the lines of a log or of a finished output.
type reader[T any] struct {
	want    header
	final   bool
	put     func(int, T) error
	first   []byte // the header's line
	summed  bool   // the lines carry sums
	entries int
	hash    hash.Hash // of the lines so far
	sealed  bool      // nothing may follow
}

// readEntries reads a log or, if it is final, a finished output, calls put with each entry, and returns the number of
// bytes of its whole lines. A file that ends within a line is errTorn. In a log entries come in any order, in a
// finished output in that of their positions.
func readEntries[T any](path string, file io.Reader, want header, final bool, put func(int, T) error) (int64, error) {
	first, err := headerLine(want)
	if err != nil {
		return 0, err
	}
	r := &reader[T]{want: want, final: final, put: put, first: first, hash: sha256.New()}
	lines, whole := bufio.NewReaderSize(file, 1<<16), int64(0)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		switch {
		case err == io.EOF && len(line) > 0:
			err = errTorn
		case err == io.EOF && (r.sealed || !final):
			return whole, nil
		case err == io.EOF:
			err = errUnsealed
		case err == nil && number == 1:
			err = r.begin(line)
		case err == nil:
			err = r.line(line)
		}
		if err != nil {
			return whole, fmt.Errorf("%s:%d: %w; the file was damaged or edited, so delete it and run again: what it held is "+
				"made again", path, number, err)
		}
		r.hash.Write(line)
		whole += int64(len(line))
	}
}

// begin reads the header. A finished output without sums, as earlier versions wrote it, is taken by its seal; a log has
// nothing else by which damage is noticed.
func (r *reader[T]) begin(line []byte) error {
	r.summed = bytes.Equal(line, r.first)
	if r.summed {
		return nil
	}
	earlier, err := EncodeLines([]header{r.want})
	if err != nil {
		return err
	}
	switch plain := bytes.Equal(line, earlier); {
	case plain && r.final:
		return nil
	case plain:
		return errors.New("an earlier version wrote this log, whose lines have no sums yet")
	}
	return fmt.Errorf("header %q, expected %q", bytes.TrimSpace(line), bytes.TrimSpace(r.first))
}

func (r *reader[T]) line(line []byte) error {
	if r.sealed {
		return errors.New("a line follows the hash of all others, which is the last one")
	}
	if r.final && bytes.HasPrefix(line, sealed) {
		if is := sealOf(r.hash); string(line) != is {
			return fmt.Errorf("the lines before have the hash %q, and had %q when they were written",
				bytes.TrimSpace([]byte(is)),
				bytes.TrimSpace(line))
		}
		r.sealed = true
		return nil
	}
	if r.summed {
		body, err := checkLine(r.first, line)
		if err != nil {
			return err
		}
		line = body
	}
	var e entry[T]
	if err := decodeStrict(line, &e); err != nil {
		return err
	}
	if e.Index < 0 || e.Index >= r.want.Items {
		return fmt.Errorf("field i is %d, expected 0 to %d", e.Index, r.want.Items-1)
	}
	if r.final && e.Index != r.entries {
		return fmt.Errorf("field i is %d, expected %d", e.Index, r.entries)
	}
	r.entries++
	return r.put(e.Index, e.Value)
}
