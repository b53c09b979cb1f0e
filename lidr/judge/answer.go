package judge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/lm"
)

// Answer lets a model of the run answer prompts that are not its round's, such as X-AlpacaEval's, as s says. prompts is
// a frame with the columns id, lang and prompt, in languages of the run, and suite names them in the run folder. It
// returns a frame of [datasets.Response] rows and writes <model>/eval/<suite>/LANG.jsonl and, beside them, s as
// settings.json: the answers of a suite belong to one s, and another one than before is refused. Answers that the store
// holds are not generated again. [Answers] reads them back.
func Answer(ctx context.Context, run *lidr.Run, m *lidr.Model, suite string, prompts dataframe.DataFrame,
	s lidr.GenerateSettings) (dataframe.DataFrame, error) {
	responses, err := answerSuite(ctx, run, m, suite, prompts, s)
	if err != nil {
		return dataframe.DataFrame{}, fmt.Errorf("answers to %s: %w", suite, err)
	}
	return datasets.Frame(responses), nil
}

func answerSuite(ctx context.Context, run *lidr.Run, m *lidr.Model, suite string, prompts dataframe.DataFrame,
	s lidr.GenerateSettings) ([]datasets.Response, error) {
	if err := checkSuite(suite); err != nil {
		return nil, err
	}
	if err := checkSampling("generate.sampling", s.Sampling); err != nil {
		return nil, err
	}
	asked, err := rowsOf[question](prompts, "prompts")
	if err != nil {
		return nil, err
	}
	if err := hasRoom(m, "generate.sampling", s.Sampling); err != nil {
		return nil, err
	}
	requests, err := suiteRequests(run, m, suite, asked, s)
	if err != nil {
		return nil, err
	}
	if err := run.Enter(m); err != nil {
		return nil, err
	}
	folder := run.Path(m.Name(), "eval", suite)
	if err := oneSetting(run, folder, s); err != nil {
		return nil, err
	}
	answers, err := lidr.Ask(ctx, run, m, m.Name()+" answers "+suite, requests, s.Sampling, 0)
	if err != nil {
		return nil, err
	}
	responses := make([]datasets.Response, len(asked))
	for i, q := range asked {
		a := answers[i].Split()
		responses[i] = datasets.Response{
			ID: q.ID, Lang: q.Lang, Prompt: q.Prompt, Response: a.Text, FinishReason: a.FinishReason, Tokens: a.Tokens,
			Fault: a.Fault(), Reason: a.Reason,
		}
	}
	langs, groups := byLanguage(responses, func(r datasets.Response) string { return r.Lang })
	for _, lang := range langs {
		if err := run.WriteLines(filepath.Join(folder, lang+".jsonl"), groups[lang]); err != nil {
			return nil, err
		}
	}
	return responses, nil
}

// suiteRequests makes the requests for answers to a suite, and refuses prompts whose answers could not be told apart.
func suiteRequests(run *lidr.Run, m *lidr.Model, suite string, asked []question,
	s lidr.GenerateSettings) ([]lm.Request, error) {
	if len(asked) == 0 {
		return nil, errors.New("there are no prompts")
	}
	requests := make([]lm.Request, len(asked))
	seen := map[string]bool{}
	for i, q := range asked {
		id := q.ID + "/" + q.Lang
		switch {
		case !slices.Contains(run.Settings.AllLanguages(), q.Lang):
			return nil, fmt.Errorf("prompts, row %d: prompt %s is in %q, expected one of the run's languages, %s",
				i+1, q.ID, q.Lang, strings.Join(run.Settings.AllLanguages(), ", "))
		case strings.TrimSpace(q.Prompt) == "":
			return nil, fmt.Errorf("prompts, row %d: prompt %s in %s is empty, expected text", i+1, q.ID, q.Lang)
		case seen[id]:
			return nil, fmt.Errorf("prompts, row %d: prompt %s in %s is there twice, expected each id once a language",
				i+1, q.ID, q.Lang)
		}
		seen[id] = true
		messages, err := s.Messages(q.Prompt, q.Lang)
		if err != nil {
			return nil, err
		}
		requests[i] = lm.Request{ID: id, Messages: messages}
		if err := m.Fits(requests[i], suite); err != nil {
			return nil, err
		}
	}
	return requests, nil
}

// oneSetting writes how a suite is answered, and refuses another way than before.
func oneSetting(run *lidr.Run, folder string, s lidr.GenerateSettings) error {
	path := filepath.Join(folder, "settings.json")
	var before lidr.GenerateSettings
	err := run.ReadJSON(path, &before)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s says how the answers beside it were generated, and was damaged, edited or deleted; put it "+
			"back, or delete %s: what the model has said stays in %s", path, folder, run.Store().Dir)
	}
	if err == nil && !reflect.DeepEqual(before, s) {
		return fmt.Errorf("%s has answers with other settings than these (see its settings.json); choose another name for "+
			"the suite, or delete the folder: what the model has said stays in %s", folder, run.Store().Dir)
	}
	return run.WriteJSON(path, s)
}

// Answers reads back what a model of the run has answered to a suite, the frame that [Answer] returned, without the
// model: language by language, in the run's order.
func Answers(run *lidr.Run, model, suite string) (dataframe.DataFrame, error) {
	if err := checkSuite(suite); err != nil {
		return dataframe.DataFrame{}, err
	}
	var all []datasets.Response
	for _, lang := range run.Settings.AllLanguages() {
		var rows []datasets.Response
		err := run.ReadLines(run.Path(model, "eval", suite, lang+".jsonl"), &rows)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return dataframe.DataFrame{}, fmt.Errorf("answers of %s: %w", model, err)
		}
		all = append(all, rows...)
	}
	if len(all) == 0 {
		return dataframe.DataFrame{}, fmt.Errorf("%s of the run in %s has not answered %s; call Answer first",
			model, run.Dir, suite)
	}
	return datasets.Frame(all), nil
}
