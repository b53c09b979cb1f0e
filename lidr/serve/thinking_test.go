package serve

import (
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/tokenizer"
)

// A client says by enable_thinking, as to vLLM, whether the model is to think, and by nothing that it is not.
func TestThinking(t *testing.T) {
	files := fstest.MapFS{"chat_template.jinja": {Data: []byte("{% for m in messages %}{{ m.content }}{% endfor %}" +
		"{% if not enable_thinking %}<think></think>{% endif %}")}}
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "config.json"} {
		data, err := fs.ReadFile(miniature.M0(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	s := start(t, Options{}, func(_ *checkpoint.Checkpoint, words *tokenizer.Tokenizer) {
		asks, err := tokenizer.Load(files)
		if err != nil {
			t.Fatal(err)
		}
		*words = *asks
	})
	ask := func(kwargs string) (status, tokens int, text string) {
		body := `{"model":"miniature","max_tokens":2,"messages":[{"role":"user","content":"Hi"}]` + kwargs + `}`
		res, err := http.Post(s.url+"/v1/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		read, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		var said struct {
			Usage struct {
				Prompt int `json:"prompt_tokens"`
			} `json:"usage"`
		}
		if err := json.Unmarshal(read, &said); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, said.Usage.Prompt, string(read)
	}
	_, silent, _ := ask("")
	_, off, _ := ask(`,"chat_template_kwargs":{"enable_thinking":false}`)
	_, on, text := ask(`,"chat_template_kwargs":{"enable_thinking":true}`)
	if silent != off || on == 0 || on >= off {
		t.Errorf("%d prompt tokens of silence, %d without thinking, %d with it: %s", silent, off, on, text)
	}
	for _, kwargs := range []string{`{"enable_thinking":"no"}`, `{"reasoning_effort":"low"}`, `[]`} {
		if status, _, text := ask(`,"chat_template_kwargs":` + kwargs); status != http.StatusBadRequest {
			t.Errorf("%s: status %d, %s", kwargs, status, text)
		}
	}
}
