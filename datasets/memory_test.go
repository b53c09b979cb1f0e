package datasets

import (
	"strings"
	"testing"
)

func TestFrameBeyondMemory(t *testing.T) {
	if err := checkMemory(5_000_000, 7, 2e9); err == nil ||
		!strings.Contains(err.Error(), "5000000 rows takes about 2.8 GB and 2.0 GB are left") {
		t.Errorf("a frame beyond the memory: %v", err)
	}
	if err := checkMemory(5_000_000, 7, 3e9); err != nil {
		t.Errorf("a frame that fits: %v", err)
	}
	if left := memoryLeft(); left < 1<<20 {
		t.Errorf("%d bytes are left on this machine", left)
	}
}
