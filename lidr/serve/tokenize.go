package serve

import (
	"encoding/json"
	"net/http"
	"strings"
)

// vLLM's routes /tokenize and /detokenize: a client that measures by token ids, as lm-eval does, needs no tokenizer of
// its own.

func (s *Server) tokenize(w http.ResponseWriter, _ *http.Request, body []byte, read func()) {
	ids, strs, err := s.tokens(body)
	read()
	if err != nil {
		refuse(w, problemOf(err))
		return
	}
	out := map[string]any{"count": len(ids), "max_model_len": s.model.ContextLength(), "tokens": ids, "token_strs": nil}
	if strs {
		spelled := make([]string, len(ids))
		for i, id := range ids {
			spelled[i] = strings.ToValidUTF8(string(s.tokenizer.DecodeBytes([]int{id})), "\uFFFD")
		}
		out["token_strs"] = spelled
	}
	reply(w, http.StatusOK, out)
}

// tokens returns the ids of the request's prompt or messages, and whether their spelling is wanted.
func (s *Server) tokens(body []byte) (ids []int, spelled bool, err error) {
	f := fields{}
	if err := json.Unmarshal(body, &f); err != nil || f == nil {
		return nil, false, &problem{status: 400, Message: "the body is not a JSON object"}
	}
	if err := s.named(f); err != nil {
		return nil, false, err
	}
	if err := f.read("return_token_strs", &spelled, "true or false"); err != nil {
		return nil, false, err
	}
	if _, chat := f["messages"]; chat {
		ids, err = s.readTurns(f)
	} else {
		ids, err = s.readText(f)
	}
	if err == nil {
		err = readRest(f, nil)
	}
	return ids, spelled, err
}

// readText reads the one text of a prompt.
func (s *Server) readText(f fields) ([]int, error) {
	p, text := prompts{special: true}, ""
	if err := firstError(
		f.read("prompt", &text, "a text"),
		f.read("add_special_tokens", &p.special, "true or false"),
	); err != nil {
		return nil, err
	}
	p.texts = []string{text}
	ids, err := s.encode(p)
	if err != nil {
		return nil, err
	}
	return append([]int{}, ids[0]...), nil // an empty list rather than null
}

func (s *Server) detokenize(w http.ResponseWriter, _ *http.Request, body []byte, read func()) {
	f := fields{}
	err := json.Unmarshal(body, &f)
	read()
	var ids []int
	if err != nil || f == nil {
		err = &problem{status: 400, Message: "the body is not a JSON object"}
	} else {
		err = firstError(s.named(f), f.read("tokens", &ids, "a list of token ids"), readRest(f, nil), s.known("tokens", ids))
	}
	if err != nil {
		refuse(w, problemOf(err))
		return
	}
	text := strings.ToValidUTF8(string(s.tokenizer.DecodeBytes(ids)), "\uFFFD")
	reply(w, http.StatusOK, map[string]string{"prompt": text})
}

// describeTokenizer says which special tokens there are, and the chat template, with vLLM's names: lm-eval asks for
// them to build its prompts.
func (s *Server) describeTokenizer(w http.ResponseWriter, _ *http.Request) {
	spelled := func(id int, ok bool) any {
		if !ok {
			return nil
		}
		return string(s.tokenizer.DecodeBytes([]int{id}))
	}
	ends := s.tokenizer.EOS()
	var template any
	if source := s.tokenizer.ChatTemplate(); source != "" {
		template = source
	}
	begin, begins := s.tokenizer.BOS()
	reply(w, http.StatusOK, map[string]any{
		"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": s.model.ContextLength(),
		"bos_token": spelled(begin, begins), "eos_token": spelled(append(ends, 0)[0], len(ends) > 0),
		"chat_template": template,
	})
}
