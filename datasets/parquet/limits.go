package parquet

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/format"

	"lidrlab/datasets"
)

// What a file may have. Files of prompts and questions stay far below; a few bytes that claim more would take all memory, or
// the whole stack, of which no program recovers.
const (
	maxFooter  = 64 << 20             // bytes; it has the first and last text of each page
	maxColumns = 1000                 // in all, structs and lists included
	maxDepth   = 32                   // lists and structs in each other; a list takes two
	maxPage    = 4 * datasets.MaxLine // bytes of a page, unpacked
	maxValues  = 1 << 24              // of a column in a row group, which holds a million rows at most as a rule
)

// check reads what a file says of its sizes before the library, which allocates what it says, does.
func check(file io.ReaderAt, size int64) error {
	var end [8]byte
	if size < 12 {
		return errors.New("it is too short")
	}
	if _, err := file.ReadAt(end[:], size-8); err != nil {
		return err
	}
	if string(end[4:]) != "PAR1" {
		return fmt.Errorf("it does not end in PAR1, but in %q; it may be cut off, or a Git LFS pointer", end[4:])
	}
	length := int64(binary.LittleEndian.Uint32(end[:4]))
	if length > min(size-12, maxFooter) {
		return fmt.Errorf("its footer has %d bytes, expected at most %d", length, min(size-12, maxFooter))
	}
	var meta format.FileMetaData
	if err := decode(io.NewSectionReader(file, size-8-length, length), &meta); err != nil {
		return err
	}
	columns, err := checkSchema(meta.Schema)
	if err != nil {
		return err
	}
	for _, group := range meta.RowGroups {
		if len(group.Columns) != len(columns) {
			return fmt.Errorf("a row group has %d columns, and the schema %d", len(group.Columns), len(columns))
		}
		for i, column := range group.Columns {
			if err := checkPages(file, column.MetaData, columns[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// leaf is a column that holds values: their type, and how many lists, and lists and optional parts, it stands in.
type leaf struct {
	kind                   format.Type
	repetition, definition int
}

// checkSchema walks the columns, depth first as they stand, and returns those that hold values.
func checkSchema(schema []format.SchemaElement) (columns []leaf, err error) {
	if len(schema) > maxColumns {
		return nil, fmt.Errorf("it has %d columns, expected at most %d", len(schema), maxColumns)
	}
	type parent struct {
		children int32 // still to come
		leaf
	}
	var open []parent
	for _, element := range schema {
		if len(open) > maxDepth {
			return nil, fmt.Errorf("column %q is nested more than %d deep", element.Name, maxDepth)
		}
		here := parent{children: max(0, element.NumChildren.V)}
		if n := len(open); n > 0 {
			open[n-1].children--
			here.leaf = open[n-1].leaf
			if element.RepetitionType.Valid && element.RepetitionType.V != format.Required {
				here.definition++
			}
			if element.RepetitionType.Valid && element.RepetitionType.V == format.Repeated {
				here.repetition++
			}
			if here.children == 0 {
				here.kind = element.Type.V
				columns = append(columns, here.leaf)
			}
		}
		open = append(open, here)
		for n := len(open); n > 0 && open[n-1].children == 0; n-- {
			open = open[:n-1]
		}
	}
	return columns, nil
}

// checkPages reads a column's pages (see [checkPage]). LZ4_RAW is refused: the library gives empty texts for some pages and never
// ends on a broken one (apache/parquet-testing, lz4_raw_compressed_larger.parquet, with parquet-go 0.32.0).
func checkPages(file io.ReaderAt, column format.ColumnMetaData, as leaf) error {
	if column.Codec == format.Lz4Raw {
		return fmt.Errorf("column %q is compressed by LZ4_RAW, expected snappy, zstd, gzip, brotli or none", column.PathInSchema)
	}
	start := column.DataPageOffset
	if column.DictionaryPageOffset != 0 {
		start = column.DictionaryPageOffset
	}
	pages := bufio.NewReader(io.NewSectionReader(file, start, column.TotalCompressedSize))
	for values := int64(0); ; {
		var page format.PageHeader
		if err := decode(pages, &page); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		n := max(page.DataPageHeader.V.NumValues, page.DataPageHeaderV2.V.NumValues, page.DictionaryPageHeader.V.NumValues)
		values += int64(max(0, n))
		if values > maxValues || max(page.UncompressedPageSize, page.CompressedPageSize) > maxPage || min(page.UncompressedPageSize, page.CompressedPageSize) < 0 {
			return fmt.Errorf("column %q has pages of %d bytes and %d values, expected at most %d MiB and %d values", column.PathInSchema,
				page.UncompressedPageSize, values, maxPage>>20, maxValues)
		}
		body, err := io.ReadAll(io.LimitReader(pages, int64(page.CompressedPageSize)))
		if err == nil && len(body) != int(page.CompressedPageSize) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fmt.Errorf("column %q does not end with a page: %w", column.PathInSchema, err)
		}
		if err := checkPage(page, column.Codec, as, body); err != nil {
			return fmt.Errorf("column %q: %w", column.PathInSchema, err)
		}
	}
}
