package cpu

import "testing"

// A cache that grows through many sizes leaves no more free memory behind than it had at last, and blocks of sizes that
// come back are found again.
func TestFreeBlocksMakeRoomForNewSizes(t *testing.T) {
	var m memory
	block := m.get(1 << 20)
	for size := 2 << 20; size < 64<<20; size += 1 << 20 {
		next := m.get(size)
		m.put(block)
		block = next
		if m.kept > size {
			t.Fatalf("%d bytes are free beside a block of %d", m.kept, size)
		}
	}
	m.put(block)
	kept := m.kept
	if again := m.get(cap(block)); &again[0] != &block[0] || m.kept != kept-cap(block) {
		t.Error("a free block of the right size is not used")
	}
	if small := m.get(100); m.kept != kept-cap(block) || len(small) != 100 {
		t.Error("a small block made the pool drop large ones")
	}
}
