package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// turns are short names of turns in the texts of these tests.
var turns = strings.NewReplacer("USER", `{"role":"user","content":"Hi"}`, "ASSISTANT",
	`{"role":"assistant","content":"Hello"}`)

// oneFile writes a file and returns its folder.
func oneFile(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(turns.Replace(text)), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Each prompt file loads as what it plainly means, or the error names line and field and says what is expected.
func TestPromptsInOtherForms(t *testing.T) {
	for text, want := range map[string]string{
		// Alpaca's input is part of the prompt.
		`{"id":"a","instruction":"Sum up.","input":"The cat sat.","output":"A cat."}`: "a: Sum up.\n\nThe cat sat.",
		`{"id":"a","instruction":"Sum up.","input":""}`:                               "a: Sum up.",
		`{"id":"a","instruction":"Sum up.","input":null}`:                             "a: Sum up.",
		`{"id":"a","instruction":"Sum up.","input":["x"]}`:                            `field "input": expected a string`,
		`{"id":"a","instruction":"Add.","input":"2, 3","final_answer":"5"}`:           "a: Add.\n\n2, 3 = 5",
		`{"id":"a","lang":"de","prompt":"Sum up.","input":"The cat."}`:                `:1: unknown field`,
		`{"query":"Sum up.","input":"The cat.","response":"5"}`:                       `field "input": a MGSM form has none`,
		`{"id":"a","instruction":"Sum up.","Input":"The cat."}`:                       `spelled "input"`,
		`{"id":"a","Instruction":"Sum up."}`:                                          `spelled "instruction"`,
		`{"id":"a","instruction ":"Sum up."}`:                                         `spelled "instruction"`,

		// Conversations.
		`{"id":"a","messages":[USER]}`:           "a: Hi",
		`{"id":"a","messages":[USER,ASSISTANT]}`: "a: Hi",
		`{"id":"a","conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":"Hello"}]}`: "a: Hi",
		`{"id":"a","prompt":[USER],"chosen":[],"rejected":[]}`:                                      "a: Hi",
		`{"id":"a","lang":"de","prompt":[USER],"answer":"4"}`:                                       "a: Hi = 4",
		`{"id":"a","instruction":[USER]}`:                                                           "a: Hi",
		`{"id":"a","messages":[{"role":"system","content":"Be."},USER]}`: "the turns " +
			"system, user",
		`{"id":"a","messages":[USER,{"role":"user","content":"Ho"}]}`: "the turns user, " +
			"user",
		`{"id":"a","messages":[{"role":"assistant","content":"Hi"}]}`: "with one turn " +
			"of the user",
		`{"id":"a","messages":[{"role":"user","content":[{"text":"Hi"}]}]}`: `[0].content": expected a string`,
		`{"id":"a","messages":[{"role":"user"}]}`:                           `[0].content" is missing`,
		`{"id":"a","messages":["Hi"]}`: "messages[0] is " +
			"a string",
		`{"id":"a","messages":[]}`: "one turn of the " +
			"user",
		`{"id":"a","messages":[{"role":"user","content":" "}]}`: `field "messages" is empty`,
		`{"messages":[USER]}`: "not a known form",
		`{"id":"a","instruction":"Hi","messages":[{"role":"user","content":"Ho"}]}`: `both hold a prompt`,
		`{"id":"a","instruction":"Hi","prompt":"Ho"}`:                               `both hold a prompt`,
		`{"id":"a","instruction":"Hi","prompt":"Hi"}`:                               "a: Hi",
		`{"id":"a","system":"Be.","messages":[USER]}`:                               `field "system"`,
		`{"id":"a","instruction":"Who?","context":"Ann ran."}`:                      `field "context"`,
		`{"id":"a","instruction":"Who?","context":""}`:                              "a: Who?",
		`{"id":"a","instruction":"Who?","history":[["Hi","Ho"]]}`:                   `field "history"`,
		`{"id":"a","instruction":"Who?","history":[]}`:                              "a: Who?",
		`{"id":"a","messages":[{"role":"user","content":"Hi","content":"Ho"}]}`:     `field "content" appears twice`,
		`{"id":"a","messages":[{"role":"user","content":"Hi","from":"human"}]}`:     "OpenAI's messages and of ShareGPT's",

		// Ids and types.
		`{"id":7,"instruction":"Hi"}`:                       "7: Hi",
		`{"id":"b","question":"Hi","answer_number":4}`:      "b: Hi = 4",
		`{"id":"b","question":"Hi","answer":"So\n#### 4"}`:  "b: Hi = 4",
		`{"id":"b","query":"Hi","response":"4"}`:            "b: Hi = 4",
		`{"query":"Hi","response":"4"}`:                     "mgsm-0: Hi = 4",
		`{"id":"","query":"Hi","response":"4"}`:             `field "id" is empty`,
		`{"id":7.5,"instruction":"Hi"}`:                     `:1: field "id": expected a string, found a number`,
		`{"id":true,"instruction":"Hi"}`:                    `:1: field "id": expected a string, found a boolean`,
		`{"id":null,"instruction":"Hi"}`:                    `:1: field "id": expected a string, found null`,
		`{"id":" a","instruction":"Hi"}`:                    `:1: field "id": expected no white space around it, found " a"`,
		`{"id":"a","instruction":5}`:                        `expected a string, found a number`,
		`{"id":"a","instruction":false}`:                    `found a boolean`,
		`{"id":"a","instruction":{"text":"Hi"}}`:            `found an object`,
		`{"id":"a","instruction":NaN}`:                      `found null`,
		`{"id":"a","instruction":" \u00a0"}`:                `field "instruction" is empty`,
		`{"id":"a","lang":"de","prompt":"Hi","answer":4}`:   "a: Hi = 4",
		`{"id":"a","lang":"de","prompt":"Hi","answer":4.5}`: `field "answer": expected a string, found a number`,
		`[{"id":"a","instruction":"Hi"}]`:                   "a: Hi",
		"\ufeff{\"id\":\"a\",\"instruction\":\"Hi\"}\r\n":   "a: Hi",
		`{"id":"a","instruction":"NaN is \"NaN\""}`:         `a: NaN is "NaN"`,

		// Halves of surrogate pairs.
		`{"id":"a","instruction":"\ufffd and \ud83d end"}`: "half of a UTF-16 surrogate pair",
		`{"id":"a","instruction":"� and \ude00 end"}`:      "half of a UTF-16 surrogate pair",
		`{"id":"a","instruction":"\ud83d\ud83d\ude00"}`:    "half of a UTF-16 surrogate pair",
		`{"id":"a","instruction":"\ud83d\ude00 \\ud83d"}`:  "a: 😀 \\ud83d",
		`{"id":"a","instruction":"\ufffd"}`:                "a: \ufffd",

		// Other encodings.
		"\x1f\x8b\x08\x00":    "gunzip",
		"\xff\xfe{\x00\"\x00": "iconv -f UTF-16",
		"\xfe\xff\x00{\x00\"": "iconv -f UTF-16",
		"{\x00\"\x00i\x00d":   "iconv -f UTF-16",
		"PAR1\x15":            "must end in .parquet",
		"{\"id\":\"a\xff\"}":  "invalid UTF-8",
		`{"id":"a","id":"b"}`: "appears twice",
		`{"id":"a"} {"id":1}`: "something follows",
	} {
		dir := oneFile(t, "de.jsonl", text)
		prompts, err := LoadPrompts(dir, []string{"de"})
		got := fmt.Sprint(err)
		if err == nil {
			got = prompts[0].ID + ": " + prompts[0].Text
			if prompts[0].Answer != "" {
				got += " = " + prompts[0].Answer
			}
		}
		if err == nil && got != want || err != nil && (!strings.Contains(got, want) || !strings.Contains(got, "de.jsonl")) {
			t.Errorf("%s:\n got %q\nwant %q", text, got, want)
		}
	}
}

// The gold answers of parallel problems agree by value, in every form.
func TestParallelGoldsAgree(t *testing.T) {
	for _, c := range []struct {
		a, b   string
		differ bool
	}{
		{"4", "6", true}, {"-5", "5", true}, {"5", "−5", true}, {"1000", "1,000", false}, {"5,600", "5.600", false},
		{"1 000", "1000", false}, {"3.0", "3", false}, {"1.5", "1,5", false}, {"15", "1.5", true}, {"১২", "12", false},
		{"１２", "13", true}, {"$18", "18", false}, {"three", "drei", false}, {"", "4", false}, {"+4", "4", false},
		{"1.5", "15", true}, {"100,5", "100.5", false}, {"𝟏𝟖", "18", false},
		{"1/2", "1/3", true}, {"1/2", "0.5", false}, {"1/2", "2/4", false}, {"-1/2", "1/2", true},
	} {
		for form, line := range map[string]string{
			"GSM8K of the hub": `{"question":"q","answer":"so\n#### %s"}`,
			"MGSM":             `{"query":"q","response":"%s"}`,
			"MGSM of the hub":  `{"question":"q","answer_number":"%s","answer":null}`,
			"GSM8K":            `{"id":"x","instruction":"q","final_answer":"%s"}`,
			"our own":          `{"id":"x","lang":"LANG","prompt":"q","answer":"%s"}`,
		} {
			if (c.a == "" || c.b == "") && form != "our own" {
				continue
			}
			dir := t.TempDir()
			for lang, answer := range map[string]string{"en": c.a, "de": c.b} {
				text := strings.ReplaceAll(fmt.Sprintf(line, answer), "LANG", lang)
				if err := os.WriteFile(filepath.Join(dir, lang+".jsonl"), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			_, err := LoadPrompts(dir, []string{"en", "de"})
			if (err != nil) != c.differ || err != nil && !strings.Contains(err.Error(), "de.jsonl:1: gold answer") {
				t.Errorf("%s: %q beside %q: %v", form, c.a, c.b, err)
			}
		}
	}
}

// Answers with numbers as ids and with further fields, and answers as conversations.
func TestResponsesInOtherForms(t *testing.T) {
	for text, want := range map[string]string{
		`{"id":1,"dataset":"d","prompt":"q","response":"r","model_api":"m"}`:            "1: r",
		`{"id":1,"prompt":"q","response":"r","finish_reason":"length"}`:                 "1: rlength",
		`{"id":1,"prompt":"q","response":"r","finish_reason":null}`:                     "1: r",
		`{"id":"1","prompt":[USER],"response":[ASSISTANT]}`:                             "1: Hello",
		`{"id":"1","prompt":"q","response":[USER,ASSISTANT]}`:                           "1: Hello",
		`{"id":"1","prompt":"q","response":[USER]}`:                                     "one turn of the assistant",
		`{"id":"1","prompt":"q","response":{"content":"r"}}`:                            `found an object`,
		`{"id":"1","prompt":"q","Response":"r"}`:                                        "expected it to be spelled",
		`{"id":" 1","prompt":"q","response":"r"}`:                                       "no white space around it",
		`[{"id":1,"prompt":"q","response":"r"},{"id":"1","prompt":"q","response":"r"}]`: "appears twice",
	} {
		rows, err := LoadResponses(filepath.Join(oneFile(t, "de.jsonl", text), "de.jsonl"), "de")
		got := fmt.Sprint(err)
		if err == nil {
			got = rows[0].ID + ": " + rows[0].Response + rows[0].FinishReason
		}
		if err == nil && got != want || err != nil && !strings.Contains(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", text, got, want)
		}
	}
}
