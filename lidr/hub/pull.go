package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/durable"
)

const (
	weightsFile = "model.safetensors"
	indexFile   = "model.safetensors.index.json"
	maxText     = 256 << 20 // bytes of a file other than weights, as in package checkpoint
	maxWeights  = 1 << 40   // bytes of a file of weights; the hub itself accepts 50 GB
	parallel    = 4         // files at a time
)

// puller downloads one model.
type puller struct {
	name   Name
	client *client
	folder string // models--ORG--NAME in the cache
	commit string
}

// Pull downloads a model into the cache and returns its folder there, which [Find] then returns too. Files in the cache
// are not downloaded again, and a download that was cut off is continued. progress is called with the numbers of bytes
// downloaded and in all, from one goroutine at a time. The folder gets its name when every file is complete and has the
// hash that the hub lists.
func Pull(ctx context.Context, n Name, progress func(done, total int64)) (string, error) {
	if Offline() {
		return "", fmt.Errorf("%s is not downloaded: HF_HUB_OFFLINE forbids the network; unset it to download", n)
	}
	p := &puller{name: n}
	var err error
	if p.folder, err = n.folder(); err != nil {
		return "", err
	}
	if p.client, err = newClient(); err != nil {
		return "", err
	}
	files, err := p.list(ctx)
	if err != nil {
		return "", err
	}
	if err := durable.MkdirAll(filepath.Join(p.folder, "blobs")); err != nil {
		return "", err
	}
	wanted, err := p.choose(ctx, files)
	if err != nil {
		return "", fmt.Errorf("%s: %w", n, err)
	}
	if err := p.downloadAll(ctx, wanted, progress); err != nil {
		return "", fmt.Errorf("%s: %w", n, err)
	}
	return p.publish(wanted)
}

// list returns the model's files by name and sets the commit.
func (p *puller) list(ctx context.Context) (map[string]file, error) {
	var revision struct {
		SHA string `json:"sha"`
	}
	api := func(what, revision string) string {
		return p.client.address("api", "models", p.name.Repo, what, strings.ReplaceAll(revision, "/", "%2F"))
	}
	if _, err := p.client.json(ctx, p.name, api("revision", p.name.Revision), &revision); err != nil {
		return nil, err
	}
	p.commit = revision.SHA
	if len(p.commit) != 40 || !hexPattern.MatchString(p.commit) {
		return nil, fmt.Errorf("%s: the hub names the commit %.60q; expected 40 hexadecimal digits", p.name, p.commit)
	}
	files := map[string]file{}
	next := api("tree", p.commit)
	for pages := 0; next != ""; pages++ {
		if pages == maxPages {
			return nil, fmt.Errorf("%s has more files than a model", p.name)
		}
		var entries []treeEntry
		var err error
		if next, err = p.client.json(ctx, p.name, next, &entries); err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Type != "file" {
				continue
			}
			f, err := e.file()
			if err != nil {
				return nil, fmt.Errorf("%s: the hub lists %w", p.name, err)
			}
			files[f.name] = f
		}
	}
	return files, nil
}

// treeEntry is a file or folder in the API's list. LFS is set for files in large-file storage.
type treeEntry struct {
	Type, Path, OID string
	Size            int64
	LFS             *struct {
		OID  string
		Size int64
	}
}

// file returns the entry's file. It refuses names and hashes that would lead out of the folder as paths.
func (e treeEntry) file() (file, error) {
	f := file{e.Path, e.OID, e.Size}
	if e.LFS != nil {
		f.hash, f.size = e.LFS.OID, e.LFS.Size
	}
	if !fs.ValidPath(f.name) || f.name == "." || strings.ContainsAny(f.name, `/\:`) ||
		strings.ContainsFunc(f.name, unicode.IsControl) {
		return file{}, fmt.Errorf("a file %q; expected a name without a path", f.name)
	}
	if len(f.hash) != 40 && len(f.hash) != 64 || !hexPattern.MatchString(f.hash) || f.size < 0 {
		return file{}, fmt.Errorf("%s with the hash %.70q and %d bytes; expected hexadecimal digits and a size", f.name,
			f.hash, f.size)
	}
	return f, nil
}

// choose returns the files that our packages read. If weights are stored twice, as in Mistral's
// consolidated.safetensors, it returns those in the layout of transformers.
func (p *puller) choose(ctx context.Context, files map[string]file) ([]file, error) {
	for _, needed := range []string{"config.json", "tokenizer.json"} {
		if _, ok := files[needed]; !ok {
			return nil, fmt.Errorf("the model has no %s, so it cannot be used here; nothing was downloaded", needed)
		}
	}
	weights := []string{weightsFile}
	if index, ok := files[indexFile]; ok && files[weightsFile].hash == "" {
		var err error
		if weights, err = p.shards(ctx, index); err != nil {
			return nil, err
		}
	}
	var wanted []file
	for name, f := range files {
		switch {
		case slices.Contains(weights, name):
			if f.size > maxWeights {
				return nil, fmt.Errorf("%s has %d bytes; at most %d are accepted", name, f.size, int64(maxWeights))
			}
		case name == "config.json" || name == indexFile || checkpoint.IsCompanion(name):
			if f.size > maxText {
				return nil, fmt.Errorf("%s has %d bytes; at most %d are accepted", name, f.size, maxText)
			}
		default:
			continue
		}
		wanted = append(wanted, f)
	}
	for _, name := range weights {
		if _, ok := files[name]; !ok {
			return nil, fmt.Errorf("the model has no %s, and nothing else is pulled: look for a conversion to safetensors, or "+
				"download a .gguf file of it and name that as the model", name)
		}
	}
	slices.SortFunc(wanted, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return wanted, nil
}

// shards downloads the index and returns the files that it names.
func (p *puller) shards(ctx context.Context, index file) ([]string, error) {
	if index.size > maxText {
		return nil, fmt.Errorf("%s has %d bytes; at most %d are accepted", index.name, index.size, maxText)
	}
	if err := p.downloadAll(ctx, []file{index}, func(int64, int64) {}); err != nil {
		return nil, err
	}
	f, err := os.Open(p.have(index))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	var content struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(b, &content); err != nil {
		return nil, fmt.Errorf("%s: %w", index.name, err)
	}
	var names []string
	for _, name := range content.WeightMap {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// have returns the path of a file that is already complete, in the snapshot or among the blobs; "" if it is not.
func (p *puller) have(f file) string {
	for _, path := range []string{
		filepath.Join(p.folder, "snapshots", p.commit, f.name),
		filepath.Join(p.folder, "blobs", f.hash),
	} {
		if hasSize(path, f.size) {
			return path
		}
	}
	return ""
}

// downloadAll downloads files in parallel. The first error stops the others, and a later call continues them.
func (p *puller) downloadAll(ctx context.Context, files []file, progress func(done, total int64)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var done, total int64
	for _, f := range files {
		total += f.size
	}
	var reporting sync.Mutex
	add := func(n int64) {
		reporting.Lock()
		defer reporting.Unlock()
		done += n
		progress(done, total)
	}
	add(0)
	queue := make(chan file, len(files))
	for _, f := range files {
		queue <- f
	}
	close(queue)
	var workers sync.WaitGroup
	for range min(parallel, len(files)) {
		workers.Go(func() {
			for f := range queue {
				if p.have(f) != "" {
					add(f.size)
				} else if err := p.download(ctx, f, add); err != nil {
					stop(err)
				}
				if ctx.Err() != nil {
					return
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

// publish makes the snapshot of the downloaded files, config.json last, and then points the branch to it.
func (p *puller) publish(files []file) (string, error) {
	snapshot := filepath.Join(p.folder, "snapshots", p.commit)
	if err := durable.MkdirAll(snapshot); err != nil {
		return "", err
	}
	place := func(f file) error {
		path := filepath.Join(snapshot, f.name)
		if hasSize(path, f.size) {
			return nil
		}
		if err := os.RemoveAll(path); err != nil { // a link to a deleted blob
			return err
		}
		blob := filepath.Join(p.folder, "blobs", f.hash)
		if symlink(filepath.Join("..", "..", "blobs", f.hash), path) == nil || link(blob, path) == nil {
			return nil
		}
		return durable.Rename(blob, path) // the file system has no links: move the file itself
	}
	last := slices.IndexFunc(files, func(f file) bool { return f.name == "config.json" })
	for _, f := range append(slices.Delete(slices.Clone(files), last, last+1), files[last]) {
		if err := place(f); err != nil {
			return "", err
		}
	}
	if err := durable.SyncDir(snapshot); err != nil || p.name.commit() {
		return snapshot, err
	}
	ref := filepath.Join(p.folder, "refs", filepath.FromSlash(p.name.Revision))
	return snapshot, durable.Replace(ref, func(w io.Writer) error { _, err := io.WriteString(w, p.commit); return err })
}

// A test makes these fail, as they do on some file systems and on Windows without developer mode.
var symlink, link = os.Symlink, os.Link
