package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"lidrlab/lidr/input"
)

const maxFile = 256 << 20 // bytes; the largest tokenizer.json in use have about 35 MB

// tokenText is a special token's text in tokenizer_config.json: a string, or an object with the string as content.
type tokenText string

func (t *tokenText) UnmarshalJSON(b []byte) error {
	var obj struct{ Content string }
	if json.Unmarshal(b, (*string)(t)) == nil {
		return nil
	}
	err := json.Unmarshal(b, &obj)
	*t = tokenText(obj.Content)
	return err
}

// loadSettings reads the settings that are not in tokenizer.json: names of special tokens, chat template, end tokens.
func (t *Tokenizer) loadSettings(fsys fs.FS) error {
	var config struct {
		BOS      tokenText       `json:"bos_token"`
		EOS      tokenText       `json:"eos_token"`
		PAD      tokenText       `json:"pad_token"`
		UNK      tokenText       `json:"unk_token"`
		Template json.RawMessage `json:"chat_template"`
	}
	if err := readJSON(fsys, "tokenizer_config.json", &config); err != nil {
		return err
	}
	t.names = map[string]string{}
	for name, text := range map[string]tokenText{
		"bos_token": config.BOS,
		"eos_token": config.EOS,
		"pad_token": config.PAD,
		"unk_token": config.UNK,
	} {
		if text == "" {
			continue
		}
		if _, ok := t.ids[string(text)]; !ok {
			return fmt.Errorf("tokenizer_config.json: %s %q is not in tokenizer.json", name, text)
		}
		t.names[name] = string(text)
	}
	source, err := templateSource(fsys, config.Template)
	if err != nil {
		return err
	}
	if t.source = source; source != "" {
		if len(source) > maxTemplate {
			return fmt.Errorf("chat template of %d bytes; at most %d are accepted", len(source), maxTemplate)
		}
		if err := t.compile(source); err != nil {
			return fmt.Errorf("chat template: %w", err)
		}
		t.refusesSystem = t.probeSystem()
		t.guardTurns()
	}
	return t.loadEOS(fsys, string(config.EOS))
}

// templateSource returns chat_template.jinja or, where there is none, tokenizer_config.json's chat_template: a string,
// or a list of named templates, of which "default" is used.
func templateSource(fsys fs.FS, config json.RawMessage) (string, error) {
	b, err := readFile(fsys, "chat_template.jinja")
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return string(b), err
	}
	if len(config) == 0 || string(config) == "null" {
		return "", nil
	}
	var s string
	if json.Unmarshal(config, &s) == nil {
		return s, nil
	}
	var named []struct{ Name, Template string }
	if err := json.Unmarshal(config, &named); err != nil {
		return "", fmt.Errorf("tokenizer_config.json: chat_template: expected a string or a list of named templates")
	}
	for _, n := range named {
		if n.Name == "default" {
			return n.Template, nil
		}
	}
	return "", fmt.Errorf("tokenizer_config.json: chat_template: none of the %d named templates is \"default\"",
		len(named))
}

// loadEOS collects the end tokens: the one with which the template ends an assistant turn, tokenizer_config.json's
// eos_token, and the eos_token_id of generation_config.json, or else config.json.
func (t *Tokenizer) loadEOS(fsys fs.FS, eosToken string) error {
	add := func(id int) {
		if !slices.Contains(t.eos, id) {
			t.eos = append(t.eos, id)
		}
	}
	if t.template != nil {
		if id, ok := t.turnEnd(); ok {
			add(id)
		}
	}
	if eosToken != "" {
		add(t.ids[eosToken])
	}
	for _, name := range []string{"generation_config.json", "config.json"} {
		var c struct {
			EOS json.RawMessage `json:"eos_token_id"`
		}
		if err := readJSON(fsys, name, &c); err != nil {
			return err
		}
		if len(c.EOS) == 0 || string(c.EOS) == "null" {
			continue
		}
		ids := make([]int, 1)
		if json.Unmarshal(c.EOS, &ids[0]) != nil {
			if err := json.Unmarshal(c.EOS, &ids); err != nil {
				return fmt.Errorf("%s: eos_token_id is %.60s; expected a number or a list", name, c.EOS)
			}
		}
		for _, id := range ids {
			if id < 0 {
				return fmt.Errorf("%s: eos_token_id %d is negative", name, id)
			}
			add(id)
		}
		break
	}
	if t.template != nil && len(t.eos) == 0 {
		return fmt.Errorf("no file names a token that ends an answer; set eos_token in tokenizer_config.json")
	}
	return nil
}

// turnEnd returns the special token that follows an assistant's answer in the rendered template.
func (t *Tokenizer) turnEnd() (int, bool) {
	const answer = "lidr-answer"
	s, err := t.render([]Message{{"user", "?"}, {"assistant", answer}}, false)
	if err != nil { // the template requires other roles
		return 0, false
	}
	i := strings.LastIndex(s, answer)
	if i < 0 {
		return 0, false
	}
	for _, id := range t.Encode(s[i+len(answer):]) {
		if t.special[id] {
			return id, true
		}
	}
	return 0, false
}

// readJSON reads an optional file; absent is no error.
func readJSON(fsys fs.FS, name string, into any) error {
	b, err := readFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// readFile reads a file of no more than maxFile bytes.
func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := input.Open(fsys, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s: longer than %d bytes", name, maxFile)
	}
	return b, err
}
