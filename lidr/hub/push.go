package hub

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/cenkalti/backoff/v5"
)

// Upload is what [Push] sends.
type Upload struct {
	Name Name   // ORG/NAME, and the branch
	Kind string // "model", "dataset" or "space", which is a static page
	// Public makes a repository that everyone reads, and allows to send to one. Otherwise a new one is private, and one
	// that is there must be.
	Public  bool
	Summary string // of the commit
	Files   []Source
}

// Source is a file that is sent.
type Source struct {
	Path string // in the repository, with forward slashes
	File string // on this machine
}

// Plan is what a push is going to do, before it changes anything on the hub.
type Plan struct {
	URL     string // of the repository
	New     bool   // it is not there yet, or the token may not see it
	Private bool   // who reads it: its owners, or everyone
	Files   int
	Bytes   int64 // of all files; those that the hub has are not sent
}

// Pushed is what a push has done.
type Pushed struct {
	URL    string   // of the repository
	Commit string   // that the files are at, "" where nothing had to be sent
	Files  []string // that were new or different, by their paths
	// Warnings are what the hub says of the front matter of README.md, such as of fields that it does not know.
	Warnings []string
}

// kinds are the kinds of repositories with what precedes their names in addresses.
var kinds = map[string]string{"model": "", "dataset": "datasets/", "space": "spaces/"}

// pusher sends one upload.
type pusher struct {
	Upload
	client *client
	files  []*outgoing
	add    func(int64)
}

// Push sends files to a repository on the hub, which it makes if it is not there, as one commit. Before it changes
// anything there it asks agree, whose error ends it; nil refuses. progress is called with the numbers of bytes sent and
// in all, from one goroutine at a time.
//
// Files that the hub has already are not sent again: neither those of the last commit, nor large ones that a push sent
// before it was killed. So the same push, called again, goes on, and one that is done changes nothing. A large file of
// which a part was sent is sent anew, and one that changes meanwhile is an error. Files of the repository that the push
// does not have stay.
//
// The requests are those of huggingface_hub without Xet: validate-yaml for README.md, repos/create, preupload, Git LFS'
// batch with the transfers basic and multipart, and commit. They have been tried against a hub made for the tests, and
// compared there with what huggingface_hub sends (TestPeersPush); not against huggingface.co.
func Push(ctx context.Context, u Upload, agree func(Plan) error, progress func(done, total int64)) (Pushed, error) {
	if err := u.valid(); err != nil {
		return Pushed{}, err
	}
	if agree == nil {
		return Pushed{}, fmt.Errorf("%s: nothing is sent to the hub unasked; expected a function that agrees", u.Name)
	}
	if Offline() {
		return Pushed{}, fmt.Errorf("nothing is sent to %s: HF_HUB_OFFLINE forbids the network; unset it to send", u.Name)
	}
	c, err := newClient()
	if err != nil {
		return Pushed{}, err
	}
	if !c.knows() {
		return Pushed{}, fmt.Errorf("nothing is sent to %s without a token of the hub: set HF_TOKEN to one that may write "+
			"(%s), or log in with its own tools (hf auth login)", u.Name, c.address("settings", "tokens"))
	}
	p := &pusher{Upload: u, client: c}
	plan := Plan{URL: c.address(kinds[u.Kind] + u.Name.Repo), Files: len(u.Files)}
	for _, source := range u.Files {
		file := &outgoing{Source: source}
		if err := file.look(); err != nil {
			return Pushed{}, err
		}
		p.files = append(p.files, file)
		plan.Bytes += file.size
	}
	if plan.New, plan.Private, err = p.look(ctx); err != nil {
		return Pushed{}, err
	}
	if err := agree(plan); err != nil {
		return Pushed{}, err
	}
	var reporting sync.Mutex
	done := int64(0)
	p.add = func(n int64) {
		reporting.Lock()
		defer reporting.Unlock()
		done += n
		progress(done, plan.Bytes)
	}
	p.add(0)
	for _, file := range p.files {
		if err := file.read(ctx); err != nil {
			return Pushed{}, err
		}
	}
	warnings, err := p.checkCard(ctx)
	if err != nil {
		return Pushed{}, err
	}
	if plan.New {
		if err := p.create(ctx); err != nil {
			return Pushed{}, err
		}
	}
	pushed, err := p.send(ctx, plan.URL)
	pushed.Warnings = warnings
	return pushed, err
}

func (u Upload) valid() error {
	if _, ok := kinds[u.Kind]; !ok {
		return fmt.Errorf("a repository of kind %q, expected model, dataset or space", u.Kind)
	}
	if len(u.Files) == 0 || u.Summary == "" || u.Name.commit() {
		return fmt.Errorf("%s: expected files, a summary of the commit, and a branch to put it on", u.Name)
	}
	seen := map[string]bool{}
	for _, f := range u.Files {
		if !fs.ValidPath(f.Path) || f.Path == "." || strings.ContainsAny(f.Path, `\:`) || seen[f.Path] ||
			slices.Contains(strings.Split(f.Path, "/"), ".git") {
			return fmt.Errorf("%s: %q is not the path of a file in a repository, each once", f.File, f.Path)
		}
		seen[f.Path] = true
	}
	return nil
}

// send brings what the hub lacks there and commits it. What fails on the way is tried again from the hub's own account
// of what it has, so that a commit whose answer was lost is not made twice.
func (p *pusher) send(ctx context.Context, url string) (Pushed, error) {
	return retry(ctx, func(func()) (Pushed, error) {
		missing, err := p.preupload(ctx)
		if err != nil || len(missing) == 0 {
			return Pushed{URL: url}, err
		}
		if err := p.uploadAll(ctx, missing); err != nil {
			return Pushed{}, err
		}
		commit, err := p.commit(ctx, missing)
		if err != nil {
			return Pushed{}, err
		}
		out := Pushed{URL: url, Commit: commit}
		for _, f := range missing {
			out.Files = append(out.Files, f.Path)
		}
		return out, nil
	})
}

// uploadAll sends the large files in parallel. The first error stops the others.
func (p *pusher) uploadAll(ctx context.Context, files []*outgoing) error {
	var large []*outgoing
	for _, f := range files {
		if f.large && !f.sent {
			large = append(large, f)
		}
	}
	if len(large) == 0 {
		return nil
	}
	actions, err := p.batch(ctx, large)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	queue := make(chan *outgoing, len(large))
	for _, f := range large {
		queue <- f
	}
	close(queue)
	var workers sync.WaitGroup
	for range min(parallel, len(large)) {
		workers.Go(func() {
			for f := range queue {
				if ctx.Err() != nil {
					return
				}
				if err := p.upload(ctx, f, actions[f.sha256]); err != nil {
					stop(err)
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

// upload sends one large file by the hub's instructions, and by new ones after an error: their addresses expire.
func (p *pusher) upload(ctx context.Context, f *outgoing, by lfsActions) error {
	fresh := true
	_, err := retry(ctx, func(func()) (struct{}, error) {
		if !fresh {
			again, err := p.batch(ctx, []*outgoing{f})
			if err != nil {
				return struct{}{}, err
			}
			by = again[f.sha256]
		}
		fresh = false
		return struct{}{}, p.transfer(ctx, f, by)
	})
	f.sent = err == nil
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%s: %w", f.File, err)
	}
	return backoff.Permanent(err) // it has been tried often enough
}

// api is an address of the repository in the API.
func (p *pusher) api(elements ...string) string {
	return p.client.address(append([]string{"api", p.Kind + "s", p.Name.Repo}, elements...)...)
}

// branch is the revision as it is in an address.
func (p *pusher) branch() string { return strings.ReplaceAll(path.Clean(p.Name.Revision), "/", "%2F") }
