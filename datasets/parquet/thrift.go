package parquet

import (
	"bytes"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// maxParts is how deep lists and structs of Thrift may be nested; Parquet's own are nested six deep.
const maxParts = 32

var errNested = fmt.Errorf("its parts are nested more than %d deep", maxParts)

// decode reads a Thrift struct into v. The library's decoder allocates a list of the length that the file claims and
// calls itself for each struct in a struct; a terabyte of memory or a stack of a million calls would end the program.
// So the bytes are first walked, which allocates nothing and ends where they do.
func decode(r io.Reader, v any) error {
	var walked bytes.Buffer
	protocol := new(thrift.CompactProtocol)
	if err := walk(protocol.NewReader(io.TeeReader(r, &walked)), thrift.STRUCT, 0); err != nil {
		return err
	}
	return thrift.NewDecoder(protocol.NewReaderFromBytes(walked.Bytes())).Decode(v)
}

// walk skips one value. A Parquet file has no maps, sets or UUIDs.
func walk(r thrift.Reader, t thrift.Type, depth int) (err error) {
	switch t {
	case thrift.I8:
		_, err = r.ReadInt8()
	case thrift.I16:
		_, err = r.ReadInt16()
	case thrift.I32:
		_, err = r.ReadInt32()
	case thrift.I64:
		_, err = r.ReadInt64()
	case thrift.DOUBLE:
		_, err = r.ReadFloat64()
	case thrift.BINARY:
		n, err := r.ReadLength()
		if err == nil {
			_, err = io.CopyN(io.Discard, r.Reader(), int64(n))
		}
		return err
	case thrift.LIST:
		return walkList(r, depth+1)
	case thrift.STRUCT:
		return walkStruct(r, depth+1)
	default:
		return fmt.Errorf("it has a part of type %s, which Parquet does not know", t)
	}
	return err
}

func walkList(r thrift.Reader, depth int) error {
	if depth > maxParts {
		return errNested
	}
	list, err := r.ReadList()
	if err != nil {
		return err
	}
	for range list.Size {
		if list.Type == thrift.TRUE || list.Type == thrift.FALSE {
			_, err = r.ReadBool()
		} else {
			err = walk(r, list.Type, depth)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func walkStruct(r thrift.Reader, depth int) error {
	if depth > maxParts {
		return errNested
	}
	for {
		field, err := r.ReadField()
		if err != nil {
			return err
		}
		switch field.Type {
		case thrift.STOP:
			return nil
		case thrift.TRUE, thrift.FALSE: // the type is the value
		default:
			if err := walk(r, field.Type, depth); err != nil {
				return err
			}
		}
	}
}
