package lidr

import (
	"fmt"
	"path/filepath"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
)

// Responses reads back what a model has answered in a run, the frame that [Generate] returned, without asking for the model.
func Responses(run *Run, model string) (dataframe.DataFrame, error) {
	var all []datasets.Response
	for _, lang := range run.Settings.Languages() {
		rows, err := datasets.LoadResponses(run.path(model, "responses", lang+".jsonl"), lang)
		if err != nil {
			return dataframe.DataFrame{}, fmt.Errorf("%s has not answered in %s; call Generate first: %w", model, lang, err)
		}
		all = append(all, rows...)
	}
	return datasets.Frame(all), nil
}

// References returns the published answers to the prompts of responses, for [Judge]: those in folder/LANG/NAME.json, in
// alpaca_eval's form, whose instruction is the prompt.
func References(responses dataframe.DataFrame, folder, name string) (dataframe.DataFrame, error) {
	rows, err := rowsOf[answerRow](responses, "responses")
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	answers := map[string]map[string]string{} // by language and instruction
	for i, row := range rows {
		path := filepath.Join(folder, row.Lang, name+".json")
		if answers[row.Lang] == nil {
			outputs, err := datasets.LoadModelOutputs(path)
			if err != nil {
				return dataframe.DataFrame{}, err
			}
			answers[row.Lang] = map[string]string{}
			for _, output := range outputs {
				answers[row.Lang][output.Instruction] = output.Output
			}
		}
		text, ok := answers[row.Lang][row.Prompt]
		if !ok {
			return dataframe.DataFrame{}, fmt.Errorf("%s: no answer to prompt %s, %.40q", path, row.ID, row.Prompt)
		}
		rows[i].Response = text
	}
	return datasets.Frame(rows), nil
}
