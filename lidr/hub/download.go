package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/cenkalti/backoff/v5"

	"lidrlab/lidr/durable"
)

// file is one file of a model at a commit.
type file struct {
	name string
	hash string // SHA-256 of a file in large-file storage, else SHA-1 of git's blob; the name of its blob in the cache
	size int64
}

// hasher returns a hasher of the kind that the file's hash has.
func (f file) hasher() hash.Hash {
	if len(f.hash) == 2*sha256.Size {
		return sha256.New()
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", f.size) // git hash-object
	return h
}

// download downloads f to blobs/HASH. Until it is complete the file is blobs/HASH.incomplete, and a download that was
// cut off, in this process or an earlier one, requests only the rest. add is called with the number of new bytes, a
// negative one for bytes that were discarded. Two processes may download the same file: each writes the same bytes to
// the same places.
func (p *puller) download(ctx context.Context, f file, add func(int64)) error {
	blob := filepath.Join(p.folder, "blobs", f.hash)
	incomplete, err := os.OpenFile(blob+".incomplete", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer incomplete.Close()
	part := &partial{file: f, disk: incomplete, add: add}
	if err := part.resume(); err != nil {
		return err
	}
	inherited := part.at > 0
	for {
		if part.at < f.size {
			_, err = retry(ctx, func(progressed func()) (struct{}, error) {
				return struct{}{}, p.fetch(ctx, part, progressed)
			})
			if err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
		if got := hex.EncodeToString(part.sum.Sum(nil)); got == f.hash {
			break
		} else if !inherited {
			return errors.Join(fmt.Errorf("%s: the content that arrived has the hash %s, and the hub's list says %s; it was "+
				"deleted, so run the same command again; if that does not help, the hub's copy is damaged", f.name, got, f.hash),
				os.Remove(incomplete.Name()))
		}
		inherited = false // the part from an earlier process may be damaged: download all of it
		if err := part.restart(); err != nil {
			return err
		}
	}
	if err := durable.Sync(incomplete); err != nil {
		return err
	}
	err = durable.Rename(incomplete.Name(), blob)
	if other := errors.Is(err, os.ErrNotExist) && hasSize(blob, f.size); err != nil && !other {
		return err // otherwise another process has renamed it first
	}
	return durable.SyncDir(filepath.Dir(blob))
}

// partial is a file whose first bytes have been downloaded.
type partial struct {
	file file
	disk *os.File
	at   int64     // bytes downloaded
	sum  hash.Hash // of these bytes
	add  func(int64)
}

// resume continues from the bytes that an earlier process downloaded.
func (p *partial) resume() error {
	p.sum = p.file.hasher()
	n, err := io.Copy(p.sum, p.disk)
	p.at = n
	p.add(n)
	if err == nil && n > p.file.size {
		err = p.restart()
	}
	return err
}

func (p *partial) restart() error {
	p.add(-p.at)
	p.at, p.sum = 0, p.file.hasher()
	return p.disk.Truncate(0)
}

func (p *partial) Write(b []byte) (int, error) {
	n, err := p.disk.WriteAt(b, p.at)
	p.sum.Write(b[:n])
	p.at += int64(n)
	p.add(int64(n))
	if err != nil {
		err = backoff.Permanent(err) // the disk's, not the network's
	}
	return n, err
}

var errSilent = fmt.Errorf("nothing has arrived for %v", silence)

// fetch sends one request for the missing bytes of a file. An ETag is not looked at: it is the hub's hash on the hub,
// anything on a mirror or a content network, and the content's own hash decides in any case.
func (p *puller) fetch(ctx context.Context, part *partial, progressed func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := part.file
	res, err := p.client.get(ctx, p.name, p.client.address(p.name.Repo, "resolve", p.commit, url.PathEscape(f.name)),
		part.at)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK && part.at > 0 { // the server has no ranges: start from the beginning
		if err := part.restart(); err != nil {
			return backoff.Permanent(err)
		}
	}
	if rest := f.size - part.at; res.ContentLength > rest {
		return backoff.Permanent(fmt.Errorf("the server sends %d bytes; expected %d", res.ContentLength, rest))
	}
	watch := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer watch.Stop()
	body := reader(func(b []byte) (int, error) {
		n, err := res.Body.Read(b)
		if n > 0 {
			watch.Reset(silence)
			progressed()
		}
		return n, err
	})
	_, err = io.CopyBuffer(part, io.LimitReader(body, f.size-part.at), make([]byte, 256<<10))
	switch {
	case errors.Is(context.Cause(ctx), errSilent):
		return errSilent
	case err != nil && ctx.Err() != nil:
		return backoff.Permanent(context.Cause(ctx))
	case err == nil && part.at < f.size && res.StatusCode == http.StatusOK: // all that it has, and all it will ever send
		return backoff.Permanent(fmt.Errorf("the server sends %d bytes; expected %d", part.at, f.size))
	case err == nil && part.at < f.size: // a part of the rest; the next request continues
		return io.ErrUnexpectedEOF
	}
	return err
}

type reader func([]byte) (int, error)

func (r reader) Read(b []byte) (int, error) { return r(b) }

func hasSize(path string, size int64) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}
