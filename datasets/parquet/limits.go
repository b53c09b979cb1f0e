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
	if err := checkSchema(meta.Schema); err != nil {
		return err
	}
	for _, group := range meta.RowGroups {
		for _, column := range group.Columns {
			if err := checkPages(file, column.MetaData); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkSchema walks the columns, depth first as they stand.
func checkSchema(schema []format.SchemaElement) error {
	if len(schema) > maxColumns {
		return fmt.Errorf("it has %d columns, expected at most %d", len(schema), maxColumns)
	}
	var open []int32 // children still to come, by depth
	for _, element := range schema {
		if len(open) > maxDepth {
			return fmt.Errorf("column %q is nested more than %d deep", element.Name, maxDepth)
		}
		if n := len(open); n > 0 {
			open[n-1]--
		}
		open = append(open, max(0, element.NumChildren.V))
		for n := len(open); n > 0 && open[n-1] == 0; n-- {
			open = open[:n-1]
		}
	}
	return nil
}

// checkPages reads the headers of a column's pages. LZ4_RAW is refused: the library gives empty texts for some pages and never
// ends on a broken one (apache/parquet-testing, lz4_raw_compressed_larger.parquet, with parquet-go 0.32.0).
func checkPages(file io.ReaderAt, column format.ColumnMetaData) error {
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
		if values > maxValues || max(page.UncompressedPageSize, page.CompressedPageSize) > maxPage {
			return fmt.Errorf("column %q has pages of %d bytes and %d values, expected at most %d MiB and %d values", column.PathInSchema,
				page.UncompressedPageSize, values, maxPage>>20, maxValues)
		}
		if _, err := pages.Discard(int(page.CompressedPageSize)); err != nil {
			return fmt.Errorf("column %q does not end with a page: %w", column.PathInSchema, err)
		}
	}
}
