package handoff

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"lidrlab/lidr/input"
)

// maxForeign bounds what is read of a text file that another program wrote, in bytes.
const maxForeign = 256 << 20

// readForeign reads a text file that another program wrote.
func readForeign(path string) ([]byte, error) {
	f, err := input.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if info.Size() > maxForeign {
		return nil, fmt.Errorf("%s: longer than %d MiB", path, maxForeign>>20)
	}
	return io.ReadAll(io.LimitReader(f, maxForeign))
}

// readOptional is [readForeign] for a file that may be missing: it has no bytes then.
func readOptional(path string) ([]byte, error) {
	text, err := readForeign(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}
