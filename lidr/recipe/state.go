package recipe

import (
	"errors"
	"io/fs"

	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
)

// stagesFile lists the stages of a run that are done: by their names, the key of the recipe that they were done by.
const stagesFile = "stages.json"

// key is of everything that decides what a run computes: where servers are and what they cost is no part of it.
func (r Recipe) key() string {
	r.About, r.Published = "", Published{}
	r.Model.Endpoints, r.Translator.Endpoints, r.Model.Serve = nil, nil, nil
	r.Judge = Judge{Model: Model{Path: r.Judge.Path}}
	r.Panel, r.Scoring = pathsAlone(r.Panel), r.Scoring.pathsAlone()
	return ledger.Key(r.YAML())
}

// doneIn reads which stages are done in a run folder.
func (r Recipe) doneIn(run *lidr.Run) (map[string]string, error) {
	done := map[string]string{}
	err := run.ReadJSON(run.Path(stagesFile), &done)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return done, err
}

// mark notes that a stage is done.
func (r Recipe) mark(run *lidr.Run, done map[string]string, stage string) error {
	if done[stage] == r.key() {
		return nil
	}
	done[stage] = r.key()
	return run.WriteJSON(run.Path(stagesFile), done)
}
