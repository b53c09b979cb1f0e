package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// endpoint is one server of the model.
type endpoint struct {
	url    string
	base   string // as it was given
	chat   openai.ChatCompletionService
	models openai.ModelService
	raw    openai.Client // routes that the library has no types for, or too narrow ones
	known  bool          // it has listed the model
}

// identity is a server's description of its model.
type identity struct {
	ID, OwnedBy string
	Root        string // vLLM, SGLang: the path or hub name of the weights
	Sizes       sizes  // llama.cpp
}

type sizes struct {
	Parameters int64 `json:"n_params"`
	Bytes      int64 `json:"size"`
	Vocabulary int64 `json:"n_vocab"`
	Width      int64 `json:"n_embd"`
}

func (i identity) String() string {
	s := i.ID
	if i.Root != "" && i.Root != i.ID {
		s += " from " + i.Root
	}
	if i.Sizes.Parameters > 0 {
		s += fmt.Sprintf(" (%d parameters, %d bytes)", i.Sizes.Parameters, i.Sizes.Bytes)
	}
	return s + " by " + orDefault(i.OwnedBy, "an unnamed kind of server")
}

type description struct {
	identity identity
	context  int // tokens, or UnknownContext
}

// newEndpoint checks a base URL. The client's services are created one by one, because openai.NewClient would read a
// key, a base URL and headers from environment variables that were set for other servers.
func (m *Model) newEndpoint(base string, client *http.Client) (*endpoint, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" ||
		u.User != nil {
		return nil, fmt.Errorf("remote model: an endpoint is not a base URL of the form http://HOST:PORT/v1 without user, "+
			"query and fragment; a key belongs into $%s", m.options.KeyEnv)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1"
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	if u.Scheme == "http" && m.key() != "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("remote model: %s would get the key in $%s unencrypted; use https, or name an empty "+
			"variable as the key's if the server needs none", u, m.options.KeyEnv)
	}
	options := []option.RequestOption{option.WithBaseURL(u.String()), option.WithHTTPClient(client),
		option.WithMaxRetries(0)}
	if m.key() != "" {
		options = append(options, option.WithAPIKey(m.key()))
	}
	return &endpoint{url: u.String(), base: base, chat: openai.NewChatCompletionService(options...),
		models: openai.NewModelService(options...), raw: openai.Client{Options: options}}, nil
}

// describe requests an endpoint's list of models and finds ours in it. A server without such a list is assumed to have
// it.
func (m *Model) describe(ctx context.Context, e *endpoint) (description, error) {
	ctx, cancel := context.WithTimeout(ctx, min(m.options.Timeout, 20*time.Second))
	defer cancel()
	page, err := e.models.List(ctx, option.WithMiddleware(m.wire(e, func() {})))
	if err != nil {
		err := m.failureOf(err, e, "no list of models came in time")
		if err.status == http.StatusNotFound && m.options.Model != "" {
			return description{identity{ID: m.options.Model}, UnknownContext}, nil
		}
		return description{}, err
	}
	wanted := orDefault(m.options.Model, m.identity.ID)
	var served []string
	for _, model := range page.Data {
		if model.ID == wanted || model.ID == wanted+":latest" || (wanted == "" && len(page.Data) == 1) {
			return m.description(model), nil
		}
		served = append(served, m.redact(model.ID))
	}
	slices.Sort(served)
	const most = 30
	if len(served) > most {
		served = append(served[:most], fmt.Sprintf("and %d more", len(page.Data)-most))
	}
	return description{}, &failure{endpoint: e.url, final: true,
		message: fmt.Sprintf("it does not serve model %q but %s; name one of these", wanted,
			orDefault(strings.Join(served, ", "), "none"))}
}

func (m *Model) description(model openai.Model) description {
	var more struct {
		Root    string `json:"root"`
		Context int    `json:"max_model_len"`
		Sizes   sizes  `json:"meta"`
	}
	if json.Unmarshal([]byte(model.RawJSON()), &more) != nil || more.Context <= 0 {
		more.Context = UnknownContext // these fields are extensions; a server may use the names for something else
	}
	return description{identity{m.redact(model.ID), m.redact(model.OwnedBy), m.redact(more.Root), more.Sizes},
		more.Context}
}
