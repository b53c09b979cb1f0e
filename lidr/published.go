package lidr

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
)

// PublishedOutputs makes the references of [Judge] out of a model's published answers, such as those of GPT-4-turbo or
// text_davinci_003 to AlpacaEval, and of their translations to X-AlpacaEval. path is alpaca_eval's model_outputs.json, for
// the prompts of all languages, or a folder with one such file a language, LANG.json. It returns a frame with columns id,
// lang, prompt and response, a row for each of prompts (columns id, lang and prompt, such as [Prompts] and [Generate]
// return), joined by the text of the instruction without white space around it. Prompts without an answer are an error that
// names them, since a win rate over fewer prompts is another number.
func PublishedOutputs(path string, prompts dataframe.DataFrame) (dataframe.DataFrame, error) {
	var rows []answerRow
	var asked []struct {
		ID     string `json:"id"`
		Lang   string `json:"lang"`
		Prompt string `json:"prompt"`
	}
	if err := datasets.Rows(prompts, &asked); err != nil {
		return dataframe.DataFrame{}, fmt.Errorf("prompts: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return dataframe.DataFrame{}, fmt.Errorf("published outputs: %w", err)
	}
	answers := map[string]map[string]string{} // by file and instruction
	missing := map[string][]string{}
	var files []string
	for _, p := range asked {
		file := path
		if info.IsDir() {
			file = filepath.Join(path, p.Lang+".json")
		}
		if answers[file] == nil {
			if answers[file], err = outputsOf(file); err != nil {
				return dataframe.DataFrame{}, err
			}
			files = append(files, file)
		}
		answer, ok := answers[file][strings.TrimSpace(p.Prompt)]
		if !ok {
			missing[file] = append(missing[file], fmt.Sprintf("%s in %s, %.60q", p.ID, p.Lang, p.Prompt))
		}
		rows = append(rows, answerRow{p.ID, p.Lang, p.Prompt, answer})
	}
	for _, file := range files {
		if m := missing[file]; len(m) > 0 {
			return dataframe.DataFrame{}, fmt.Errorf("%s: %d of the prompts have no answer there: %s; expected the same instructions, in the languages of the prompts",
				file, len(m), strings.Join(m[:min(len(m), 5)], "; "))
		}
	}
	return datasets.Frame(rows), nil
}

// outputsOf reads the answers of one model, by instruction.
func outputsOf(file string) (map[string]string, error) {
	outputs, err := datasets.LoadModelOutputs(file)
	if err != nil {
		return nil, err
	}
	answers := map[string]string{}
	for _, o := range outputs {
		if o.Generator != outputs[0].Generator {
			return nil, fmt.Errorf("%s: answers of %s and of %s, expected one model's", file, outputs[0].Generator, o.Generator)
		}
		answers[strings.TrimSpace(o.Instruction)] = o.Output
	}
	return answers, nil
}
