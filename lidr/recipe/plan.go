package recipe

import (
	"fmt"
	"strings"

	"lidrlab/lidr/checkpoint"
)

// planned are the steps of a run in their order, by the names under which they report their progress: its reader then
// knows which of them is at work. A stage whose steps are not known here counts as one.
func (r Recipe) planned() []string {
	var steps []string
	for _, s := range r.stages() {
		kind, model, _ := strings.Cut(s.name, " ")
		switch kind {
		case "evaluate":
			steps = append(steps, model+" evaluate")
			if r.Evaluate.Source == miniature && r.Evaluate.Translations > 0 {
				steps = append(steps, model+" evaluate translation")
			}
		case "answer":
			steps = append(steps, model+" answers "+r.Instructions.Suite)
		case "pairs":
			steps = append(steps, model+" generate", model+" translate")
		case "rate":
			steps = append(steps, model+" ratings")
		case "train":
			base := fmt.Sprintf("M%d", roundOf(s.name)-1)
			if r.Trainer.Program == own && len(r.Train.Referenced(nil, checkpoint.Config{})) > 0 {
				steps = append(steps, base+" reference")
			}
			steps = append(steps, base+" train")
		default: // judge M1-M0 among them, which reports so
			steps = append(steps, s.name)
		}
	}
	return steps
}
