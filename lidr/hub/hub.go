// Package hub finds, downloads and publishes models by their name on the Hugging Face hub. [Find] looks in the cache
// folder that all programs of that ecosystem share, and never uses the network; [Pull] downloads into it the files that
// package checkpoint and package tokenizer read, and no others: no pickled weights, no code. [Push] sends models, data
// sets and pages.
//
//	lidr pull Qwen/Qwen2.5-0.5B-Instruct
//	lidr push model runs/demo/M1/model ORG/NAME
//
// The first downloads a model, which --model ORG/NAME and lidr.LoadModel then find by its name; the second publishes
// one. Nothing is downloaded or sent unasked. A download that was cut off is continued, every file is checked by its
// hash, and the environment variables are those of the hub's own tools: HF_HOME and HF_HUB_CACHE, HF_TOKEN for gated
// models and for publishing, HF_ENDPOINT for another hub, and HF_HUB_OFFLINE, which forbids the network.
//
// It is a client of our own because a model that is downloaded must be checked against the hashes that the hub lists,
// and must be found offline afterwards, and because no library for Go publishes to the hub so that a push goes on after
// any interruption.
//
// The cache's layout is huggingface_hub's ("Understand caching" in its documentation):
//
//	models--ORG--NAME/refs/main              the commit that a branch or tag points to
//	                  blobs/HASH             contents: SHA-256 of large files, git's SHA-1 of small ones
//	                  snapshots/COMMIT/FILE  links to them
package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"lidrlab/lidr/input"
)

// Name is a model on the hub.
type Name struct {
	Repo     string // "org/name"
	Revision string // a branch, a tag or a commit's 40 hexadecimal digits
}

var (
	repoPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$`)
	hexPattern  = regexp.MustCompile(`^[0-9a-f]+$`)
)

// ParseName reads "org/name" or "org/name@revision"; without a revision it is main.
func ParseName(s string) (Name, error) {
	repo, revision, given := strings.Cut(s, "@")
	if !given {
		revision = "main"
	}
	switch {
	case !repoPattern.MatchString(repo) || strings.Contains(repo, "--") || strings.Contains(repo, ".."):
		return Name{}, fmt.Errorf("%q is not the name of a model on the hub; expected ORG/NAME or ORG/NAME@REVISION", s)
	case !fs.ValidPath(revision) || revision == "." || strings.ContainsAny(revision, `\:?#%`):
		return Name{}, fmt.Errorf("%q: the revision %q is not a branch, a tag or a commit", s, revision)
	}
	return Name{repo, revision}, nil
}

func (n Name) String() string {
	if n.Revision == "main" {
		return n.Repo
	}
	return n.Repo + "@" + n.Revision
}

// Cache returns the folder of the cache: HF_HUB_CACHE, or hub below HF_HOME, XDG_CACHE_HOME/huggingface or
// ~/.cache/huggingface.
func Cache() (string, error) {
	if dir := os.Getenv("HF_HUB_CACHE"); dir != "" {
		return dir, nil
	}
	home, err := home()
	return filepath.Join(home, "hub"), err
}

func home() (string, error) {
	if dir := os.Getenv("HF_HOME"); dir != "" {
		return dir, nil
	}
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Join(dir, "huggingface"), nil
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%w; set HF_HOME to the folder of the model cache", err)
	}
	return filepath.Join(user, ".cache", "huggingface"), nil
}

// Offline reports whether HF_HUB_OFFLINE forbids the network: whether it is one of the words that huggingface_hub takes
// for true.
func Offline() bool {
	switch strings.ToUpper(os.Getenv("HF_HUB_OFFLINE")) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

// folder returns the model's folder in the cache.
func (n Name) folder() (string, error) {
	cache, err := Cache()
	return filepath.Join(cache, "models--"+strings.ReplaceAll(n.Repo, "/", "--")), err
}

// commit reports whether the revision is a commit, for which there is no file in refs.
func (n Name) commit() bool { return len(n.Revision) == 40 && hexPattern.MatchString(n.Revision) }

// Find returns the model's folder in the cache, or an fs.ErrNotExist that says how to download the model.
func Find(n Name) (string, error) {
	folder, err := n.folder()
	if err != nil {
		return "", err
	}
	commit := n.Revision
	if !n.commit() {
		ref, err := input.ReadFile(filepath.Join(folder, "refs", filepath.FromSlash(n.Revision)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		commit = strings.TrimSpace(string(ref))
	}
	snapshot := filepath.Join(folder, "snapshots", commit)
	if _, err := os.Stat(filepath.Join(snapshot, "config.json")); hexPattern.MatchString(commit) && err == nil {
		return snapshot, nil
	}
	return "", fmt.Errorf("%s is neither a folder here nor in the model cache (%s); `lidr pull %s` downloads it: %w", n,
		filepath.Dir(folder), n, fs.ErrNotExist)
}
