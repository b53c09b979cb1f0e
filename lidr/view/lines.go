package view

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"sync"
	"time"
	"unicode/utf8"

	"lidrlab/lidr/input"
)

// A file of lines is never held: what is kept of it is where each line lies, and the few numbers that lines are chosen
// and sorted by. Lines are read back when they are shown or searched.

// record is a line of any of the files that are browsed, by the names of their fields; each kind fills some of them.
type record struct {
	ID           string `json:"id"`
	Lang         string `json:"lang"`
	Prompt       string `json:"prompt"`
	Answer       string `json:"answer"`
	Source       string `json:"source"`
	Response     string `json:"response"`
	From         string `json:"from"`
	To           string `json:"to"`
	Completion   string `json:"completion"`
	Text         string `json:"text"`
	OK           bool   `json:"ok"`
	Reason       string `json:"reason"`
	Fault        string `json:"fault"`
	FinishReason string `json:"finish_reason"`
	Tokens       int    `json:"tokens"`
	Sample       int    `json:"sample"`
	Chosen       string `json:"chosen"`
	Rejected     string `json:"rejected"`
	Gold         string `json:"gold"`

	QuestionID  string   `json:"question_id"` // of MT-bench, in the place of id
	Turn        int      `json:"turn"`
	Verdict     string   `json:"verdict"`
	Rating      *float64 `json:"rating"`
	AnswerFault string   `json:"answer_fault"`

	Mean          *float64 `json:"mean"` // of a panel
	Majority      *float64 `json:"majority"`
	Said          string   `json:"said"`
	First         string   `json:"first"` // of a pair of MT-bench
	Second        string   `json:"second"`
	Outcome       string   `json:"outcome"`
	FirstVerdict  string   `json:"first_verdict"`
	SecondVerdict string   `json:"second_verdict"`

	Correct  bool   `json:"correct"`
	Steps    bool   `json:"steps"`
	Language string `json:"language"`
	OnTarget bool   `json:"on_target"`
}

// row is what is kept of a line.
type row struct {
	at      int64 // where the line begins in its file
	size    int32 // bytes
	part    int32 // the file, of an index
	lang    int16 // the language, of an index
	flags   flags
	chars   int32 // characters of the text that the kind is about
	differ  int32 // of a pair: characters of the chosen side less those of the rejected one; of others: points, preference
	idHash  uint32
	ordinal int32 // the line's number in its file, from 0
}

// flags are what a line is chosen by.
type flags uint16

const (
	right       flags = 1 << iota // the answer, or the chosen side, is right
	onTarget                      // it is in the language of its prompt
	identical                     // both sides are the same text
	faulty                        // it is no whole answer, or a failed translation
	checked                       // which are right is known
	told                          // which are in their language is known
	rightToo                      // the rejected side is right
	onTargetToo                   // the rejected side is in the language of its prompt
	wins                          // the first model of the comparison wins
	loses                         // the second does
)

// part is the index of one file, as it was when it had that size and time.
type part struct {
	name    string
	model   string // that it is of
	size    int64
	changed time.Time
	sum     string // SHA-256 of the file, in hexadecimal
	rows    []row
	langs   []string // what row.lang numbers
	bad     int      // lines that are no record
	why     string   // of the first of them
}

// block is how much of a file one worker reads at a time.
const block = 4 << 20

// indexFile reads a file once, on all processors.
func indexFile(fsys fs.FS, name, model string, size int64, changed time.Time, of kind) (*part, error) {
	p := &part{name: name, model: model, size: size, changed: changed}
	hash := sha256.New()
	var blocks []*scanned
	var group sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	err := eachBlock(fsys, name, func(at int64, data []byte) {
		hash.Write(data)
		b := &scanned{at: at, data: data}
		blocks = append(blocks, b)
		free <- struct{}{}
		group.Add(1)
		go func() {
			defer func() { <-free; group.Done() }()
			b.scan(of, name)
		}()
	})
	group.Wait()
	if err != nil {
		return nil, err
	}
	p.sum = hex.EncodeToString(hash.Sum(nil))
	numbers := map[string]int16{}
	lines := 0
	for _, b := range blocks {
		local := make([]int16, len(b.langs))
		for i, lang := range b.langs {
			if _, known := numbers[lang]; !known {
				numbers[lang] = int16(len(p.langs))
				p.langs = append(p.langs, lang)
			}
			local[i] = numbers[lang]
		}
		for _, r := range b.rows {
			r.lang, r.ordinal = local[r.lang], r.ordinal+int32(lines)
			p.rows = append(p.rows, r)
		}
		if b.bad > 0 && p.bad == 0 {
			p.why = fmt.Sprintf("line %d: %v", lines+b.badAt+1, b.why)
		}
		p.bad += b.bad
		lines += b.lines
	}
	return p, nil
}

// scanned is a block of whole lines and what was found in it.
type scanned struct {
	at    int64
	data  []byte
	rows  []row
	langs []string
	lines int
	bad   int
	badAt int
	why   error
}

func (b *scanned) scan(of kind, file string) {
	numbers := map[string]int16{}
	at := b.at
	for line := range bytes.Lines(b.data) {
		whole := len(line)
		line = bytes.TrimRight(line, "\r\n")
		if len(line) > 0 {
			r := row{at: at, size: int32(len(line)), ordinal: int32(b.lines)}
			rec, err := measure(line)
			if err == nil && len(numbers) >= 1000 {
				err = errors.New("more than 1,000 languages")
			}
			if err != nil {
				if b.bad++; b.bad == 1 {
					b.why, b.badAt = err, b.lines
				}
			} else {
				lang := of.lang(rec, file)
				n, known := numbers[lang]
				if !known {
					n = int16(len(b.langs))
					numbers[lang], b.langs = n, append(b.langs, lang)
				}
				r.lang, r.idHash = n, hashID(rec.ID)
				of.fill(&r, rec)
				b.rows = append(b.rows, r)
			}
		}
		at += int64(whole)
		b.lines++
	}
	b.data = nil
}

// decode reads a line; what its fields are not is an error.
func decode(line []byte) (record, error) {
	var rec record
	if !utf8.Valid(line) {
		return rec, errors.New("is not UTF-8")
	}
	err := json.Unmarshal(line, &rec)
	rec.ID = cmp.Or(rec.ID, rec.QuestionID)
	return rec, err
}

// eachBlock calls f with a file's bytes in order, in blocks of whole lines.
func eachBlock(fsys fs.FS, name string, f func(at int64, data []byte)) error {
	file, err := input.Open(fsys, name)
	if err != nil {
		return err
	}
	defer file.Close()
	var rest []byte
	at := int64(0)
	for {
		data := make([]byte, len(rest)+block)
		copy(data, rest)
		n, err := readFull(file, data[len(rest):])
		data = data[:len(rest)+n]
		if err != nil {
			return err
		}
		if n < block { // the end
			if len(data) > 0 {
				f(at, data)
			}
			return nil
		}
		end := bytes.LastIndexByte(data, '\n') + 1
		if end == 0 && len(data) > maxLine {
			return fmt.Errorf("%s has a line of more than %d bytes, expected JSON lines", name, maxLine)
		}
		rest = data[end:]
		if end > 0 {
			f(at, data[:end:end])
		}
		at += int64(end)
	}
}

// eachLine calls use with the lines of a file in their order.
func (f *folder) eachLine(name string, use func(line []byte) error) error {
	var wrong error
	err := eachBlock(f.root.FS(), name, func(_ int64, data []byte) {
		for line := range bytes.Lines(data) {
			if line = bytes.TrimSpace(line); len(line) > 0 && wrong == nil {
				wrong = use(line)
			}
		}
	})
	if wrong != nil {
		return fmt.Errorf("%s: %w", name, wrong)
	}
	return err
}

// readFull reads until data is full or the file ends.
func readFull(file io.Reader, data []byte) (int, error) {
	n, err := io.ReadFull(file, data)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

// hashID is FNV-1a of an id.
func hashID(id string) uint32 {
	h := uint32(2166136261)
	for i := range len(id) {
		h = (h ^ uint32(id[i])) * 16777619
	}
	return h
}
