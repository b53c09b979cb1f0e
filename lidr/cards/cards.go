// Package cards writes what the Hugging Face hub reads of a run: the model card of a trained model with its results in
// the model-index form, the data-set card of the run's pairs, and the card of its report as a page. Each is Markdown
// behind front matter in YAML, in the form of huggingface_hub 2.4 ("Model Cards", "Dataset Cards" and "Spaces
// Configuration Reference" in the hub's documentation).
//
//	files, err := cards.ModelFiles(run, "M1", "apache-2.0")   // runs/first/cards/M1.md is its README.md
//	files, err := cards.PairsFiles(run, "")                   // runs/first/cards/pairs.md
//	files, err := cards.ReportFiles(run)                      // runs/first/cards/report.md
//
// Each returns what a push sends ([hub.Push], or the command lidr push). A card is written anew from the run each time,
// until it is edited: then it is the reader's, and stays. The licence is for whoever publishes to name: what the base
// model, the prompts and the model that answered permit binds the result.
package cards

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/hub"
	"lidrlab/lidr/ledger"
)

var (
	licensePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)
	cachePattern   = regexp.MustCompile(`models--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\]([0-9a-f]{40})`)
)

// writeCard writes cards/NAME.md of the run and returns it as README.md. An edited one is left as it is.
func writeCard(run *lidr.Run, name, card string) (hub.Source, error) {
	path := run.Path("cards", name+".md")
	_, err := run.Read(path)
	if _, missing := os.Stat(path); err != nil && missing == nil {
		if errors.Is(err, fs.ErrNotExist) {
			return hub.Source{}, fmt.Errorf("%s is not the run's; move it away, and it is written", path)
		}
		run.Note("%s was edited, and stays as it is; delete it, and it is written from the run again", path)
		return hub.Source{Path: "README.md", File: path}, nil
	}
	return hub.Source{Path: "README.md", File: path}, run.Write(path, []byte(card))
}

// license is the line of the front matter, of an identifier such as apache-2.0; without one it says what to do.
func license(id string) (string, error) {
	if id == "" {
		return "# license: yours to name (apache-2.0, cc-by-nc-4.0, other, ...): what this is made of binds it\n", nil
	}
	if !licensePattern.MatchString(id) {
		return "", fmt.Errorf("%q is no identifier of a licence, expected one of the hub's list, such as apache-2.0", id)
	}
	return "license: " + quote(id) + "\n", nil
}

// quote is a string in YAML, whatever is in it: unquoted, the language no would be false.
func quote(s string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string
	return strings.TrimSuffix(b.String(), "\n")
}

// list is a list in YAML.
func list(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(v)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// number is a number in YAML with six decimals at most: with an exponent some readers take it for a string.
func number(x float64) string {
	text := strings.TrimRight(strconv.FormatFloat(x, 'f', 6, 64), "0")
	if strings.HasSuffix(text, ".") {
		text += "0"
	}
	return text
}

// cell is a text in a cell of a Markdown table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(s)
}

// origin is a model of the run as its record names it, without the folders of whoever ran.
type origin struct {
	Name, From, Fingerprint string
	Repo, Revision          string // on the hub, "" for none that is known
}

// origins returns the models of a run by their names.
func origins(run *lidr.Run) (map[string]origin, error) {
	var fields map[string]json.RawMessage
	if err := ledger.ReadSealed(run.Path("run.json"), &fields); err != nil {
		return nil, err
	}
	var base string
	var fingerprints map[string]string
	var served []string
	for key, into := range map[string]any{"base": &base, "fingerprints": &fingerprints, "served": &served} {
		if value, ok := fields[key]; ok {
			if err := json.Unmarshal(value, into); err != nil {
				return nil, fmt.Errorf("%s: field %s: %w", run.Path("run.json"), key, err)
			}
		}
	}
	out := map[string]origin{}
	for name, fingerprint := range fingerprints {
		o := origin{Name: name, From: "this run", Fingerprint: fingerprint}
		if name == "M0" {
			o.From = sourceName(base)
			o.Repo, o.Revision = onHub(base)
		}
		if slices.Contains(served, name) {
			o.From += ", behind a server"
		}
		out[name] = o
	}
	return out, nil
}

// onHub returns the name and commit on the hub of a model that was loaded from there, by its name or its place in the
// cache.
func onHub(path string) (repo, revision string) {
	if m := cachePattern.FindStringSubmatch(path); m != nil {
		return m[1] + "/" + m[2], m[3]
	}
	if _, err := os.Stat(path); err == nil {
		return "", ""
	}
	name, err := hub.ParseName(path)
	if err != nil || strings.HasSuffix(path, ".gguf") {
		return "", ""
	}
	return name.Repo, ""
}

func (o origin) describe() string {
	at := o.From
	if o.Repo != "" {
		at = o.Repo
		if o.Revision != "" {
			at += " at " + o.Revision
		}
	}
	return fmt.Sprintf("%s, from %s, fingerprint `%s`", o.Name, at, o.Fingerprint)
}

// settingsBlock is JSON to make a thing again by.
func settingsBlock(v any) (string, error) {
	text, err := ledger.EncodeJSON(v)
	if err != nil {
		return "", err
	}
	return "```json\n" + strings.TrimSuffix(string(text), "\n") + "\n```\n", nil
}

// sourceName is a name for a file or folder, without the folders above it, which are those of whoever ran.
func sourceName(source string) string {
	if source == "" {
		return ""
	}
	return filepath.Base(filepath.ToSlash(source))
}

// public are settings without the folders of whoever ran.
func public(s lidr.Settings) lidr.Settings {
	for _, path := range []*string{&s.Prompts.Source, &s.Evaluate.Source, &s.Evaluate.Exemplars} {
		*path = sourceName(*path)
	}
	return s
}

// ReportFiles writes the card of the run's report as a static page of the hub, and returns what a push sends: the page,
// as index.html, and the card.
func ReportFiles(run *lidr.Run) ([]hub.Source, error) {
	page := run.Path("report.html")
	if _, err := run.Read(page); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no report yet; make it first: lidr report %s", run.Dir, run.Dir)
	} else if err != nil {
		return nil, err
	}
	title := "Report of " + filepath.Base(run.Dir)
	card, err := writeCard(run, "report", fmt.Sprintf(`---
title: %s
sdk: static
app_file: index.html
pinned: false
tags: %s
---
# %s

The report of a run of Language Imbalance Driven Rewarding (arXiv 2410.08964), as one page: index.html.
`, quote(title), list(tags), title))
	return []hub.Source{card, {Path: "index.html", File: page}}, err
}

// tags are what the hub finds these by.
var tags = []string{"dpo", "preference-optimization", "multilingual", "language-imbalance-driven-rewarding"}
