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
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"lidrlab/lidr/input"
)

const (
	lfsBatch   = ".git/info/lfs/objects/batch"
	lfsMedia   = "application/vnd.git-lfs+json"
	sampleSize = 512
)

// outgoing is a file that is sent, as it was when the push began.
type outgoing struct {
	Source
	size         int64
	changed      time.Time
	sha256, sha1 string // the second as git's of a blob
	sample       []byte
	large        bool  // for large-file storage, as the hub says
	sent         bool  // to it
	counted      int64 // bytes in the progress
}

// look notes a file's size and time.
func (f *outgoing) look() error {
	file, err := input.OpenFile(f.File) // which refuses what is no file of its own
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil {
		f.size, f.changed = info.Size(), info.ModTime()
	}
	return errors.Join(err, file.Close())
}

// read computes a file's hashes.
func (f *outgoing) read(ctx context.Context) error {
	file, err := input.OpenFile(f.File)
	if err != nil {
		return err
	}
	defer file.Close()
	large, small, beginning := sha256.New(), sha1.New(), &head{[]byte{}}
	fmt.Fprintf(small, "blob %d\x00", f.size) // git hash-object
	content := reader(func(b []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return file.Read(b)
	})
	n, err := io.CopyBuffer(io.MultiWriter(large, small, beginning), content, make([]byte, 1<<20))
	if err != nil {
		return err
	}
	f.sha256, f.sha1 = hex.EncodeToString(large.Sum(nil)), hex.EncodeToString(small.Sum(nil))
	f.sample = beginning.bytes
	if n != f.size {
		return f.hasChanged()
	}
	return f.unchanged()
}

// head keeps the first bytes written to it.
type head struct{ bytes []byte }

func (h *head) Write(b []byte) (int, error) {
	h.bytes = append(h.bytes, b[:min(len(b), sampleSize-len(h.bytes))]...)
	return len(b), nil
}

var errChanged = errors.New("was changed while it was sent, and is not published; run the same command again")

func (f *outgoing) hasChanged() error { return fmt.Errorf("%s %w", f.File, errChanged) }

// unchanged is an error where the file is not as it was when the push began.
func (f *outgoing) unchanged() error {
	info, err := os.Stat(f.File)
	if err != nil {
		return err
	}
	if info.Size() != f.size || !info.ModTime().Equal(f.changed) {
		return f.hasChanged()
	}
	return nil
}

// content returns a file that goes into the commit.
func (f *outgoing) content() ([]byte, error) {
	content, err := input.ReadFile(f.File)
	if err == nil && hex.EncodeToString(sum256(content)) != f.sha256 {
		err = f.hasChanged()
	}
	return content, err
}

func sum256(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] }

// lfsActions are the hub's instructions for one object: none where it has it.
type lfsActions struct {
	Actions struct {
		Upload, Verify *lfsAction
	}
}

type lfsAction struct {
	Href   string
	Header map[string]string
}

// batch asks how objects are sent (Git LFS, docs/api/batch.md; multipart is the hub's own).
func (p *pusher) batch(ctx context.Context, files []*outgoing) (map[string]lfsActions, error) {
	type object struct {
		OID  string `json:"oid"`
		Size int64  `json:"size"`
	}
	asked := map[string]any{"operation": "upload", "transfers": []string{"basic", "multipart"}, "hash_algo": "sha256",
		"ref": map[string]string{"name": p.Name.Revision}}
	var objects []object
	for _, f := range files {
		objects = append(objects, object{f.sha256, f.size})
	}
	asked["objects"] = objects
	var answer struct {
		Objects []struct {
			OID string
			lfsActions
			Error *struct{ Message string }
		}
	}
	address := p.client.address(kinds[p.Kind] + p.Name.Repo + lfsBatch)
	if err := p.once(ctx, http.MethodPost, address, asked, &answer); err != nil {
		return nil, err
	}
	out := map[string]lfsActions{}
	for _, o := range answer.Objects {
		if o.Error != nil {
			return nil, backoff.Permanent(fmt.Errorf("%s: the hub takes no file with the SHA-256 %.12s: %.300q", p.Name, o.OID,
				o.Error.Message))
		}
		out[o.OID] = o.lfsActions
	}
	for _, f := range files {
		if _, ok := out[f.sha256]; !ok {
			return nil, backoff.Permanent(fmt.Errorf("%s: the hub says nothing of %s", p.Name, f.Path))
		}
	}
	return out, nil
}

// transfer sends one object, whole or in parts, and lets the hub verify it.
func (p *pusher) transfer(ctx context.Context, f *outgoing, by lfsActions) error {
	upload, verify := by.Actions.Upload, by.Actions.Verify
	if upload == nil { // the hub has it
		p.count(f)
		return nil
	}
	p.add(-f.counted)
	f.counted = 0
	file, err := input.OpenFile(f.File)
	if err != nil {
		return backoff.Permanent(err)
	}
	defer file.Close()
	address, err := p.target(upload.Href)
	if err != nil {
		return err
	}
	if upload.Header["chunk_size"] != "" {
		err = p.multipart(ctx, f, file, address, upload.Header)
	} else {
		_, err = p.put(ctx, f, section{file, 0, f.size, sha256.New()}, address, upload.Header)
	}
	if err != nil || verify == nil {
		return err
	}
	if address, err = p.target(verify.Href); err != nil {
		return err
	}
	return p.once(ctx, http.MethodPost, address, map[string]any{"oid": f.sha256, "size": f.size}, nil)
}

// multipart sends a file in parts of the size that the hub names, one after the other, and then says that they are all.
func (p *pusher) multipart(ctx context.Context, f *outgoing, file io.ReaderAt, done string,
	by map[string]string) error {
	size, err := strconv.ParseInt(by["chunk_size"], 10, 64)
	if err != nil || size <= 0 {
		return backoff.Permanent(fmt.Errorf("the hub wants parts of %.20q bytes, expected a number", by["chunk_size"]))
	}
	addresses := map[int64]string{}
	for key, href := range by {
		if part, err := strconv.ParseInt(key, 10, 64); err == nil {
			if addresses[part], err = p.target(href); err != nil {
				return err
			}
		}
	}
	count := (f.size + size - 1) / size
	type part struct {
		Number int64  `json:"partNumber"`
		ETag   string `json:"etag"`
	}
	var parts []part
	sum := sha256.New()
	for number := int64(1); number <= count; number++ {
		address, ok := addresses[number]
		if !ok || int64(len(addresses)) != count {
			return backoff.Permanent(fmt.Errorf("the hub gives addresses of %d parts of %d bytes, expected %d", len(addresses),
				size, count))
		}
		etag, err := retry(ctx, func(func()) (string, error) {
			next, err := sum.(hash.Cloner).Clone()
			if err != nil {
				return "", backoff.Permanent(err)
			}
			before, from := f.counted, (number-1)*size
			etag, err := p.put(ctx, f, section{file, from, min(size, f.size-from), next}, address, nil)
			switch {
			case err == nil && etag == "":
				err = fmt.Errorf("part %d has no ETag in the answer", number)
			case errors.Is(err, errExpired):
				err = backoff.Permanent(err)
			}
			if err != nil {
				p.add(before - f.counted)
				f.counted = before
				return "", err
			}
			sum = next
			return etag, nil
		})
		if errors.Is(err, errChanged) {
			return backoff.Permanent(err)
		} else if err != nil {
			return err
		}
		parts = append(parts, part{number, etag})
	}
	return p.once(ctx, http.MethodPost, done, map[string]any{"oid": f.sha256, "parts": parts}, nil)
}

// section is a part of a file to send: n bytes from a place on, and the hash of what is before them.
type section struct {
	file    io.ReaderAt
	from, n int64
	sum     hash.Hash
}

// put sends a section and returns the ETag of the answer. The last bytes of a file that is not what it was are held
// back, so that no storage takes it for whole.
func (p *pusher) put(ctx context.Context, f *outgoing, s section, address string,
	headers map[string]string) (string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer watch.Stop()
	content, at := io.NewSectionReader(s.file, s.from, s.n), s.from
	body := reader(func(b []byte) (int, error) {
		k, err := content.Read(b)
		if k == 0 {
			return 0, err
		}
		s.sum.Write(b[:k])
		at += int64(k)
		if at == f.size && hex.EncodeToString(s.sum.Sum(nil)) != f.sha256 {
			return 0, f.hasChanged()
		}
		watch.Reset(silence)
		f.counted += int64(k)
		p.add(int64(k))
		return k, nil
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, address, body)
	if err != nil {
		return "", backoff.Permanent(err)
	}
	r.ContentLength = s.n
	for key, value := range headers {
		r.Header.Set(key, value)
	}
	r.Header.Set("User-Agent", "lidr")
	res, err := p.client.http.Do(r)
	if err != nil {
		if errors.Is(context.Cause(ctx), errSilent) {
			return "", errSilent
		}
		if changed := f.unchanged(); changed != nil {
			return "", backoff.Permanent(changed)
		} else if errors.Is(err, errChanged) {
			return "", backoff.Permanent(f.hasChanged())
		}
		return "", p.client.unanswered(ctx, err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return "", p.refused(res, nil)
	}
	return res.Header.Get("ETag"), nil
}

// target is an address that the hub gives: of this hub where it names the official one, and never one that is read by
// others on the way unless the hub's own is.
func (p *pusher) target(href string) (string, error) {
	if rest, ok := strings.CutPrefix(href, officialEndpoint+"/"); ok {
		href = strings.TrimSuffix(p.client.endpoint.String(), "/") + "/" + rest
	}
	to, err := url.Parse(href)
	if err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != p.client.endpoint.Scheme {
		return "", backoff.Permanent(errors.New("the hub names no address that a file may be sent to, expected one of https"))
	}
	return href, nil
}
