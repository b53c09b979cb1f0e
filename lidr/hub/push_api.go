package hub

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/cenkalti/backoff/v5"
)

const (
	maxPaths   = 256      // of one preupload, as in huggingface_hub
	maxRegular = 64 << 20 // bytes of a file inside a commit; the hub itself sends those from 10 MB on to large storage
)

// look reports whether the repository is to be made, and whether it is private or will be.
func (p *pusher) look(ctx context.Context) (isNew, private bool, err error) {
	var found struct {
		Private *bool `json:"private"`
	}
	err = p.ask(ctx, http.MethodGet, p.api(), nil, &found)
	switch {
	case errors.Is(err, errNotThere):
		return true, !p.Public, nil
	case err != nil:
		return false, false, err
	case found.Private == nil:
		return false, false, fmt.Errorf("%s: the hub does not say who may read it, so nothing is sent", p.Name)
	case !*found.Private && !p.Public:
		return false, false, fmt.Errorf("%s is there and public: everyone reads what is sent to it; say that this is meant "+
			"(--public), or choose another name", p.Name)
	}
	return false, *found.Private, nil
}

// checkCard lets the hub check README.md, before anything is sent, and returns its warnings.
func (p *pusher) checkCard(ctx context.Context) ([]string, error) {
	i := slices.IndexFunc(p.files, func(f *outgoing) bool { return f.Path == "README.md" })
	if i < 0 || p.files[i].size > maxAnswer {
		return nil, nil
	}
	card, err := p.files[i].content()
	if err != nil {
		return nil, err
	}
	var found struct {
		Warnings []struct{ Message string }
	}
	body := map[string]string{"content": string(card), "repoType": p.Kind}
	err = p.ask(ctx, http.MethodPost, p.client.address("api", "validate-yaml"), body, &found)
	if errors.Is(err, errNotThere) { // a hub without the check
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", p.files[i].File, err)
	}
	var warnings []string
	for _, w := range found.Warnings {
		warnings = append(warnings, w.Message)
	}
	return warnings, nil
}

// create makes the repository. One that was made meanwhile, as by a push that was killed, must be what was agreed to.
func (p *pusher) create(ctx context.Context) error {
	organization, name, _ := strings.Cut(p.Name.Repo, "/")
	body := map[string]any{"name": name, "organization": organization, "type": p.Kind, "visibility": "private"}
	if p.Public {
		body["visibility"] = "public"
	}
	if p.Kind == "space" {
		body["sdk"] = "static"
	}
	err := p.ask(ctx, http.MethodPost, p.client.address("api", "repos", "create"), body, nil)
	if errors.Is(err, errConflict) {
		if isNew, _, looked := p.look(ctx); looked != nil || isNew {
			return errors.Join(looked, err)
		}
		return nil
	}
	return err
}

// preupload asks which files go to large-file storage, and returns those that differ from the last commit's.
func (p *pusher) preupload(ctx context.Context) ([]*outgoing, error) {
	var missing []*outgoing
	for part := range slices.Chunk(p.files, maxPaths) {
		type entry struct {
			Path   string `json:"path"`
			Sample []byte `json:"sample"` // its first 512 bytes
			Size   int64  `json:"size"`
		}
		var asked struct {
			Files []entry `json:"files"`
		}
		for _, f := range part {
			asked.Files = append(asked.Files, entry{f.Path, f.sample, f.size})
		}
		var answer struct {
			Files []struct {
				Path, UploadMode string
				ShouldIgnore     bool
				OID              string
			}
		}
		if err := p.once(ctx, http.MethodPost, p.api("preupload", p.branch()), asked, &answer); err != nil {
			return nil, err
		}
		modes := map[string]int{}
		for i, a := range answer.Files {
			modes[a.Path] = i + 1
		}
		for _, f := range part {
			i := modes[f.Path]
			if i == 0 {
				return nil, backoff.Permanent(fmt.Errorf("%s: the hub says nothing of %s", p.Name, f.Path))
			}
			a := answer.Files[i-1]
			switch {
			case a.ShouldIgnore:
				return nil, backoff.Permanent(fmt.Errorf("%s: the .gitignore of the repository leaves %s out; change one of "+
					"them", p.Name, f.Path))
			case a.UploadMode != "lfs" && a.UploadMode != "regular":
				return nil, backoff.Permanent(fmt.Errorf("%s: the hub wants %s as %.20q, expected lfs or regular", p.Name, f.Path,
					a.UploadMode))
			}
			f.large = a.UploadMode == "lfs" && f.size > 0 // large-file storage has no empty files
			if !f.large && f.size > maxRegular {
				return nil, backoff.Permanent(fmt.Errorf("%s: the hub wants %s, of %d bytes, inside a commit, expected at most "+
					"%d there", p.Name, f.Path, f.size, maxRegular))
			}
			if f.large && a.OID == f.sha256 || !f.large && a.OID == f.sha1 {
				p.count(f)
				continue
			}
			missing = append(missing, f)
		}
	}
	return missing, nil
}

// commit puts the files on the branch and returns the commit.
func (p *pusher) commit(ctx context.Context, files []*outgoing) (string, error) {
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	lines.SetEscapeHTML(false)
	line := func(key string, value any) error { return lines.Encode(map[string]any{"key": key, "value": value}) }
	if err := line("header", map[string]any{"summary": p.Summary, "description": ""}); err != nil {
		return "", backoff.Permanent(err)
	}
	for _, f := range files {
		if err := f.unchanged(); err != nil {
			return "", backoff.Permanent(err)
		}
		var err error
		if f.large {
			err = line("lfsFile", map[string]any{"path": f.Path, "algo": "sha256", "oid": f.sha256, "size": f.size})
		} else {
			var content []byte
			if content, err = f.content(); err == nil {
				err = line("file", map[string]any{"path": f.Path, "encoding": "base64",
					"content": base64.StdEncoding.EncodeToString(content)})
			}
		}
		if err != nil {
			return "", backoff.Permanent(err)
		}
	}
	var made struct {
		CommitOID string `json:"commitOid"`
	}
	if err := p.once(ctx, http.MethodPost, p.api("commit", p.branch()), body.Bytes(), &made); err != nil {
		return "", err
	}
	if !hexPattern.MatchString(made.CommitOID) {
		return "", backoff.Permanent(fmt.Errorf("%s: the hub names the commit %.60q, expected hexadecimal digits", p.Name,
			made.CommitOID))
	}
	for _, f := range files {
		p.count(f)
	}
	return made.CommitOID, nil
}

// count adds a file that was not counted while it was sent to what is done.
func (p *pusher) count(f *outgoing) {
	p.add(f.size - f.counted)
	f.counted = f.size
}

// ask is [pusher.once], again after errors that pass.
func (p *pusher) ask(ctx context.Context, method, address string, body, answer any) error {
	_, err := retry(ctx, func(func()) (struct{}, error) {
		return struct{}{}, p.once(ctx, method, address, body, answer)
	})
	return err
}

// once sends one request of the API and reads its answer: body is lines of JSON if it is bytes, else a value.
func (p *pusher) once(ctx context.Context, method, address string, body, answer any) error {
	content, kind := []byte(nil), "application/json"
	switch value := body.(type) {
	case nil:
	case []byte:
		content, kind = value, "application/x-ndjson"
	default:
		var err error
		if content, err = json.Marshal(value); err != nil {
			return backoff.Permanent(err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(content))
	if err != nil {
		return backoff.Permanent(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", kind)
	}
	if strings.Contains(r.URL.Path, ".git/info/lfs/") {
		r.Header.Set("Accept", lfsMedia)
		r.Header.Set("Content-Type", lfsMedia)
	}
	r.Header.Set("User-Agent", "lidr")
	res, err := p.client.http.Do(r)
	if err != nil {
		return p.client.unanswered(ctx, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case res.StatusCode/100 != 2:
		return p.refused(res, text)
	case err != nil:
		return err
	case len(text) > maxAnswer:
		return backoff.Permanent(fmt.Errorf("%s: the answer of the API is longer than %d bytes", p.Name, maxAnswer))
	case answer == nil:
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return backoff.Permanent(fmt.Errorf("%s: %s does not speak the hub's API: %w", p.Name, p.client.endpoint.Host, err))
	}
	return nil
}

var (
	errNotThere = errors.New("there is no such repository, or the token may not see it")
	errConflict = errors.New("the hub answers 409")
	errExpired  = errors.New("the address that the hub gave is not valid any more")
)

// refused is the error of an answer that is no success, permanent if another attempt would get the same.
func (p *pusher) refused(res *http.Response, text []byte) error {
	said := p.client.reason(res, text)
	switch status := res.StatusCode; {
	case passes(status):
		return passingError(res)
	case res.Request.URL.Host != p.client.endpoint.Host: // storage, whose addresses expire
		return fmt.Errorf("%s answers %q: %w", res.Request.URL.Host, res.Status, errExpired)
	case status == http.StatusNotFound && res.Header.Get("X-Error-Code") == "RevisionNotFound":
		return backoff.Permanent(fmt.Errorf("%s has no branch %q: make it on the hub first, or push to main", p.Name.Repo,
			p.Name.Revision))
	case res.Header.Get("X-Error-Code") == "RepoNotFound", status == http.StatusNotFound:
		return backoff.Permanent(fmt.Errorf("%s: %w", p.Name, errNotThere))
	case status == http.StatusUnauthorized:
		return backoff.Permanent(fmt.Errorf("%s: the hub does not know the token (%s)%s; set HF_TOKEN to one of %s", p.Name,
			res.Status, said, p.client.address("settings", "tokens")))
	case status == http.StatusForbidden:
		return backoff.Permanent(fmt.Errorf("%s: the token may not write there (%s)%s; take one that may, of %s", p.Name,
			res.Status, said, p.client.address("settings", "tokens")))
	case status == http.StatusConflict && !strings.Contains(said, "in progress") &&
		strings.HasSuffix(res.Request.URL.Path, "/repos/create"):
		return backoff.Permanent(fmt.Errorf("%s: %w%s", p.Name, errConflict, said))
	case status == http.StatusConflict, status == http.StatusPreconditionFailed: // another commit came first
		return fmt.Errorf("%s: someone else changes it (%s)%s", p.Name, res.Status, said)
	}
	return backoff.Permanent(fmt.Errorf("%s: the hub answers %q%s", p.Name, res.Status, said))
}

// reason is what the hub says of an error, in brackets, without the token whatever it says.
func (c *client) reason(res *http.Response, text []byte) string {
	var answer struct {
		Error  string
		Errors []struct{ Message string }
	}
	_ = json.Unmarshal(text, &answer) // it says nothing then
	said := answer.Error
	for _, e := range answer.Errors {
		said += " " + e.Message
	}
	if said == "" {
		said = res.Header.Get("X-Error-Message")
	}
	if a, ok := c.http.Transport.(*authorized); ok && a.token != "" {
		said = strings.ReplaceAll(said, a.token, "…")
	}
	said = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, said)
	if said == "" {
		return ""
	}
	return fmt.Sprintf(" (it says: %.300s)", strings.TrimSpace(said))
}

// knows says whether there is a token.
func (c *client) knows() bool { return c.http.Transport.(*authorized).token != "" }
