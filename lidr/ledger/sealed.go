package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"lidrlab/lidr/input"
)

// ErrDamaged is the error of a sealed file whose bytes are not those that were written.
var ErrDamaged = errors.New("it was damaged or edited since it was written: its last line is not the sum of the others")

// WriteSealed writes v, a struct or a map with fields, as [WriteJSON] does, with the SHA-256 of the lines before as its
// last field.
func WriteSealed(path string, v any) error {
	data, err := EncodeJSON(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	body, fields := bytes.CutSuffix(data, []byte("\n}\n"))
	if !fields {
		return fmt.Errorf("encode %s: %T has no fields, and a sealed file must have one", path, v)
	}
	body = append(body, ",\n"...)
	return WriteFile(path, append(body, sealLine(body)...))
}

func sealLine(body []byte) []byte {
	sum := sha256.Sum256(body)
	return []byte(`  "sha256": "` + hex.EncodeToString(sum[:]) + "\"\n}\n")
}

// ReadSealed reads what [WriteSealed] wrote into v. It compares bytes and not values: a decoder would take a field by
// another case of its name, or the later of two. A missing file is fs.ErrNotExist, and a damaged one ErrDamaged.
func ReadSealed(path string, v any) error {
	data, err := input.ReadFile(path)
	if err != nil {
		return err
	}
	at := len(data) - len(sealLine(nil))
	if at < 0 || !bytes.Equal(data[at:], sealLine(data[:at])) {
		return fmt.Errorf("%s: %w", path, ErrDamaged)
	}
	body := append(bytes.TrimSuffix(data[:at:at], []byte(",\n")), '}')
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("%s: %w; it was not written by this version, so move it away and run again", path, err)
	}
	return nil
}
