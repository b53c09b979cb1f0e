package tracking

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protowire"
)

// tensorBoard writes event files, one a curve, to which it appends.
type tensorBoard struct {
	last map[string]int // of an open file, the last step in it, -1 for none
}

func (*tensorBoard) name() string { return tensorBoardName }

func (b *tensorBoard) send(dir, curve string, points []point, _ bool) error {
	path := filepath.Join(dir, "tracking", "tensorboard", curve, "events.out.tfevents.0.lidr")
	if b.last == nil {
		b.last = map[string]int{}
	}
	last, open := b.last[path]
	if !open {
		var err error
		if last, err = openEvents(path); err != nil {
			return err
		}
	}
	var records []byte
	for _, p := range points {
		if p.step > last {
			records = appendRecord(records, encodeEvent(p))
			last = p.step
		}
	}
	delete(b.last, path) // what a failed write leaves is looked at again
	if len(records) > 0 {
		if err := appendFile(path, records); err != nil {
			return err
		}
	}
	b.last[path] = last
	return nil
}

// openEvents makes an event file, or cuts what a killed process has half written, and returns its last step.
func openEvents(path string) (last int, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return 0, err
		}
		return -1, appendFile(path, appendRecord(nil, encodeVersion()))
	} else if err != nil {
		return 0, err
	}
	last, whole, err := readEvents(file)
	err = errors.Join(err, file.Close())
	if err != nil {
		return 0, fmt.Errorf("%s: %w; delete it to have it written anew", path, err)
	}
	if whole == 0 {
		return -1, errors.Join(os.Truncate(path, 0), appendFile(path, appendRecord(nil, encodeVersion())))
	}
	return last, os.Truncate(path, whole)
}

func appendFile(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// Fields of TensorFlow's Event, Summary and Summary.Value:
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/event.proto and
// .../core/framework/summary.proto.
const (
	eventTime, eventStep, eventVersion, eventSummary = 1, 2, 3, 5
	summaryValue                                     = 1
	valueTag, valueSimple                            = 1, 2
)

func encodeVersion() []byte {
	event := protowire.AppendTag(nil, eventVersion, protowire.BytesType)
	return protowire.AppendString(event, "brain.Event:2")
}

func encodeEvent(p point) []byte {
	event := protowire.AppendTag(nil, eventTime, protowire.Fixed64Type)
	event = protowire.AppendFixed64(event, math.Float64bits(float64(p.time.UnixMicro())/1e6))
	event = protowire.AppendTag(event, eventStep, protowire.VarintType)
	event = protowire.AppendVarint(event, uint64(p.step))
	var summary []byte
	for _, v := range p.values {
		tag := v.name
		if v.trained() {
			tag = "train/" + tag // as transformers' callback names them
		}
		one := protowire.AppendTag(nil, valueTag, protowire.BytesType)
		one = protowire.AppendString(one, tag)
		one = protowire.AppendTag(one, valueSimple, protowire.Fixed32Type)
		one = protowire.AppendFixed32(one, math.Float32bits(float32(v.x)))
		summary = protowire.AppendTag(summary, summaryValue, protowire.BytesType)
		summary = protowire.AppendBytes(summary, one)
	}
	event = protowire.AppendTag(event, eventSummary, protowire.BytesType)
	return protowire.AppendBytes(event, summary)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is a checksum of TFRecord: a CRC of data with CRCs in it is no good one, so they are rotated and shifted
// (tensorflow/core/lib/hash/crc32c.h).
func masked(data []byte) uint32 {
	crc := crc32.Checksum(data, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}

// appendRecord appends a TFRecord: length, its checksum, data, their checksum.
func appendRecord(to, data []byte) []byte {
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	to = append(to, length...)
	to = binary.LittleEndian.AppendUint32(to, masked(length))
	to = append(to, data...)
	return binary.LittleEndian.AppendUint32(to, masked(data))
}

// mostEvent bounds a record that is read back; ours are some kilobytes.
const mostEvent = 1 << 20

// readEvents returns the last step of an event file, -1 where none is in it, and the length of its whole records. What
// follows them was torn when a process was killed; a record whose checksum is wrong is an error.
func readEvents(r io.Reader) (last int, whole int64, err error) {
	last = -1
	for {
		var head [12]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return last, whole, tornIsNone(err)
		}
		n := binary.LittleEndian.Uint64(head[:8])
		if masked(head[:8]) != binary.LittleEndian.Uint32(head[8:]) || n > mostEvent {
			return last, whole, fmt.Errorf("the record at byte %d is damaged: its length has another checksum", whole)
		}
		data := make([]byte, n+4)
		if _, err := io.ReadFull(r, data); err != nil {
			return last, whole, tornIsNone(err)
		}
		if masked(data[:n]) != binary.LittleEndian.Uint32(data[n:]) {
			return last, whole, fmt.Errorf("the record at byte %d is damaged: it has another checksum", whole)
		}
		step, found, err := stepOf(bytes.Clone(data[:n]))
		if err != nil {
			return last, whole, fmt.Errorf("the record at byte %d is no event: %w", whole, err)
		}
		if found {
			last = max(last, step)
		}
		whole += int64(len(head) + len(data))
	}
}

func tornIsNone(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// stepOf returns the step of an event with a summary. A step of 0 is left out by some writers.
func stepOf(event []byte) (step int, summary bool, err error) {
	for len(event) > 0 {
		number, kind, n := protowire.ConsumeTag(event)
		if n < 0 {
			return 0, false, protowire.ParseError(n)
		}
		event = event[n:]
		switch {
		case number == eventStep && kind == protowire.VarintType:
			var x uint64
			if x, n = protowire.ConsumeVarint(event); n >= 0 {
				step = int(x & math.MaxInt32)
			}
		default:
			summary = summary || number == eventSummary
			n = protowire.ConsumeFieldValue(number, kind, event)
		}
		if n < 0 {
			return 0, false, protowire.ParseError(n)
		}
		event = event[n:]
	}
	return step, summary, nil
}
