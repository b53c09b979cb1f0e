package parquet

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

var errCutOff = errors.New("a page is cut off")

// plainDictionary is PLAIN_DICTIONARY, which older writers use instead of RLE_DICTIONARY in data pages and of PLAIN in
// dictionary pages. The format and the library's name of it are deprecated, but such files exist.
const plainDictionary format.Encoding = 2

// checkPage unpacks a page and counts its values. The library unpacks a page to its end, whatever size the header
// states: some kilobytes of a compressed page, or five bytes of a run of equal values, may become gigabytes.
func checkPage(page format.PageHeader, codec format.CompressionCodec, as leaf, body []byte) error {
	encoding := format.Plain
	var levels [2][]byte // repetition and definition levels
	switch page.Type {
	case format.DataPage:
		encoding = page.DataPageHeader.V.Encoding
	case format.DataPageV2: // its levels are not compressed
		h := page.DataPageHeaderV2.V
		for i, n := range []int32{h.RepetitionLevelsByteLength, h.DefinitionLevelsByteLength} {
			if n < 0 || int(n) > len(body) {
				return errCutOff
			}
			levels[i], body = body[:n], body[n:]
		}
		encoding = h.Encoding
		if h.IsCompressed.Valid && !h.IsCompressed.V {
			codec = format.Uncompressed
		}
	case format.DictionaryPage:
		if e := page.DictionaryPageHeader.V.Encoding; e != format.Plain && e != plainDictionary {
			return fmt.Errorf("its dictionary is encoded by %s, expected PLAIN", e)
		}
	}
	body, err := unpack(codec, body, int64(page.UncompressedPageSize))
	if err != nil {
		return err
	}
	for i, level := range []int{as.repetition, as.definition} {
		if page.Type == format.DataPage && level > 0 {
			if levels[i], body, err = prefixed(body); err != nil {
				return err
			}
		}
		if level > 0 {
			if err := checkRuns(levels[i], bits.Len(uint(level))); err != nil {
				return err
			}
		}
	}
	return checkValues(encoding, as.kind, body)
}

// unpack returns a page uncompressed, and an error if that has more bytes than the page states.
func unpack(codec format.CompressionCodec, page []byte, limit int64) (_ []byte, err error) {
	var r io.Reader
	switch codec {
	case format.Uncompressed:
		return page, nil
	case format.Snappy: // begins with the unpacked size
		if n, _ := binary.Uvarint(page); n > uint64(limit) {
			return nil, fmt.Errorf("a page unpacks to %d bytes, and says that it has %d", n, limit)
		}
		return parquet.Snappy.Decode(nil, page)
	case format.Gzip:
		r, err = gzip.NewReader(bytes.NewReader(page))
	case format.Brotli:
		r = brotli.NewReader(bytes.NewReader(page))
	case format.Zstd:
		var z *zstd.Decoder
		z, err = zstd.NewReader(bytes.NewReader(page), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPage))
		if err == nil {
			defer z.Close()
		}
		r = z
	default:
		return nil, fmt.Errorf("compressed by %s, expected snappy, zstd, gzip, brotli or none", codec)
	}
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("a page unpacks to more than the %d bytes that it says it has", limit)
	}
	return data, err
}

// checkValues counts the values of encodings in which a few bytes may encode many values. DELTA_BYTE_ARRAY is refused:
// only decoding it would show how much text it holds, and writers use it only on request.
func checkValues(encoding format.Encoding, kind format.Type, data []byte) (err error) {
	switch encoding {
	case format.Plain, format.ByteStreamSplit:
		return nil
	case plainDictionary, format.RLEDictionary:
		if len(data) == 0 {
			return nil
		}
		return checkRuns(data[1:], int(data[0]))
	case format.RLE:
		if kind == format.Boolean {
			if data, _, err = prefixed(data); err != nil {
				return err
			}
			return checkRuns(data, 1)
		}
	case format.DeltaBinaryPacked, format.DeltaLengthByteArray:
		var n uint64
		for range 3 { // the size of a block, the number of its parts, and the number of values
			var size int
			if n, size = binary.Uvarint(data); size <= 0 {
				return errCutOff
			}
			data = data[size:]
		}
		if n > maxValues {
			return fmt.Errorf("a page has %d values, expected at most %d", n, maxValues)
		}
		return nil
	}
	return fmt.Errorf("a page of type %s is encoded by %s, expected PLAIN, RLE_DICTIONARY, DELTA_BINARY_PACKED, "+
		"DELTA_LENGTH_BYTE_ARRAY or BYTE_STREAM_SPLIT", kind, encoding)
}

// checkRuns counts the values of the hybrid encoding, which has groups of eight values of width bits each, and runs of
// one value.
func checkRuns(data []byte, width int) error {
	for values := uint64(0); len(data) > 0; {
		run, n := binary.Uvarint(data)
		if n <= 0 {
			return errCutOff
		}
		count, size := run>>1, uint64(width+7)/8
		if run&1 == 1 {
			count, size = count*8, count*uint64(width)
		}
		if values += count; values > maxValues+8 || run > maxValues<<1 {
			return fmt.Errorf("runs of more than %d values", maxValues)
		}
		data = data[n:]
		data = data[min(size, uint64(len(data))):]
	}
	return nil
}

// prefixed splits off the data whose length is in the first four bytes.
func prefixed(data []byte) (first, rest []byte, err error) {
	if len(data) < 4 || uint64(binary.LittleEndian.Uint32(data)) > uint64(len(data)-4) {
		return nil, nil, errCutOff
	}
	n := 4 + int(binary.LittleEndian.Uint32(data))
	return data[4:n], data[n:], nil
}
