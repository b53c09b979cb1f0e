package parquet_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	hub "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"lidrlab/datasets"
	"lidrlab/datasets/parquet"
)

// What is wrong with a file or a row is said in one line with the file, the row and the field.
func TestFaults(t *testing.T) {
	whole := encode(t, []mmlu{{"Q", "a", "b", "c", "d", "C", "1"}, {"Q", "a", "b", "c", "d", "E", "2"}})
	deep := hub.Node(hub.String())
	for range 20 {
		deep = hub.List(deep)
	}
	var nested bytes.Buffer
	if err := hub.NewWriter(&nested, hub.NewSchema("deep", hub.Group{"instruction": deep})).Close(); err != nil {
		t.Fatal(err)
	}
	type measured struct {
		Number float64 `parquet:"answer_number"`
		Text   string  `parquet:"question"`
	}
	for name, c := range map[string]struct {
		data []byte
		says []string
	}{
		"a wrong value": {whole, []string{`de.parquet:2: field "answer"`, `"ABCD", found "E"`}},
		"cut off":       {whole[:len(whole)-9], []string{"de.parquet: ", "does not end in PAR1"}},
		"empty":         {nil, []string{"too short"}},
		"a Git LFS pointer": {[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
			[]string{"Git LFS"}},
		"a footer too long": {append(bytes.Repeat([]byte("PAR1"), 4), "\xff\xff\xff\x7fPAR1"...),
			[]string{"its footer has 2147483647 bytes"}},
		"a list that is not there": {footer("", "\x15\x02\x19\xfc\xff\xff\xff\xff\x07"), []string{"EOF"}}, // 2³¹ − 1 columns
		"structs in structs":       {footer("", strings.Repeat("\x1c", 8<<20)), []string{"nested more than 32 deep"}},
		"lists in lists":           {footer("", strings.Repeat("\x19", 8<<20)), []string{"nested more than 32 deep"}},
		"nested too deep":          {nested.Bytes(), []string{"nested more than 32 deep"}},
		"invalid UTF-8": {encode(t, []alpagasus{{"1", "a"}, {"2", "\xff"}}),
			[]string{`de.parquet:2: field "instruction": invalid UTF-8`}},
		"a number missing": {encode(t, []measured{{7, "Q"}, {math.NaN(), "Q"}}),
			[]string{`de.parquet:2: field "answer_number": expected a string, found null`}},
		"a row too long": {encode(t, []alpagasus{{"1", strings.Repeat("a", datasets.MaxLine)}},
			hub.Compression(&hub.Snappy), hub.SkipPageBounds("instruction")),
			[]string{"de.parquet:1: the row is longer than 16 MiB"}},
		"a page too long": {claims(t, 65<<20, 10),
			[]string{`column ["instruction"] has pages of 68157440 bytes and 10 values`, "at most 64 MiB"}},
		"too many values":   {claims(t, 100, 1<<30), []string{"and 1073741824 values", "at most 64 MiB and 16777216 values"}},
		"a page of no size": {claims(t, -1, 10), []string{"has pages of -1 bytes"}},
		"an unsafe codec": {encode(t, []alpagasus{{"1", "a"}}, hub.Compression(&hub.Lz4Raw)),
			[]string{"LZ4_RAW, expected snappy"}},
		"no rows": {encode(t, []alpagasus{}), []string{"no prompts"}},
	} {
		path := filepath.Join(folder(t, "de.parquet", c.data), "de.parquet")
		_, err := datasets.LoadPrompts(path, []string{"de"})
		if name == "a wrong value" {
			_, err = datasets.LoadChoices(path, "m_mmlu", "de")
		}
		for _, s := range c.says {
			if err == nil || !strings.Contains(err.Error(), s) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, expected one line with %q", name, err, s)
			}
		}
	}
}

// claims is a file whose one page is said to have so many bytes and values.
func claims(t testing.TB, bytes, values int32) []byte {
	return onePage(t, format.ByteArray, format.Uncompressed, dataPage(bytes, values, format.Plain), nil)
}

func dataPage(bytes, values int32, encoding format.Encoding) format.PageHeader {
	header := format.DataPageHeader{
		NumValues: values, Encoding: encoding, RepetitionLevelEncoding: format.RLE, DefinitionLevelEncoding: format.RLE,
	}
	return format.PageHeader{Type: format.DataPage, UncompressedPageSize: bytes,
		DataPageHeader: thrift.Null[format.DataPageHeader]{Valid: true, V: header}}
}

// onePage is a file of a column "instruction" that is a list of the type, with one page of one row.
func onePage(
	t testing.TB, kind format.Type, codec format.CompressionCodec, page format.PageHeader, body []byte,
) []byte {
	page.CompressedPageSize = int32(len(body))
	header, err := thrift.Marshal(new(thrift.CompactProtocol), page)
	if err != nil {
		t.Fatal(err)
	}
	pages := string(header) + string(body)
	column := format.ColumnMetaData{Type: kind, Codec: codec, PathInSchema: []string{"instruction"}, NumValues: 1,
		DataPageOffset: 4, TotalCompressedSize: int64(len(pages))}
	meta, err := thrift.Marshal(new(thrift.CompactProtocol), format.FileMetaData{
		Version: 1, NumRows: 1, RowGroups: []format.RowGroup{{NumRows: 1, Columns: []format.ColumnChunk{{MetaData: column}}}},
		Schema: []format.SchemaElement{{Name: "schema", NumChildren: thrift.Null[int32]{Valid: true, V: 1}}, {
			Name: "instruction", Type: thrift.Null[format.Type]{Valid: true, V: kind},
			RepetitionType: thrift.Null[format.FieldRepetitionType]{Valid: true, V: format.Repeated}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return footer(pages, string(meta))
}

// bombs are files of some hundred kilobytes, or a few bytes, that unpack to gigabytes, or to more than they say.
func bombs(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	zeros := make([]byte, 32<<20)
	for _, codec := range []compress.Codec{&hub.Gzip, &hub.Brotli, &hub.Zstd, &hub.Snappy} {
		packed, err := codec.Encode(nil, zeros)
		if err != nil {
			t.Fatal(err)
		}
		files[codec.String()] = onePage(t, format.ByteArray, codec.CompressionCodec(), dataPage(1000, 1, format.Plain),
			packed)
	}
	files["a length of SNAPPY"] = onePage(t, format.ByteArray, format.Snappy, dataPage(1000, 1, format.Plain),
		binary.AppendUvarint(nil, 4<<30-1))
	level := "\x02\x00\x00\x00\x02\x00" // one value of level 0
	run := string(binary.AppendUvarint(nil, 1<<31)) + "\x00"
	deltas := string(binary.AppendUvarint(nil, 65536)) + "\x04" + string(binary.AppendUvarint(nil, 1<<31-1)) +
		"\x00" + strings.Repeat("\x00", 5<<15)
	inLevels := string(binary.LittleEndian.AppendUint32(nil, uint32(4*len(run)))) + strings.Repeat(run, 4)
	for name, page := range map[string]struct {
		kind     format.Type
		encoding format.Encoding
		body     string
	}{
		"runs of levels":       {format.ByteArray, format.Plain, inLevels},
		"runs of a dictionary": {format.ByteArray, format.RLEDictionary, level + level + "\x01" + strings.Repeat(run, 4)},
		"runs of booleans":     {format.Boolean, format.RLE, level + level + inLevels},
		"runs of integers":     {format.Int32, format.RLE, level + level + strings.Repeat(run, 4)},
		"deltas of integers":   {format.Int32, format.DeltaBinaryPacked, level + level + deltas},
		"lengths of texts":     {format.ByteArray, format.DeltaLengthByteArray, level + level + deltas},
		"prefixes of texts":    {format.ByteArray, format.DeltaByteArray, level + level},
	} {
		files[name] = onePage(t, page.kind, format.Uncompressed, dataPage(int32(len(page.body)), 1, page.encoding),
			[]byte(page.body))
	}
	text := strings.Repeat("a", 64<<10)
	row := struct {
		Turns []string `parquet:"turns,list,dict"`
	}{slices.Repeat([]string{text}, 100_000)}
	files["a text of a dictionary"] = encode(t, []struct {
		Turns []string `parquet:"turns,list,dict"`
	}{row}, hub.SkipPageBounds("turns", "list", "element"))
	return files
}

// What unpacks to more than is accepted is refused before it does.
func TestBombs(t *testing.T) {
	for name, file := range bombs(t) {
		path := filepath.Join(folder(t, "de.parquet", file), "de.parquet")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := parquet.Read(path, func([]byte) error { return nil })
		runtime.ReadMemStats(&after)
		if err == nil || strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", name, err)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 24<<20 {
			t.Errorf("%s: %d MB were made of %d bytes", name, made>>20, len(file))
		}
	}
}

// footer is a file that ends in a footer.
func footer(pages, text string) []byte {
	file := []byte("PAR1" + pages + text)
	return append(binary.LittleEndian.AppendUint32(file, uint32(len(text))), "PAR1"...)
}

// What the visitor says is returned, and what it panics with is not swallowed.
func TestVisitor(t *testing.T) {
	path := filepath.Join(folder(t, "de.parquet", encode(t, []alpagasus{{"1", "a"}, {"2", "b"}})), "de.parquet")
	enough := errors.New("enough")
	n := 0
	if err := parquet.Read(path, func([]byte) error { n++; return enough }); err != enough || n != 1 {
		t.Errorf("%v after %d rows", err, n)
	}
	defer func() {
		if recover() == nil {
			t.Error("the visitor's panic is lost")
		}
	}()
	_ = parquet.Read(path, func([]byte) error { panic("of the visitor") })
}

// Rows of several row groups come in order, and none is lost.
func TestRowGroups(t *testing.T) {
	var rows []own
	for i := range 5000 {
		rows = append(rows, own{fmt.Sprint(i), "de", fmt.Sprintf("prompt %d", i), ""})
	}
	path := filepath.Join(folder(t, "de.parquet",
		encode(t, rows, hub.MaxRowsPerRowGroup(700), hub.PageBufferSize(1000), hub.Compression(&hub.Snappy))), "de.parquet")
	prompts, err := datasets.LoadPrompts(path, []string{"de"})
	if err != nil || len(prompts) != len(rows) {
		t.Fatalf("%d prompts, %v", len(prompts), err)
	}
	for i, p := range prompts {
		if p.ID != rows[i].ID || p.Text != rows[i].Prompt || p.Line != i+1 {
			t.Fatalf("row %d is %+v", i+1, p)
		}
	}
}

// Whatever a file holds: an error, or rows that are JSON objects.
func FuzzRead(f *testing.F) {
	choices := hubTruth{"Q?", targets{[]string{"A", "B"}, []int64{1, 0}}, &targets{[]string{"A", "C"}, []int64{1, 0}}}
	f.Add(encode(f, []hubTruth{choices, {Question: "Q"}}))
	f.Add(encode(f, []mmlu{{"Q", "a", "b", "c", "d", "C", "1"}, {"Q", "a", "b", "c", "d", "E", "2"}}))
	f.Add(encode(f, []xAlpacaEval{{3, "helpful_base", "Sag was.", 0.25, true}}, hub.DataPageVersion(1)))
	f.Add(encode(f, []swag{{24, "Roof", "A", "B", []string{"a", "b", "c", ""}, "3"}}, hub.Compression(&hub.Gzip)))
	for _, bomb := range bombs(f) {
		if len(bomb) < 100_000 {
			f.Add(bomb)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "en.parquet")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		_ = parquet.Read(path, func(row []byte) error {
			if !json.Valid(row) || row[0] != '{' {
				t.Fatalf("%q", row)
			}
			return nil
		})
	})
}
