package judge

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
)

// References makes the references of [Compare] out of a model's published answers, such as those of GPT-4-turbo or
// text_davinci_003 to AlpacaEval, and of their translations to X-AlpacaEval. path is alpaca_eval's model_outputs.json,
// for the prompts of all languages, or a folder with one such file a language, LANG.json, LANG/model_outputs.json or
// LANG/NAME/model_outputs.json, or a path in which {lang} is replaced by the language: "refs/{lang}/gpt-4.json". It
// returns a frame of [Output] rows, one for each of prompts (columns id, lang and prompt, such as [lidr.Prompts] and
// [lidr.Generate] return), joined by the text of the instruction without white space around it. Prompts without an
// answer are an error that names them, since a win rate over fewer prompts is another number.
func References(prompts dataframe.DataFrame, path string) (dataframe.DataFrame, error) {
	rows, err := publishedAnswers(prompts, path)
	if err != nil {
		return dataframe.DataFrame{}, fmt.Errorf("references: %w", err)
	}
	return datasets.Frame(rows), nil
}

func publishedAnswers(prompts dataframe.DataFrame, path string) ([]Output, error) {
	asked, err := rowsOf[question](prompts, "prompts")
	if err != nil {
		return nil, err
	}
	rows := make([]Output, len(asked))
	answers := map[string]map[string]string{} // by file and instruction
	paths := map[string]string{}              // by language
	missing := map[string][]string{}
	var files []string
	for i, q := range asked {
		file, known := paths[q.Lang]
		if !known {
			if file, err = answersFile(path, q.Lang); err != nil {
				return nil, err
			}
			paths[q.Lang] = file
		}
		if answers[file] == nil {
			if answers[file], err = outputsOf(file); err != nil {
				return nil, err
			}
			files = append(files, file)
		}
		answer, ok := answers[file][strings.TrimSpace(q.Prompt)]
		if !ok {
			missing[file] = append(missing[file], fmt.Sprintf("%s in %s, %.60q", q.ID, q.Lang, q.Prompt))
		}
		rows[i] = Output{ID: q.ID, Lang: q.Lang, Prompt: q.Prompt, Response: answer}
	}
	for _, file := range files {
		if m := missing[file]; len(m) > 0 {
			return nil, fmt.Errorf("%s: %d of the prompts have no answer there: %s; expected the same instructions, in the "+
				"languages of the prompts", file, len(m), strings.Join(m[:min(len(m), 5)], "; "))
		}
	}
	return rows, nil
}

// answersFile finds the file with a model's answers in a language.
func answersFile(path, lang string) (string, error) {
	named := strings.Contains(path, "{lang}")
	path = strings.ReplaceAll(path, "{lang}", lang)
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return path, err
	}
	patterns := []string{lang + ".json", lang + "/model_outputs.json", lang + "/*/model_outputs.json"}
	if named {
		patterns = []string{"model_outputs.json", "*/model_outputs.json"}
	}
	var found []string
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(path, pattern))
		if err != nil {
			return "", err
		}
		found = append(found, files...)
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%s: %d files of answers in %s (%s), expected one of %s; name a file by a path with {lang} "+
			"in it",
			path, len(found), lang, strings.Join(found, ", "), strings.Join(patterns, " or "))
	}
	return found[0], nil
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
		instruction := strings.TrimSpace(o.Instruction)
		if before, twice := answers[instruction]; twice && before != o.Output {
			return nil, fmt.Errorf("%s: two answers to the instruction %.60q, expected one: prompts are joined by their text",
				file, o.Instruction)
		}
		answers[instruction] = o.Output
	}
	return answers, nil
}
