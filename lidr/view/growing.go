package view

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"lidrlab/lidr/input"
	"lidrlab/lidr/ledger"
)

// growing are the outputs that are being made in the store beside the run. Runs that lie together share it, and an
// output does not say whose it is: with several runs at work each page shows those of all.
func (f *folder) growing(now time.Time) []making {
	root, err := os.OpenRoot(ledger.StoreBeside(f.Dir))
	if err != nil {
		return nil
	}
	defer root.Close()
	kinds, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil
	}
	var all []making
	for _, kind := range kinds {
		entries, err := fs.ReadDir(root.FS(), kind.Name())
		if err != nil {
			continue
		}
		for _, entry := range entries {
			name := path.Join(kind.Name(), entry.Name())
			info, err := entry.Info()
			if err != nil || !strings.HasSuffix(name, ".partial") || now.Sub(info.ModTime()) > quiet {
				continue // one that is left over from a run that was stopped
			}
			if m, ok := partial(root.FS(), name); ok {
				m.Changed = info.ModTime()
				all = append(all, m)
			}
		}
	}
	return all
}

// partial reads how far an output is: its first line says of how many items.
func partial(fsys fs.FS, name string) (making, bool) {
	file, err := input.Open(fsys, name)
	if err != nil {
		return making{}, false
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 1<<16)
	first, err := lines.ReadSlice('\n')
	var header struct {
		Kind  string `json:"kind"`
		Items int    `json:"items"`
	}
	if err != nil || json.Unmarshal(first, &header) != nil || header.Items < 1 {
		return making{}, false
	}
	m := making{What: header.Kind, Total: header.Items}
	if word := outputs[header.Kind]; word != "" {
		m.What = word
	}
	buffer := make([]byte, 1<<16)
	for {
		n, err := lines.Read(buffer)
		m.N += bytes.Count(buffer[:n], []byte{'\n'})
		if err == io.EOF {
			break
		} else if err != nil {
			return making{}, false
		}
	}
	m.N = min(m.N, m.Total)
	return m, true
}

// outputs are the store's kinds in words.
var outputs = map[string]string{"completions": "answers of the model", "reference": "log-probabilities of pairs"}
