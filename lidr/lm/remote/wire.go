package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/openai/openai-go/v3/option"

	"lidrlab/lidr/printable"
)

const (
	maxBody       = 16 << 20        // bytes of a response; log-probabilities of a long prompt are the largest
	maxMessage    = 500             // bytes of a server's error message that are shown
	maxRetryAfter = 2 * time.Minute // the longest wait that a server may ask for
	minSecret     = 8               // shorter keys are placeholders such as EMPTY, and may be words of an answer
)

// httpClient returns a client that keeps a connection open for every request that may be in flight. It follows no
// redirect, which would send the key elsewhere.
func httpClient(inFlight, endpoints int) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = inFlight*endpoints, inFlight
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: t, CheckRedirect: stay}
}

// failure is an attempt without an answer.
type failure struct {
	endpoint   string
	status     int // HTTP status, 0 if there was no response; 200 if the response cannot be read
	message    string
	retryAfter time.Duration
	final      bool   // fatal, whatever the status
	refused    bool   // of this request, which would fail again, where others may be answered
	field      string // of the request, which the server does not take
}

func (f *failure) Error() string {
	if f.status == 0 || f.status == http.StatusOK {
		return fmt.Sprintf("%s: %s", f.endpoint, f.message)
	}
	return fmt.Sprintf("%s: status %d: %s", f.endpoint, f.status, f.message)
}

// fatal reports whether the same request would fail again: always but after 408, 409, 429, 5xx and network errors.
func (f *failure) fatal() bool {
	return f.final || f.refused || !f.outage() && f.status != http.StatusRequestTimeout &&
		f.status != http.StatusConflict &&
		f.status != http.StatusTooManyRequests
}

// outage reports whether the failure is one of the endpoint, not of the request.
func (f *failure) outage() bool {
	return !f.final && !f.refused && f.field == "" && (f.status == 0 || f.status == http.StatusOK || f.status >= 500)
}

// failureOf returns err as a failure of e; late is the message if the attempt took too long.
func (m *Model) failureOf(err error, e *endpoint, late string) *failure {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{endpoint: e.url, message: late}
	}
	return &failure{endpoint: e.url, message: shorten(m.redact(err.Error()))}
}

// wire exchanges one request. The response is read whole, and done is called before it is parsed, so that the next
// request can be sent meanwhile; after a refusal it is not, since that may be the reason to send none.
func (m *Model) wire(e *endpoint, done func()) option.Middleware {
	return func(req *http.Request, next option.MiddlewareNext) (*http.Response, error) {
		res, err := next(req)
		if err != nil {
			done()
			return nil, err
		}
		body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
		err = errors.Join(err, res.Body.Close())
		if res.StatusCode != http.StatusOK {
			return nil, m.refusal(e, res.StatusCode, res.Header, body)
		}
		done()
		switch {
		case err != nil:
			return nil, fmt.Errorf("the response broke off after %d bytes: %w", len(body), err)
		case len(body) > maxBody:
			return nil, fmt.Errorf("the response has more than %d bytes", maxBody)
		}
		body = asJSON(body)
		if json.Valid(body) { // some servers call it a text
			res.Header.Set("Content-Type", "application/json")
		}
		res.Body = io.NopCloser(bytes.NewReader(body))
		return res, nil
	}
}

// asJSON returns a response in which the numbers that JSON lacks, and servers written in Python send all the same, are
// null, or -9999, OpenAI's logarithm of what is impossible.
func asJSON(body []byte) []byte {
	if !bytes.Contains(body, []byte("NaN")) && !bytes.Contains(body, []byte("Infinity")) {
		return body
	}
	return noNumber.ReplaceAllFunc(body, func(found []byte) []byte {
		switch {
		case found[0] == '"':
			return found
		case found[0] == '-':
			return []byte("-9999")
		}
		return []byte("null")
	})
}

// noNumber finds strings too, so that what stands in them is left alone.
var noNumber = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-Infinity|Infinity|NaN`)

// retryAfter returns the wait of a Retry-After header: seconds, or a date (RFC 9110, 10.2.3). The date is compared with
// the time of the server's answer, since our clock may be wrong. It is 0 for none, and at most maxRetryAfter.
func retryAfter(header http.Header) time.Duration {
	after := header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(after, 64); err == nil {
		return max(0, time.Duration(min(seconds, maxRetryAfter.Seconds())*float64(time.Second)))
	}
	date, err := http.ParseTime(after)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(0, date.Sub(now)), maxRetryAfter)
}

// redact removes the key from text of a server.
func (m *Model) redact(text string) string {
	if len(m.key()) < minSecret {
		return text
	}
	return strings.ReplaceAll(text, m.key(), "[API key]")
}

// shorten returns the beginning of a server's message, and nothing in it that steers a terminal.
func shorten(text string) string {
	cut := len(text) > maxMessage
	text = printable.Line(strings.ToValidUTF8(text[:min(len(text), maxMessage)], "\uFFFD"))
	if cut || len(text) > maxMessage { // escapes are longer
		text = text[:min(len(text), maxMessage)] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
