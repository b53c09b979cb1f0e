package handoff

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lidrlab/lidr"
)

// follow reports how far a program is until it has ended: by LLaMA-Factory's trainer_log.jsonl, or else by the lines
// with a loss that TRL prints, one a step from the checkpoint that it goes on from.
func (j *job) follow(meter *lidr.Meter, ended <-chan struct{}) {
	_, before, _ := strings.Cut(filepath.Base(lastCheckpoint(logFolder(j.run, j.next))), "-")
	begun, _ := strconv.Atoi(before) // 0 where there is none
	report := func() {
		if text, err := readForeign(filepath.Join(logFolder(j.run, j.next), "trainer_log.jsonl")); err == nil {
			if step, total := logProgress(text); total > 0 {
				meter.Reach(step, total, 0)
			}
		} else if text, err := readForeign(j.path("trainer.log")); err == nil {
			meter.Reach(begun+bytes.Count(text, []byte("{'loss'")), j.steps, 0)
		}
	}
	tick := time.NewTicker(time.Second / 2)
	defer tick.Stop()
	for {
		report()
		select {
		case <-ended:
			report()
			return
		case <-tick.C:
		}
	}
}

// logProgress reads the last whole line of trainer_log.jsonl that counts steps; 0 where there is none.
func logProgress(text []byte) (step, total int) {
	lines := bytes.Split(text, []byte("\n"))
	for i := len(lines) - 2; i >= 0; i-- { // what follows the last line's end is being written
		var entry struct {
			Step  int `json:"current_steps"`
			Total int `json:"total_steps"`
		}
		line := notNumber.ReplaceAll(lines[i], []byte("${1}null"))
		if json.Unmarshal(line, &entry) == nil && entry.Total > 0 && entry.Step >= 0 {
			return entry.Step, entry.Total
		}
	}
	return 0, 0
}
