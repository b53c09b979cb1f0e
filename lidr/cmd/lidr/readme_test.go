package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/tools/imports"

	"lidrlab/datasets/miniature"
)

// pages are the pages whose commands, snippets and links are tried, beside the documentation of every package.
var pages = []string{
	"README.md", "scripts/README.md", "notebooks/README.md", "lidr/TESTING.md", "lidr/backend/cpu/bench/README.md",
	".github/CONTRIBUTING.md",
}

// small says how a command of ours on a page is run in seconds: with these words appended, where the last of two equal
// flags counts. Those under flagsOnly are not run: their flags are read, and no more.
var small = map[string]string{
	"demo":           "--rounds 0",
	"iterate":        "--n 4 --eval-n 2 --trained de --set train.batch_pairs=4",
	"report":         "",
	"recipe":         "--small",
	"runs":           "",
	"drive":          flagsOnly, // package recipe drives runs, and kills them
	"view":           flagsOnly, // a browser looks at its pages: make test-browser
	"doctor":         "",
	"gguf":           "",
	"repl":           "",
	"pretrain":       "--steps 1",
	"serve":          "--listen 127.0.0.1:0 --key-file=",
	"import":         flagsOnly, // package gguf imports files of its own
	"pull":           flagsOnly, // package hub pulls from a hub of its own
	"push":           flagsOnly, // package hub pushes to a hub of its own
	"run":            flagsOnly, // package scripts runs every script at its small size, under the interpreter and compiled
	"kernel install": flagsOnly, // package notebooks installs the kernel and runs them
	"backend":        flagsOnly,
	"tokenizer":      flagsOnly,
}

const flagsOnly = "--help"

// foreign are other programs, and what the shell does itself: the reader's to try.
var foreign = strings.Fields("cd curl export git hf jupyter kill llamafactory-cli node npm npx ollama " +
	"pip python python3 sh trl")

// TestReadme does what the pages show: the commands of their sh blocks at small sizes, in a folder of their own, make's
// targets as what make would run; of commands in the prose and in the documentation of packages the flags are read. Go
// snippets compile, a run folder holds what the documentation of package lidr lists, and links lead somewhere.
func TestReadme(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{T: t, root: root, work: t.TempDir(), tried: map[string]bool{}}
	r.promptFiles("FOLDER")
	// A run folder to look into, and a checkpoint to go on with.
	r.page = "run folder"
	r.command("lidr iterate --prompts FOLDER --eval FOLDER --dir runs/NAME", true)
	for _, page := range pages {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		r.page = page
		r.markdown(string(text))
	}
	for _, folder := range []string{"datasets", "lidr", "plots", "scripts"} {
		r.packageDocs(folder)
	}
	if len(r.tried) < 40 || r.compiled < 1 || r.listed < 10 {
		t.Errorf("found %d commands, %d snippets and %d files of a run: are the pages read right?",
			len(r.tried), r.compiled, r.listed)
	}
}

// markdown tries what a page shows, and measures its lines: a table or an image cannot be wrapped.
func (r *reader) markdown(text string) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		if width := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); width > 120 &&
			!strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "![") {
			r.Errorf("%s:%d has %d characters, expected at most 120", r.page, number, width)
		}
	}
	var snippets []string
	prose := fence.ReplaceAllStringFunc(text, func(block string) string {
		parts := fence.FindStringSubmatch(block)
		switch kind, body := parts[1], parts[2]; kind {
		case "sh":
			for _, line := range shellLines(body) {
				r.command(line, true)
			}
		case "go":
			snippets = append(snippets, body)
		}
		return ""
	})
	for _, match := range span.FindAllStringSubmatch(prose, -1) {
		r.command(match[1], false)
	}
	for _, match := range link.FindAllStringSubmatch(prose, -1) {
		if _, err := os.Stat(filepath.Join(r.root, filepath.Dir(r.page), match[1])); err != nil {
			r.Errorf("%s links to %v", r.page, err)
		}
	}
	r.compile(snippets)
}

// packageDocs reads the flags of the commands in the documentation of the packages below a folder.
func (r *reader) packageDocs(folder string) {
	err := filepath.WalkDir(filepath.Join(r.root, folder), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "testdata":
			return fs.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		r.page = strings.TrimPrefix(path, r.root+string(filepath.Separator))
		for _, block := range new(comment.Parser).Parse(file.Doc.Text()).Content {
			code, ok := block.(*comment.Code)
			switch {
			case !ok:
			case strings.HasPrefix(code.Text, "settings.json "):
				r.runFolder(code.Text)
			case commandLine.MatchString(code.Text):
				for _, line := range shellLines(code.Text) {
					r.command(line, false)
				}
			}
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
}

var (
	fence       = regexp.MustCompile("(?ms)^```(\\w*)\\n(.*?)^```$")
	span        = regexp.MustCompile("`((?:bin/lidr|lidr|make|go run|go doc) [^`]+)`")
	link        = regexp.MustCompile(`\]\(([^):#]+)[^):]*\)`)
	commandLine = regexp.MustCompile(`^(bin/lidr|lidr|make|go (run|doc|test)) `)
	assignment  = regexp.MustCompile(`^\w+=\S* `)
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

// reader follows the pages in a folder of its own.
type reader struct {
	*testing.T
	root, work string
	page       string // what is being read
	tried      map[string]bool
	compiled   int // snippets
	listed     int // files of the run folder
}

// promptFiles writes parallel prompts with gold answers in our own form.
func (r *reader) promptFiles(dir string) {
	for _, lang := range []string{"en", "de"} {
		var lines bytes.Buffer
		for i, p := range miniature.Problems("prompts", 4, 9) {
			row := map[string]string{
				"id": fmt.Sprint(i), "lang": lang, "prompt": p.Prompt(lang), "answer": fmt.Sprint(p.Result()),
			}
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
			kind := r.output(r.root, nil, []string{"go", "list", "-f", "{{.Name}}", word})
			if words[1] == "run" && kind != "main\n" {
				r.Errorf("%s: %s: %s is package %s", r.page, line, word, kind)
			}
		}
	default:
		r.Errorf("%s shows %q, and this test does not know how to try it: add it to small, or to foreign", r.page, line)
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
	r.Errorf("%s shows %q: say in small how lidr %s is run in seconds", r.page, line, args[0])
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
		r.Errorf("%s: %s: %v\n%s", r.page, strings.Join(args, " "), err, errs.String())
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
		r.Errorf("%s: %s: said %q, %v, %v\n%s", r.page, strings.Join(args, " "), said, err, ended, errs.String())
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
			pattern := strings.NewReplacer("LANG", "*", "FROM-TO", "*-*", "KEY", "*").Replace(path)
			found, err := filepath.Glob(filepath.Join(r.work, "runs", "NAME", pattern))
			if err != nil || len(found) == 0 {
				r.Errorf("%s lists %s, which a run does not write", r.page, path)
			}
			if !more {
				break
			}
		}
	}
}

// compile vets the Go snippets of a page. Each sees the variables of those before it.
func (r *reader) compile(snippets []string) {
	if len(snippets) == 0 {
		return
	}
	r.compiled += len(snippets)
	source := "package main\n\nfunc main() {}\n\nfunc readme(ctx context.Context) {\n"
	for _, snippet := range snippets {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc f() {\n"+snippet+"\n}", 0)
		if err != nil {
			r.Errorf("%s: %v in the snippet\n%s", r.page, err, snippet)
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
	source += strings.Repeat("}\n", len(snippets)+1)
	path := filepath.Join(r.work, "readme.go")
	fixed, err := imports.Process(filepath.Join(r.root, "readme.go"), []byte(source), nil)
	if err != nil {
		r.Errorf("%s: %v in\n%s", r.page, err, source)
		return
	}
	if err := os.WriteFile(path, fixed, 0o644); err != nil {
		r.Fatal(err)
	}
	r.output(r.root, nil, []string{"go", "vet", path})
}
