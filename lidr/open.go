package lidr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/input"
	"lidrlab/lidr/langid"
	"lidrlab/lidr/ledger"
)

// Open makes or continues the run in folder dir, which belongs to this process until [Run.Close] or until the process
// ends. It refuses settings that cannot work, naming the field, a folder that another process works in, one that holds
// outputs of other settings, and one of another format: a run folder is one experiment, and the store makes another
// one cheap.
func Open(dir string, s Settings, options ...Option) (*Run, error) {
	run := newRun(dir, s, options)
	if err := run.works(); err != nil {
		return nil, err
	}
	if err := run.open(); err != nil {
		return nil, err
	}
	return run, nil
}

// Reopen continues the run in folder dir with the settings that it was made with. A run with a task of its own needs
// [WithTask] again.
func Reopen(dir string, options ...Option) (*Run, error) {
	s, err := recordedSettings(dir)
	if err != nil {
		return nil, err
	}
	run := newRun(dir, s, options)
	if err := run.Settings.Validate(); err != nil {
		return nil, err
	}
	if err := run.open(); err != nil {
		return nil, err
	}
	return run, nil
}

// recordedSettings are those of run.json, which carries its own sum. An edited settings.json is refused, and a deleted
// one is written anew.
func recordedSettings(dir string) (Settings, error) {
	run, path := newRun(dir, Settings{}, nil), filepath.Join(dir, "settings.json")
	if _, err := os.Stat(run.Path("run.json")); err == nil {
		if err := run.sameFormat(); err != nil {
			return Settings{}, err
		}
	}
	before, err := run.readRecord()
	if err != nil {
		return Settings{}, err
	}
	var s Settings
	if before.Format == 0 { // no step has begun
		if err := ledger.ReadJSON(path, &s); err != nil {
			return s, fmt.Errorf("%s is not a run folder, which lidr runs lists: %w", dir, err)
		}
		return s, nil
	}
	wrote, err := ledger.EncodeJSON(before.Settings)
	if err != nil {
		return s, err
	}
	hashes, err := ledger.Listed(dir)
	if err != nil && !errors.Is(err, ledger.ErrDamaged) { // whatever reads an output says more of a damaged one
		return s, err
	}
	if listed := hashes["settings.json"]; listed != "" && listed != hashOf(wrote) {
		return s, fmt.Errorf("%s and %s are of two runs: their settings differ; put back the one that was replaced, or run "+
			"the command that made the run again", run.Path("run.json"), run.Path("files.json"))
	}
	now, err := input.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && bytes.Equal(now, wrote) {
		return before.Settings, nil
	} else if err != nil {
		return s, err
	}
	changed := ""
	if json.Unmarshal(now, &s) == nil {
		changed = " (" + strings.Join(changedFields(before.Settings, s), ", ") + ")"
	}
	return s, fmt.Errorf("%s was changed since the run was made%s; put it back, or delete it to have it written anew: "+
		"a run has one set of settings, so take another folder for others", path, changed)
}

func newRun(dir string, s Settings, options []Option) *Run {
	run := &Run{
		Dir: dir, Settings: s,
		store:    ledger.Store{Dir: ledger.StoreBeside(dir)},
		progress: func(Event) {},
	}
	for _, option := range options {
		option(run)
	}
	run.store.Note = func(text string) { run.Note("%s", text) }
	// An empty list and none are one setting, and read back as one.
	for _, list := range []*[]string{
		&run.Settings.Trained, &run.Settings.Unseen, &run.Settings.Train.LoRA.Targets, &run.Settings.Pairs.KeepFaulty,
		&run.Settings.Generate.Sampling.Stop, &run.Settings.Translate.Sampling.Stop,
	} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	return run
}

// beside opens another run of the same task with the same store.
func (r *Run) beside(dir string, s Settings, p Progress) (*Run, error) {
	options := []Option{WithStore(r.store.Dir), WithProgress(p)}
	if r.own != nil {
		options = append(options, WithTask(r.own))
	}
	return Open(dir, s, options...)
}

// works is an error for settings that could not work on this machine.
func (r *Run) works() error {
	if err := r.Settings.Validate(); err != nil {
		return err
	}
	if err := r.Settings.findSources(r.own); err != nil {
		return err
	}
	if r.own != nil {
		if _, err := os.Stat(r.own.Name()); err == nil || r.own.Name() == miniatureSource {
			return fmt.Errorf("a task of one's own is named %q, which is the miniature or a file: opened again without it, "+
				"the run would go on with that; expected another name, such as sums/1", r.own.Name())
		}
	}
	return r.knowsLanguages()
}

// open locks the folder and compares what it holds with the run.
func (r *Run) open() error {
	if r.Dir == "" {
		return errors.New("the name of the run folder is empty, expected a folder such as runs/first")
	}
	var err error
	if r.opened, err = json.Marshal(r.Settings); err != nil {
		return err
	}
	if s := r.shard; s != (ledger.Shard{}) {
		if s.Part < 1 || s.Of < s.Part {
			return fmt.Errorf("shard %s: expected a part of 1 to as many as there are, such as 2/4", s)
		}
		r.unlock = func() error { return nil } // nothing is written
		return r.compareFolder()
	}
	if r.unlock, err = ledger.LockFolder(r.Dir); err != nil {
		return err
	}
	if err := r.compareFolder(); err != nil {
		return errors.Join(err, r.Close())
	}
	before, err := r.readRecord()
	if err != nil {
		return err
	}
	recorded, err := json.Marshal(before.Settings)
	if err != nil {
		return err
	}
	if bytes.Equal(recorded, r.opened) {
		if err := r.keepOtherSettings(); err != nil {
			return err
		}
	} else {
		now := r.recordNow()
		now.Fingerprints = map[string]string{}
		if err := durable.Remove(r.Path("files.json")); err != nil { // it lists the settings, and no output
			return err
		}
		if err := ledger.WriteSealed(r.Path("run.json"), now); err != nil {
			return err // the format is in every folder that holds anything
		}
	}
	if err := ledger.WriteJSON(r.Path("settings.json"), r.Settings); err != nil {
		return err
	}
	if _, err := ledger.Listed(r.Dir); errors.Is(err, ledger.ErrDamaged) {
		return nil // a step makes it anew, and what only reads refuses it
	}
	return r.WriteJSON(r.Path("settings.json"), r.Settings) // lists it, so that files.json is of this run
}

// keepOtherSettings keeps a settings.json that is not what the run was made with.
func (r *Run) keepOtherSettings() error {
	path := r.Path("settings.json")
	wrote, err := ledger.EncodeJSON(r.Settings)
	if err != nil {
		return err
	}
	now, err := input.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		r.Note("%s is gone since it was written; it is made anew", path)
		return nil
	} else if err != nil || bytes.Equal(now, wrote) {
		return err
	}
	kept, err := keepEdited(path)
	if err == nil {
		r.Note("%s was changed since it was written; it is made anew, and what was there is kept as %s", path,
			filepath.Base(kept))
	}
	return err
}

// compareFolder is an error if the folder holds outputs, which are in folders of their own, of another format or of
// other settings.
func (r *Run) compareFolder() error {
	entries, err := os.ReadDir(r.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a shard makes no folder
	}
	if err != nil || !slices.ContainsFunc(entries, fs.DirEntry.IsDir) {
		return err
	}
	if err := r.sameFormat(); err != nil {
		return err
	}
	before, err := r.readRecord() // not settings.json, which somebody may have edited
	if err != nil {
		return err
	}
	if changed := changedFields(before.Settings, r.Settings); len(changed) > 0 {
		return fmt.Errorf("%s was made with other settings (%s); choose another run folder, or delete this one: "+
			"what the models have said stays in %s", r.Dir, strings.Join(changed, ", "), r.store.Dir)
	}
	return nil
}

// inFiles is a language as the task's identifier knows it: for files a regional code is its language.
func inFiles(t Task, lang string) string {
	if _, files := t.(fileTask); files {
		return baseLanguage(lang)
	}
	return lang
}

// otherIdentifier says which setting names an identifier that knows a language.
func otherIdentifier(lang string) string {
	for _, name := range append([]string{""}, langid.Registered()...) {
		id, err := langid.Named(name)
		if err == nil && slices.Contains(langid.Languages(id), lang) {
			return fmt.Sprintf("evaluate.identifier %q, which knows it", name)
		}
	}
	return "an identifier of your own (langid.Register), since none that this program has linked knows it"
}

// knowsLanguages is an error for a language whose answers the run could never find to be on target.
func (r *Run) knowsLanguages() error {
	s := r.Settings
	check := func(t Task, langs []string, field string) error {
		known := t.Languages()
		if len(known) == 0 {
			return nil // any
		}
		for _, lang := range langs {
			if !slices.Contains(known, inFiles(t, lang)) {
				return fmt.Errorf("settings: field %s is %q, which the language identifier of %s does not know: every answer "+
					"would count as off-target; expected one of %s, or %s", field, lang, t.Name(), strings.Join(known, " "),
					otherIdentifier(inFiles(t, lang)))
			}
		}
		return nil
	}
	if s.Evaluate.Source != "" {
		if err := check(r.evalTask(), s.AllLanguages(), "languages"); err != nil {
			return err
		}
	}
	if b, ok := r.promptTask().(builtin); ok && b.synthetic() { // a world that makes its prompts has no others
		if err := check(b, s.Languages(), "languages"); err != nil {
			return err
		}
	}
	if s.Pairs.SameLanguage {
		return check(r.promptTask(), s.Languages(), "trained")
	}
	return nil
}

// sameFormat is an error for a folder of another format: run.json says which one, or it was made before there were
// numbers.
func (r *Run) sameFormat() error {
	found := struct {
		Format int    `json:"format"`
		Sum    string `json:"sha256"` // since format 3
	}{Format: 1}
	err := ledger.ReadForeignJSON(r.Path("run.json"), &found)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s holds outputs and no run.json, which says their format: it was made before there was one, or "+
			"run.json was deleted; put it back, read the folder with the version that made it, or take another folder "+
			"(answers that %s holds are not asked for again)", r.Dir, r.store.Dir)
	}
	if err != nil || found.Sum != "" || found.Format == Format {
		whole, err := r.readRecord()
		if err != nil || whole.Format == Format {
			return err
		}
	}
	return fmt.Errorf("%s is a run folder of format %d, and this program reads format %d; read it with the version that "+
		"made it, or run the experiment again in another folder: answers that %s holds are not asked for again",
		r.Dir, found.Format, Format, r.store.Dir)
}
