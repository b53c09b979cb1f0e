package serve

import (
	"encoding/json"
	"strings"
	"testing"
)

// The requests of Open WebUI, by their shape (backend/open_webui, routers/openai.py and routers/tasks.py): a chat that
// streams with its usage, and the title and the tags of a conversation that do not, and may name a user and metadata.
func TestOpenWebUI(t *testing.T) {
	s := start(t, Options{})
	question := `"messages":[{"role":"system","content":""},{"role":"user","content":[{"type":"text","text":` +
		`"Anna has 3 apples. Anna buys 4 apples. How many apples does Anna have?"}]}]`
	status, streamed := post(t, s, "POST", "/v1/chat/completions", `{"stream":true,"model":"miniature",`+question+
		`,"stream_options":{"include_usage":true},"temperature":0,"max_tokens":40}`, nil)
	if status != 200 || !strings.HasSuffix(strings.TrimSpace(streamed), "data: [DONE]") ||
		!strings.Contains(streamed, `"completion_tokens"`) {
		t.Fatalf("status %d, %.300s", status, streamed)
	}
	text := ""
	for line := range strings.Lines(streamed) {
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if ok && json.Unmarshal([]byte(data), &chunk) == nil && len(chunk.Choices) > 0 {
			text += chunk.Choices[0].Delta.Content
		}
	}
	for _, length := range []string{"max_tokens", "max_completion_tokens"} {
		status, whole := post(t, s, "POST", "/v1/chat/completions", `{"model":"miniature",`+question+`,"stream":false,"`+
			length+`":40,"temperature":0,"user":"u","metadata":{"task":"title_generation","chat_id":null}}`, nil)
		var answer struct {
			Choices []struct{ Message struct{ Content string } }
		}
		if err := json.Unmarshal([]byte(whole), &answer); err != nil || status != 200 || text == "" ||
			answer.Choices[0].Message.Content != text {
			t.Errorf("status %d, %.300s; streamed %q", status, whole, text)
		}
	}
}
