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

// The limits of a file. Files of prompts and questions are far below them. A few bytes that claim more would make the
// library take all memory, or overflow the stack, from which no program recovers.
const (
	maxFooter  = 64 << 20             // bytes; it has the first and last text of each page
	maxColumns = 1000                 // in all, structs and lists included
	maxDepth   = 32                   // of nested lists and structs; a list takes two
	maxPage    = 4 * datasets.MaxLine // bytes of a page, unpacked
	maxValues  = 1 << 24              // of a column in a row group, which has a million rows at most as a rule
)

// A file ends in the footer, its length in four bytes, and the magic that it also begins with.
const (
	magic   = "PAR1"
	endSize = 4 + 4       // the length and the magic
	minSize = 4 + endSize // of a file with an empty footer
)

// check is an error if the sizes that a file states are above the limits or do not fit each other. It runs before the
// library, which allocates memory of the sizes stated.
func check(file io.ReaderAt, size int64) error {
	var end [endSize]byte
	if size < minSize {
		return errors.New("it is too short")
	}
	if _, err := file.ReadAt(end[:], size-endSize); err != nil {
		return err
	}
	if string(end[4:]) != magic {
		return fmt.Errorf("it does not end in PAR1, but in %q; it may be cut off, or a Git LFS pointer", end[4:])
	}
	length := int64(binary.LittleEndian.Uint32(end[:4]))
	if longest := min(size-minSize, maxFooter); length > longest {
		return fmt.Errorf("its footer has %d bytes, expected at most %d", length, longest)
	}
	var meta format.FileMetaData
	if err := decode(io.NewSectionReader(file, size-endSize-length, length), &meta); err != nil {
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

// leaf is a column that holds values.
type leaf struct {
	kind       format.Type // of the values
	repetition int         // the number of lists around them
	definition int         // the number of lists and optional parts around them
}

// checkSchema returns the columns that hold values. The schema lists all columns depth first.
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
		column := parent{children: max(0, element.NumChildren.V)}
		if n := len(open); n > 0 {
			open[n-1].children--
			column.leaf = open[n-1].leaf
			if element.RepetitionType.Valid && element.RepetitionType.V != format.Required {
				column.definition++
			}
			if element.RepetitionType.Valid && element.RepetitionType.V == format.Repeated {
				column.repetition++
			}
			if column.children == 0 {
				column.kind = element.Type.V
				columns = append(columns, column.leaf)
			}
		}
		open = append(open, column)
		for n := len(open); n > 0 && open[n-1].children == 0; n-- {
			open = open[:n-1]
		}
	}
	return columns, nil
}

// checkPages checks each page of a column (see [checkPage]). LZ4_RAW is refused: the library returns empty texts for
// some pages and does not end on a broken one (apache/parquet-testing, lz4_raw_compressed_larger.parquet, with
// parquet-go 0.32.0).
func checkPages(file io.ReaderAt, column format.ColumnMetaData, as leaf) error {
	if column.Codec == format.Lz4Raw {
		return fmt.Errorf("column %q is compressed by LZ4_RAW, expected snappy, zstd, gzip, brotli or none",
			column.PathInSchema)
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
		n := max(0, page.DataPageHeader.V.NumValues, page.DataPageHeaderV2.V.NumValues,
			page.DictionaryPageHeader.V.NumValues)
		values += int64(n)
		packed, unpacked := page.CompressedPageSize, page.UncompressedPageSize
		if values > maxValues || max(packed, unpacked) > maxPage || min(packed, unpacked) < 0 {
			return fmt.Errorf("column %q has pages of %d bytes and %d values, expected at most %d MiB and %d values",
				column.PathInSchema, unpacked, values, maxPage>>20, maxValues)
		}
		body, err := io.ReadAll(io.LimitReader(pages, int64(packed)))
		if err == nil && len(body) != int(packed) {
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
