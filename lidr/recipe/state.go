package recipe

import (
	"errors"
	"fmt"
	"io/fs"

	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/recipe/launch"
	"lidrlab/lidr/tracking"
)

// stagesFile lists the stages of a run that are done: by their names, the key of the recipe that they were done by.
const stagesFile = "stages.json"

// key is of everything that decides what a run computes: where servers are and what they cost is no part of it.
func (r Recipe) key() string {
	r.About, r.Published, r.Tracking = "", Published{}, tracking.Settings{}
	r.Model.Endpoints, r.Translator.Endpoints, r.Model.Serve, r.Launch = nil, nil, nil, launch.Settings{}
	r.Judge = Judge{Model: Model{Path: r.Judge.Path}}
	r.Panel, r.Scoring = pathsAlone(r.Panel), r.Scoring.pathsAlone()
	return ledger.Key(r.YAML())
}

// doneIn reads which stages are done in a run folder.
func (r Recipe) doneIn(run *lidr.Run) (map[string]string, error) {
	done := map[string]string{}
	err := ledger.ReadSealed(run.Path(stagesFile), &done)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	case errors.Is(err, ledger.ErrDamaged):
		err = fmt.Errorf("%w; delete it: what is done is found again, though models are served once more for it", err)
	}
	return done, err
}

// mark notes that a stage is done. The file has its own sum: files.json, which is written after a file that it lists,
// would take one for edited that was replaced just before a kill.
func (r Recipe) mark(run *lidr.Run, done map[string]string, stage string) error {
	if done[stage] == r.key() {
		return nil
	}
	done[stage] = r.key()
	return ledger.WriteSealed(run.Path(stagesFile), done)
}
