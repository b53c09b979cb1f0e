package tokenizer

import (
	"slices"
	"testing"
)

// Gemma 2's template refuses a system turn; its text begins the user's then.
func TestSystemTurnIsFolded(t *testing.T) {
	const gemma2 = "{% if messages[0]['role'] == 'system' %}" +
		"{{ raise_exception('System role not supported') }}{% endif %}" +
		"{% for m in messages %}{{ '<' + m['role'] + '>' + (m['content'] | trim) + '<|im_end|>' }}{% endfor %}"
	tok := withTemplate(t, gemma2)
	if !tok.RefusesSystem() {
		t.Error("the template refuses a system turn, and RefusesSystem says that it does not")
	}
	conversation := []Message{{"system", "Be brief."}, {"user", "Hi"}, {"assistant", "Ho"}, {"user", "So"}}
	if s, err := tok.RenderChat(conversation, false); err == nil {
		t.Errorf("RenderChat = %q; transformers refuses", s)
	}
	for _, c := range []struct{ given, as []Message }{
		{conversation, []Message{{"user", "Be brief.\n\nHi"}, {"assistant", "Ho"}, {"user", "So"}}},
		{conversation[1:], conversation[1:]},
	} {
		got, err := tok.EncodeChat(c.given, false, "")
		if err != nil {
			t.Fatal(err)
		}
		want, err := tok.EncodeChat(c.as, false, "")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v is encoded as %q; expected as %v", c.given, tok.DecodeBytes(got), c.as)
		}
	}
	if _, err := tok.EncodeChat([]Message{{"system", "alone"}}, true, ""); err == nil {
		t.Error("a system turn alone was encoded")
	}
	for _, name := range []string{"qwen2", "llama3", "llama2"} {
		if tok := load(t, name); tok.RefusesSystem() {
			t.Errorf("%s takes a system turn, and RefusesSystem says that it does not", name)
		}
	}
}
