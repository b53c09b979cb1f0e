package serve

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"lidrlab/lidr/lm/local"
)

// problem is an error in OpenAI's form.
type problem struct {
	status  int
	Message string
	Param   string // the field that is wrong
	Code    string
}

func (p *problem) Error() string { return p.Message }

// MarshalJSON returns {"message", "type", "param", "code"}; the last two are null if empty.
func (p *problem) MarshalJSON() ([]byte, error) {
	kind := "invalid_request_error"
	switch {
	case p.status >= http.StatusInternalServerError:
		kind = "server_error"
	case p.status == http.StatusTooManyRequests:
		kind = "rate_limit_error"
	}
	orNull := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	return json.Marshal(map[string]any{
		"message": p.Message,
		"type":    kind,
		"param":   orNull(p.Param),
		"code":    orNull(p.Code),
	})
}

// invalid returns the problem of a field.
func invalid(param, message string) *problem {
	return &problem{status: http.StatusBadRequest, Param: param, Message: param + ": " + message}
}

// problemOf returns the problem that a client gets for err.
func problemOf(err error) *problem {
	var p *problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, local.ErrTooLarge):
		return &problem{status: http.StatusBadRequest, Code: "context_length_exceeded", Message: err.Error()}
	case errors.Is(err, local.ErrClosed):
		return &problem{status: http.StatusServiceUnavailable, Message: err.Error()}
	}
	return &problem{status: http.StatusInternalServerError, Message: err.Error()}
}

func refuse(w http.ResponseWriter, p *problem) { reply(w, p.status, map[string]any{"error": p}) }

func reply(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil { // does not happen: everything that is sent can be marshalled
		status = http.StatusInternalServerError
		data = []byte(`{"error":{"message":"the answer cannot be written","type":"server_error","param":null,"code":null}}`)
	}
	deadline(w)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(data) // the error of a disconnected client does not matter
}

// deadline sets the deadline of the next write, so that a client that reads nothing does not keep its slot. It is
// called before every write, since the connection keeps the last deadline.
func deadline(w http.ResponseWriter) {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime))
}
