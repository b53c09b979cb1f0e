package trial

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"lidrlab/datasets"
	"lidrlab/datasets/miniature"
	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
)

// reserve is the share of each source that no training has, of at most mostReserved prompts.
const (
	reserve      = 5 // one in five
	mostReserved = 200
)

// set is one source's prompts by number: set[i][lang].
type set []map[string]datasets.Prompt

func load(paths []string, langs []string) (set, error) {
	var all set
	for _, path := range paths {
		prompts, err := datasets.LoadPrompts(path, langs)
		if err != nil {
			return nil, err
		}
		n := len(prompts) / len(langs)
		own := make(set, n)
		for i, p := range prompts {
			if own[i%n] == nil {
				own[i%n] = map[string]datasets.Prompt{}
			}
			own[i%n][p.Lang] = p
		}
		all = append(all, own...)
	}
	return all, nil
}

// parts lists the folders of a source: itself, or those in it.
func parts(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; expected a folder of prompts, one file a language: name the folder that holds "+
			"alpagasus, gsm8k and mgsm", err)
	} else if err != nil {
		return nil, err
	}
	var inside []string
	for _, e := range entries {
		if e.IsDir() {
			inside = append(inside, filepath.Join(folder, e.Name()))
		}
	}
	if len(inside) == 0 {
		return []string{folder}, nil
	}
	return inside, nil
}

// shuffled returns the set in an order that the seed draws.
func (s set) shuffled(seed uint64) set {
	out := slices.Clone(s)
	rand.New(rand.NewPCG(seed, 0x7269616c)).Shuffle(len(out), func(i, k int) { out[i], out[k] = out[k], out[i] })
	return out
}

// apart splits off what no training has, the same for every seed.
func (s set) apart() (train, held set) {
	all := s.shuffled(0)
	n := min(len(all)/reserve, mostReserved)
	return all[n:], all[:n]
}

// inTurn takes one prompt of each in turn, and then the rest of the longer.
func inTurn(a, b set) set {
	var out set
	for i := range max(len(a), len(b)) {
		if i < len(a) {
			out = append(out, a[i])
		}
		if i < len(b) {
			out = append(out, b[i])
		}
	}
	return out
}

// writePrompts writes the prompts of these seeds, and those that no training has. What is there already stays.
func (t *Trial) writePrompts(cells []Cell) error {
	if t.Model == Miniature {
		return nil
	}
	folders, err := parts(filepath.Join(t.Data, "alpagasus"))
	if err != nil {
		return err
	}
	instructions, err := load(folders, t.languages())
	if err != nil {
		return err
	}
	arithmetic, err := load([]string{filepath.Join(t.Data, "gsm8k")}, t.languages())
	if err != nil {
		return err
	}
	texts, err := datasets.LoadPrompts(filepath.Join(t.Data, "mgsm"), t.languages())
	if err != nil {
		return err
	}
	t.data = ledger.Key(instructions, arithmetic, texts)
	words, free := instructions.apart()
	sums, dev := arithmetic.apart()
	if len(free) < t.FreeN {
		return fmt.Errorf("%s: %d of its %d prompts are kept from training, and %d free prompts were asked for; lower FreeN",
			filepath.Join(t.Data, "alpagasus"), len(free), len(instructions), t.FreeN)
	}
	if err := t.writeSet("free", free); err != nil {
		return err
	}
	if err := t.writeSet("dev", dev); err != nil {
		return err
	}
	for _, c := range cells {
		own := sums.shuffled(uint64(c.Seed))
		if err := t.writeSet(filepath.Join("prompts", fmt.Sprint(c.Seed)),
			inTurn(words.shuffled(uint64(c.Seed)), own)); err != nil {
			return err
		}
		if err := t.writeSet(filepath.Join("prompts", fmt.Sprint("gold-", c.Seed)), own); err != nil {
			return err
		}
	}
	return nil
}

// writeSet writes one file a language.
func (t *Trial) writeSet(folder string, rows set) error {
	for _, lang := range t.languages() {
		var text bytes.Buffer
		enc := json.NewEncoder(&text)
		enc.SetEscapeHTML(false)
		for _, row := range rows {
			if err := enc.Encode(row[lang]); err != nil {
				return err
			}
		}
		path := t.path(folder, lang+".jsonl")
		if before, err := os.ReadFile(path); err == nil && !bytes.Equal(before, text.Bytes()) {
			return fmt.Errorf("%s holds other prompts than %s gives; choose another folder for the trial", path, t.Data)
		} else if err != nil {
			if err := ledger.WriteFile(path, text.Bytes()); err != nil {
				return err
			}
		}
	}
	return nil
}

// free are the first free prompts, in each of the languages.
func (t *Trial) free(langs []string) ([]lidr.Prompt, error) {
	if t.Model == Miniature {
		return worldPrompts(langs, t.FreeN, 4242), nil
	}
	return readPrompts(t.path("free"), langs, t.FreeN)
}

// mostTexts is how many human texts of a language are read: of a hundred, a change of the nats per token
// has an error below 0.002.
const mostTexts = 100

// texts are human texts in each of the languages: the problems of the evaluation.
func (t *Trial) texts(langs []string) ([]lidr.Prompt, error) {
	if t.Model == Miniature {
		return worldPrompts(langs, t.EvalN, 4243), nil
	}
	return readPrompts(filepath.Join(t.Data, "mgsm"), langs, t.textsN())
}

func (t *Trial) textsN() int {
	if t.EvalN == 0 {
		return mostTexts
	}
	return min(mostTexts, t.EvalN)
}

func worldPrompts(langs []string, n int, seed int64) []lidr.Prompt {
	var rows []lidr.Prompt
	for _, lang := range langs {
		for _, p := range miniature.Problems("eval", n, seed) {
			rows = append(rows, lidr.Prompt{ID: p.ID, Lang: lang, Prompt: p.Prompt(lang), Source: Miniature})
		}
	}
	return rows
}

// readPrompts returns the first n prompts of each language, 0 for all.
func readPrompts(path string, langs []string, n int) ([]lidr.Prompt, error) {
	prompts, err := datasets.LoadPrompts(path, langs)
	if err != nil {
		return nil, err
	}
	var rows []lidr.Prompt
	each := len(prompts) / len(langs)
	for i, p := range prompts {
		if n == 0 || i%each < n {
			rows = append(rows, lidr.Prompt{ID: p.ID, Lang: p.Lang, Prompt: p.Text, Answer: p.Answer, Source: p.File})
		}
	}
	return rows, nil
}
