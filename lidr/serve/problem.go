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

// MarshalJSON gives {"message", "type", "param", "code"}; the last two are null where there is none.
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
	return json.Marshal(map[string]any{"message": p.Message, "type": kind, "param": orNull(p.Param), "code": orNull(p.Code)})
}

// invalid says what is wrong with a field.
func invalid(param, message string) *problem {
	return &problem{status: http.StatusBadRequest, Param: param, Message: param + ": " + message}
}

// problemOf is what a client is told of err.
func problemOf(err error) *problem {
	var p *problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, local.ErrClosed):
		return &problem{status: http.StatusServiceUnavailable, Message: err.Error()}
	}
	return &problem{status: http.StatusInternalServerError, Message: err.Error()}
}

func refuse(w http.ResponseWriter, p *problem) { reply(w, p.status, map[string]any{"error": p}) }

func reply(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil { // all that is sent can be marshalled
		status, data = http.StatusInternalServerError, []byte(`{"error":{"message":"the answer cannot be written","type":"server_error","param":null,"code":null}}`)
	}
	deadline(w)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(data) // a client that has gone needs no answer
}

// deadline keeps a client that takes nothing from holding its place. It goes before every write, since the connection
// keeps it until the next.
func deadline(w http.ResponseWriter) {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime))
}
