package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Key returns the content key of parts: the first 32 hex digits of the SHA-256 of their JSON, each part preceded by its
// length so that the border between two parts is part of the key. Parts must marshal to JSON deterministically
// (structs, slices, strings, numbers, maps); anything else is a programming error and panics.
func Key(parts ...any) string {
	hash := sha256.New()
	for _, part := range parts {
		encoded, err := json.Marshal(part)
		if err != nil {
			panic(fmt.Sprintf("ledger.Key: %T cannot be part of a key: %v", part, err))
		}
		fmt.Fprintf(hash, "%d:", len(encoded))
		hash.Write(encoded)
	}
	return hex.EncodeToString(hash.Sum(nil))[:32]
}
