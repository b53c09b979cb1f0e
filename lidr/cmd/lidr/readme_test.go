package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/imports"

	"lidrlab/datasets/miniature"
)

// small says how a command of ours that the README shows is run in seconds: with these words behind its own, where the last
// of two equal flags counts. Those under flagsOnly are not run: their flags are read, and no more.
var small = map[string]string{
	"demo":           "--rounds 0",
	"iterate":        "--n 4 --eval-n 2 --trained de",
	"report":         "",
	"doctor":         "",
	"gguf":           "",
	"repl":           "",
	"pretrain":       "--steps 1",
	"serve":          "--listen 127.0.0.1:0 --key-file=",
	"pull":           flagsOnly, // package hub pulls from a hub of its own
	"run":            flagsOnly, // package scripts runs every script at its small size, under the interpreter and compiled
	"kernel install": flagsOnly, // package notebooks installs the kernel and runs them
	"backend":        flagsOnly,
	"tokenizer":      flagsOnly,
}

const flagsOnly = "--help"

// foreign programs, and what the shell does itself, are the reader's.
var foreign = []string{"cd", "curl", "export", "git", "hf", "jupyter", "kill", "llamafactory-cli", "node", "npm", "npx", "ollama", "pip", "python", "python3", "sh", "trl"}

// TestReadme does what the README shows: the commands of its sh blocks at small sizes, in a folder of their own, make's
// targets as what make would run; the flags of commands in the prose are read. Go snippets compile, the run folder holds what
// is listed, and links lead somewhere.
func TestReadme(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{T: t, root: root, work: t.TempDir(), tried: map[string]bool{}}
	r.promptFiles("FOLDER")
	// A run folder to look into, and a checkpoint to go on with.
	r.command("lidr iterate --prompts FOLDER --eval FOLDER --dir runs/NAME", true)

	prose := fence.ReplaceAllStringFunc(string(text), func(block string) string {
		parts := fence.FindStringSubmatch(block)
		switch kind, body := parts[1], parts[2]; {
		case kind == "sh":
			for _, line := range shellLines(body) {
				r.command(line, true)
			}
		case kind == "go":
			r.snippets = append(r.snippets, body)
		case strings.Contains(body, "runs/NAME/"):
			r.runFolder(body)
		}
		return ""
	})
	for _, span := range regexp.MustCompile("`((?:bin/lidr|lidr|make|go run|go doc) [^`]+)`").FindAllStringSubmatch(prose, -1) {
		r.command(span[1], false)
	}
	for _, link := range regexp.MustCompile(`\]\(([^):#]+)[^):]*\)`).FindAllStringSubmatch(prose, -1) {
		if _, err := os.Stat(filepath.Join(root, link[1])); err != nil {
			t.Errorf("README links to %v", err)
		}
	}
	r.compile()
	if len(r.tried) < 20 || len(r.snippets) < 2 || r.listed < 10 {
		t.Errorf("found %d commands, %d snippets and %d files of a run in README.md: is it read right?", len(r.tried), len(r.snippets), r.listed)
	}
}

var (
	fence      = regexp.MustCompile("(?ms)^```(\\w*)\\n(.*?)^```$")
	assignment = regexp.MustCompile(`^\w+=\S* `)
)

// shellLines are the commands of a block, without comments.
func shellLines(block string) []string {
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
		line, _, _ = strings.Cut(" "+line, " #")
		for part := range strings.SplitSeq(line, " && ") {
			if part = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(part), "&")); part != "" {
				lines = append(lines, part)
			}
		}
	}
	return lines
}

// reader follows the README in a folder of its own.
type reader struct {
	*testing.T
	root, work string
	tried      map[string]bool
	snippets   []string
	listed     int // files of the run folder
}

// promptFiles writes parallel prompts with gold answers in our own form.
func (r *reader) promptFiles(dir string) {
	for _, lang := range []string{"en", "de"} {
		var lines bytes.Buffer
		for i, p := range miniature.Problems("prompts", 4, 9) {
			row := map[string]string{"id": fmt.Sprint(i), "lang": lang, "prompt": p.Prompt(lang), "answer": fmt.Sprint(p.Result())}
			if err := json.NewEncoder(&lines).Encode(row); err != nil {
				r.Fatal(err)
			}
		}
		path := filepath.Join(r.work, dir, lang+".jsonl")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.Fatal(err)
		}
		if err := os.WriteFile(path, lines.Bytes(), 0o644); err != nil {
			r.Fatal(err)
		}
	}
}

// command tries one command, once: it is run, or only its flags are read.
func (r *reader) command(line string, run bool) {
	for assignment.MatchString(line) {
		line = assignment.ReplaceAllString(line, "")
	}
	line = strings.TrimPrefix(line, "bin/")
	if r.tried[line] {
		return
	}
	r.tried[line] = true
	words := strings.Fields(line)
	switch {
	case slices.Contains(foreign, words[0]):
	case words[0] == "lidr":
		r.lidr(line, words[1:], run)
	case words[0] == "make":
		// What make would do are commands too.
		for _, line := range shellLines(r.output(r.root, nil, append([]string{"make", "-n"}, words[1:]...))) {
			if strings.HasPrefix(line, "bin/lidr ") || strings.HasPrefix(line, "go run ") {
				r.command(line, run)
			}
		}
	case words[0] == "go" && words[1] == "doc":
		r.output(r.root, nil, words)
	case words[0] == "go" && words[1] == "run" && strings.HasPrefix(words[2], "./scripts/"):
		r.lidr(line, append([]string{"run", strings.TrimPrefix(words[2], "./")}, words[3:]...), run)
	case words[0] == "go": // its packages are looked up
		for _, word := range words[1:] {
			if !strings.HasPrefix(word, "./") {
				continue
			}
			if kind := r.output(r.root, nil, []string{"go", "list", "-f", "{{.Name}}", word}); words[1] == "run" && kind != "main\n" {
				r.Errorf("README: %s: %s is package %s", line, word, kind)
			}
		}
	default:
		r.Errorf("README shows %q, and this test does not know how to try it: add it to small, or to foreign", line)
	}
}

// lidr runs a command of ours, or reads its flags. A model is the one that the small run has trained.
func (r *reader) lidr(line string, args []string, run bool) {
	for name, more := range small {
		words := strings.Fields(name)
		if len(args) < len(words) || !slices.Equal(args[:len(words)], words) {
			continue
		}
		if !run {
			more = flagsOnly
		}
		command := slices.Concat([]string{"lidr"}, args, strings.Fields(more))
		for i, word := range command {
			switch {
			case strings.HasPrefix(word, "-"):
			case word == "N":
				command[i] = "1"
			case word == "CHECKPOINT", i == 2 && slices.Contains([]string{"doctor", "gguf", "serve"}, name):
				command[i] = "runs/NAME/M1/model"
			case i > 1 && name == "report":
				command[i] = "runs/NAME"
			}
		}
		switch {
		case more == flagsOnly:
			r.output(r.root, nil, command)
		case name == "serve":
			r.serve(command)
		case name == "repl":
			r.output(r.work, strings.NewReader("1 + 2\n"), command)
		default:
			r.output(r.work, nil, command)
		}
		return
	}
	r.Errorf("README shows %q: say in small how lidr %s is run in seconds", line, args[0])
}

// output runs a command, which must succeed.
func (r *reader) output(dir string, stdin *strings.Reader, args []string) string {
	r.Helper()
	command := exec.CommandContext(r.Context(), args[0], args[1:]...)
	var out, errs bytes.Buffer
	command.Dir, command.Stdout, command.Stderr = dir, &out, &errs
	if stdin != nil {
		command.Stdin = stdin
	}
	if err := command.Run(); err != nil {
		r.Errorf("README: %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

// serve runs a server until it says that it serves, and interrupts it.
func (r *reader) serve(args []string) {
	command := exec.CommandContext(r.Context(), args[0], args[1:]...)
	var errs bytes.Buffer
	command.Dir, command.Stderr = r.work, &errs
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		r.Fatal(err)
	}
	said := make([]byte, len("serving "))
	_, err = out.Read(said)
	command.Process.Signal(os.Interrupt)
	if ended := command.Wait(); err != nil || string(said) != "serving " || ended != nil {
		r.Errorf("README: %s: said %q, %v, %v\n%s", strings.Join(args, " "), said, err, ended, errs.String())
	}
}

// runFolder compares the list of a run folder's files with those of the small run.
func (r *reader) runFolder(list string) {
	for line := range strings.Lines(list) {
		folder := ""
		for word := range strings.FieldsSeq(line) { // a path, further names after commas, and what they hold
			path, more := strings.CutSuffix(word, ",")
			if folder == "" {
				folder = filepath.Dir(strings.TrimSuffix(path, "/"))
			} else {
				path = filepath.Join(folder, path)
			}
			r.listed++
			found, err := filepath.Glob(filepath.Join(r.work, strings.NewReplacer("LANG", "*", "FROM-TO", "*-*").Replace(path)))
			if err != nil || len(found) == 0 {
				r.Errorf("README lists %s, which a run does not write", path)
			}
			if !more {
				break
			}
		}
	}
}

// compile vets the Go snippets. Each sees the variables of those before it, and the answers that the judge compares.
func (r *reader) compile() {
	source := "package main\n\nfunc main() {}\n\nfunc readme(ctx context.Context, answers0, answers1 dataframe.DataFrame) {\n"
	for _, snippet := range r.snippets {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc f() {\n"+snippet+"\n}", 0)
		if err != nil {
			r.Errorf("README: %v in the snippet\n%s", err, snippet)
			return
		}
		source += "{\n" + snippet
		ast.Inspect(file, func(n ast.Node) bool {
			if assign, ok := n.(*ast.AssignStmt); ok && assign.Tok == token.DEFINE {
				for _, name := range assign.Lhs {
					source += fmt.Sprintf("_ = %s\n", name) // it may stay unused
				}
			}
			return true
		})
	}
	source += strings.Repeat("}\n", len(r.snippets)+1)
	path := filepath.Join(r.work, "readme.go")
	fixed, err := imports.Process(filepath.Join(r.root, "readme.go"), []byte(source), nil)
	if err != nil {
		r.Errorf("README: %v in\n%s", err, source)
		return
	}
	if err := os.WriteFile(path, fixed, 0o644); err != nil {
		r.Fatal(err)
	}
	r.output(r.root, nil, []string{"go", "vet", path})
}
