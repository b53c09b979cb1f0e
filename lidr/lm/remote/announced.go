package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/ledger"
)

// Announcement is what a server says of itself in a folder that its clients follow: a file NAME.json of its own, which
// it writes once it answers, and removes when it ends. A folder is given in the place of addresses, as the only one of
// [Options.Endpoints]. Each file has one writer and is replaced as a whole, so that no lock is needed.
type Announcement struct {
	URL   string `json:"url"`   // http://HOST:PORT/v1
	Model string `json:"model"` // its name there
}

// Announce writes the announcement of a server, in the place of the one that it has made before.
func Announce(folder, name string, a Announcement) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(folder); err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(folder, name+announcement), append(text, '\n'))
}

// Withdraw removes the announcement of a server; one that is not there is no error.
func Withdraw(folder, name string) error {
	return durable.Remove(filepath.Join(folder, name+announcement))
}

const announcement = ".json"

// announced are the addresses that a model is served at, and the file of each, in the order of the files' names.
func announced(folder, model string) (urls []string, files map[string]string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, nil, err
	}
	files = map[string]string{}
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		if entry.IsDir() || strings.HasPrefix(entry.Name(), ".") || filepath.Ext(path) != announcement {
			continue
		}
		var a Announcement
		if err := ledger.ReadForeignJSON(path, &a); errors.Is(err, fs.ErrNotExist) {
			continue // withdrawn meanwhile
		} else if err != nil {
			return nil, nil, err
		}
		if a.URL == "" {
			return nil, nil, fmt.Errorf("%s: url is missing, expected such as {\"url\": \"http://HOST:PORT/v1\", \"model\": "+
				"\"M0\"}", path)
		}
		if model != "" && a.Model != model || files[a.URL] != "" {
			continue
		}
		urls, files[a.URL] = append(urls, a.URL), path
	}
	return urls, files, nil
}

// followedFolder is the folder of announcements that stands in the place of addresses, "" where there is none.
func followedFolder(endpoints []string) string {
	if len(endpoints) != 1 || strings.Contains(endpoints[0], "://") {
		return ""
	}
	if info, err := os.Stat(endpoints[0]); err != nil || !info.IsDir() {
		return ""
	}
	return endpoints[0]
}

// openFollowed is open for a folder: whoever in it serves another model, or does not answer, is left out as long as one
// server does.
func (m *Model) openFollowed() (bases []string, err error) {
	bases, m.files, err = announced(m.folder, m.options.Model)
	if err != nil {
		return nil, fmt.Errorf("remote model: %w", err)
	}
	if len(bases) == 0 {
		return nil, fmt.Errorf("%w: no server has announced in %s that it serves %s; start one", ErrUnreachable, m.folder,
			orDefault(m.options.Model, "a model"))
	}
	return bases, nil
}

// in says which file an address is from.
func (m *Model) in(base string) string {
	if file := m.files[base]; file != "" {
		return fmt.Sprintf(" (announced in %s; delete it if that server is gone)", file)
	}
	return ""
}

// growth is how many servers a call is prepared for: as many as are given, or some more where others may announce
// themselves.
func (m *Model) growth() int {
	if m.folder == "" {
		return 1
	}
	return 8
}

// patience is how often an empty folder is looked at again, for each attempt that a request may have.
const patience = 10

// goOnFollowing adds the servers that announce themselves while requests are under way, and lets go of those that are
// gone.
func (p *pool) goOnFollowing() {
	for empty := 0; ; empty++ {
		select {
		case <-p.ctx.Done():
			return
		case <-time.After(p.model.delay):
		}
		p.mu.Lock()
		p.follow()
		if len(p.places) > 0 {
			empty = 0
		} else if p.over == nil && empty > patience*p.model.options.Attempts {
			p.over = fmt.Errorf("%w: no server is announced in %s any more; start one and run again, the answers so far are "+
				"kept", ErrUnreachable, p.model.folder)
		}
		p.free.Broadcast()
		over := p.over != nil
		p.mu.Unlock()
		if over {
			return
		}
	}
}

// follow makes the places those of the announcements. It is called with the lock held.
func (p *pool) follow() {
	urls, _, err := announced(p.model.folder, p.model.identity.ID)
	if err != nil {
		return // it is looked at again, and those that are known are asked meanwhile
	}
	kept := p.places[:0:0]
	for _, at := range p.places {
		if slices.Contains(urls, at.base) {
			kept = append(kept, at)
		} else {
			at.gone, at.out = true, true
			at.era++
		}
	}
	p.places = kept
	for _, url := range urls {
		if slices.ContainsFunc(p.places, func(at *place) bool { return at.base == url }) {
			continue
		}
		if e, err := p.model.newEndpoint(url, p.model.client); err == nil { // opening the model names one that is no URL
			p.add(e)
		}
	}
}
