package hub

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"lidrlab/lidr/input"
)

const (
	officialEndpoint = "https://huggingface.co"
	maxAnswer        = 16 << 20 // bytes of a page of the API
	maxPages         = 100      // of a listing; a page has a thousand entries
	attempts         = 6        // that may fail in a row without a byte received
	silence          = 60 * time.Second
)

// firstWait is the pause after a first failure; it doubles after each.
var firstWait = time.Second

// client sends requests to one endpoint.
type client struct {
	endpoint *url.URL
	http     *http.Client
}

// newClient reads HF_ENDPOINT and the token: HF_TOKEN, or the file that `hf auth login` writes.
func newClient() (*client, error) {
	text := os.Getenv("HF_ENDPOINT")
	if text == "" {
		text = officialEndpoint
	}
	endpoint, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || endpoint.Host == "" || endpoint.User != nil ||
		endpoint.Scheme != "http" && endpoint.Scheme != "https" {
		return nil, fmt.Errorf("HF_ENDPOINT is no address of a hub; expected an address such as %s", officialEndpoint)
	}
	token, err := readToken()
	if err != nil {
		return nil, err
	}
	ip := net.ParseIP(endpoint.Hostname())
	if token != "" && endpoint.Scheme == "http" && endpoint.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("HF_ENDPOINT %s would get the token of the hub unencrypted; use https, or pull without the "+
			"token: leave HF_TOKEN empty, and HF_TOKEN_PATH at an empty file", endpoint)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = silence
	transport.DisableCompression = true // ranges and sizes are those of the file itself
	return &client{endpoint, &http.Client{
		Transport: &authorized{transport, endpoint, token},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) >= 10 {
				return backoff.Permanent(errors.New("more than 10 redirections"))
			}
			if via[len(via)-1].URL.Scheme == "https" && r.URL.Scheme != "https" {
				return backoff.Permanent(errors.New("redirected from https to an address that is not https"))
			}
			return nil
		},
	}}, nil
}

func readToken() (string, error) {
	if token := strings.TrimSpace(os.Getenv("HF_TOKEN")); token != "" {
		return token, nil
	}
	path := os.Getenv("HF_TOKEN_PATH")
	if path == "" {
		dir, err := home()
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, "token")
	}
	b, err := input.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(b)), err
}

// authorized adds the token to requests to the endpoint itself. It adds it to a copy of the request, so that a
// redirection to another host, scheme or port does not carry the token.
type authorized struct {
	next     http.RoundTripper
	endpoint *url.URL
	token    string
}

func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	if a.token != "" && r.URL.Scheme == a.endpoint.Scheme && r.URL.Host == a.endpoint.Host {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	return a.next.RoundTrip(r)
}

// address joins path elements, each escaped already, to the endpoint.
func (c *client) address(elements ...string) string {
	return c.endpoint.JoinPath(elements...).String()
}

// get sends one request, for the file from byte `from` on. The answer's status is 200 where the server sends all of the
// file and 206 where it sends what was asked for. A mirror that cannot send a part is asked for the whole file, and one
// that compresses unasked is undone. Other answers become errors, permanent ones if another attempt would get the same.
func (c *client) get(ctx context.Context, n Name, address string, from int64) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	r.Header.Set("User-Agent", "lidr")
	r.Header.Set("Accept-Encoding", "identity")
	if from > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, c.unanswered(ctx, err)
	}
	encoding := res.Header.Get("Content-Encoding")
	compressed := encoding != "" && encoding != "identity"
	switch status := res.StatusCode; {
	case from > 0 && (status == http.StatusRequestedRangeNotSatisfiable || status == http.StatusPartialContent &&
		(compressed || !beginsAt(res, from))):
		res.Body.Close()
		return c.get(ctx, n, address, 0)
	case status == http.StatusOK && compressed:
		return decompressed(res, encoding)
	case status == http.StatusOK, from > 0 && status == http.StatusPartialContent:
		return res, nil
	}
	defer res.Body.Close()
	return nil, c.refusal(n, res)
}

// beginsAt tells whether a part of a file begins at a byte (RFC 9110, section 14.4).
func beginsAt(res *http.Response, from int64) bool {
	return strings.HasPrefix(res.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", from))
}

// decompressed returns the answer with the body as it was before the server compressed it.
func decompressed(res *http.Response, encoding string) (*http.Response, error) {
	if encoding != "gzip" && encoding != "x-gzip" {
		res.Body.Close()
		return nil, backoff.Permanent(fmt.Errorf("%s compresses its answers as %.20q, unasked; set HF_ENDPOINT to another "+
			"hub", res.Request.URL.Host, encoding))
	}
	plain, err := gzip.NewReader(res.Body)
	if err != nil {
		res.Body.Close()
		return nil, err
	}
	res.ContentLength = -1
	res.Body = struct {
		io.Reader
		io.Closer
	}{plain, res.Body}
	return res, nil
}

// unanswered returns the error of a request without an answer. The error does not contain the address: one of a content
// network is signed, and would give access to the file to everyone who can read a log.
func (c *client) unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return backoff.Permanent(context.Cause(ctx))
	}
	var bad *url.Error
	if errors.As(err, &bad) {
		err = bad.Err
	}
	var unknown *net.DNSError
	if errors.As(err, &unknown) && unknown.IsNotFound {
		return backoff.Permanent(fmt.Errorf("%s cannot be reached: %w; check the network, or set HF_ENDPOINT to another hub",
			c.endpoint.Host, err))
	}
	return err
}

// refusal returns the error of an answer other than 200 and 206.
func (c *client) refusal(n Name, res *http.Response) error {
	code, page := res.Header.Get("X-Error-Code"), c.address(n.Repo)
	switch status := res.StatusCode; {
	case passes(status):
		return passingError(res)
	case res.Request.URL.Host != c.endpoint.Host:
		// a content network, whose signed addresses expire: the hub gives a new one
		return fmt.Errorf("%s answers %q", res.Request.URL.Host, res.Status)
	case code == "GatedRepo":
		return backoff.Permanent(fmt.Errorf("%s is gated: accept its conditions on %s with your account, and set HF_TOKEN "+
			"to a token of it", n, page))
	case code == "RevisionNotFound":
		return backoff.Permanent(fmt.Errorf("%s: there is no revision %q; %s lists branches and tags", n.Repo, n.Revision,
			page+"/tree/main"))
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound:
		return backoff.Permanent(fmt.Errorf("%s: the hub answers %q: the model does not exist or is private; check the "+
			"name on %s, and set HF_TOKEN to a token that may read it",
			n, res.Status, page))
	default:
		return backoff.Permanent(fmt.Errorf("%s: %s answers %q", n, res.Request.URL.Host, res.Status))
	}
}

// passes says whether another attempt may get another answer.
func passes(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500
}

var rateLimit = regexp.MustCompile(`;\s*t=(\d+)`)

// passingError is the error of an answer that passes, with the time that the server says to wait: in Retry-After, or in
// the hub's RateLimit (`"api";r=0;t=55`, as huggingface_hub reads it).
func passingError(res *http.Response) error {
	after := res.Header.Get("Retry-After")
	if m := rateLimit.FindStringSubmatch(res.Header.Get("RateLimit")); after == "" && m != nil {
		after = m[1]
	}
	if wait, err := strconv.Atoi(after); err == nil && wait > 0 && wait <= 600 {
		return fmt.Errorf("%s answers %q: %w", res.Request.URL.Host, res.Status, backoff.RetryAfter(wait))
	}
	return fmt.Errorf("%s answers %q", res.Request.URL.Host, res.Status)
}

// retry calls do until it succeeds, fails permanently, or has failed six times in a row. do calls progressed when bytes
// arrive, which sets the count to 0.
func retry[T any](ctx context.Context, do func(progressed func()) (T, error)) (T, error) {
	failed := 0
	waits := &backoff.ExponentialBackOff{InitialInterval: firstWait, RandomizationFactor: 0.5, Multiplier: 2,
		MaxInterval: 30 * time.Second}
	return backoff.Retry(ctx, func() (T, error) {
		failed++
		value, err := do(func() { failed = 0; waits.Reset() })
		if err != nil && failed >= attempts {
			var permanent *backoff.PermanentError
			if !errors.As(err, &permanent) {
				err = backoff.Permanent(fmt.Errorf("%w (tried %d times); what has arrived is kept, so run the same command "+
					"again later", err, attempts))
			}
		}
		return value, err
	}, backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(0))
}

// json reads a page of the API into v and returns the address of the next page, "" after the last.
func (c *client) json(ctx context.Context, n Name, address string, v any) (next string, err error) {
	return retry(ctx, func(func()) (string, error) {
		res, err := c.get(ctx, n, address, 0)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
		if err != nil {
			return "", err
		}
		if len(b) > maxAnswer {
			return "", backoff.Permanent(fmt.Errorf("%s: the answer of the API is longer than %d bytes", n, maxAnswer))
		}
		if err := json.Unmarshal(b, v); err != nil {
			return "", backoff.Permanent(fmt.Errorf("%s: %s does not speak the hub's API: %w", n, c.endpoint.Host, err))
		}
		return c.nextPage(n, res)
	})
}

var nextLink = regexp.MustCompile(`<([^>]+)>;\s*rel="?next"?`)

// nextPage reads the Link header (RFC 8288).
func (c *client) nextPage(n Name, res *http.Response) (string, error) {
	m := nextLink.FindStringSubmatch(res.Header.Get("Link"))
	if m == nil {
		return "", nil
	}
	next, err := res.Request.URL.Parse(m[1])
	if err != nil || next.Host != c.endpoint.Host || next.Scheme != c.endpoint.Scheme {
		return "", backoff.Permanent(fmt.Errorf("%s: the list of files continues at another host", n))
	}
	return next.String(), nil
}
