package cell

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"

	"lidrlab/datasets"
	"lidrlab/datasets/miniature"
	"lidrlab/lidr"
	"lidrlab/lidr/lm/remote"
)

// Answers are a model's answers to the problems that it was evaluated on, in the languages that the run trains.
func (r *Run) Answers(model string) []datasets.Response {
	r.Scores(model)
	var all []datasets.Response
	for _, lang := range r.Open().Settings.Languages() {
		for _, v := range Must(r.Open().Verdicts(model, lang)) {
			problem := Must(miniature.Decode(v.ID))
			all = append(all, datasets.Response{ID: v.ID, Lang: lang, Prompt: problem.Prompt(lang), Response: v.Response})
		}
	}
	return all
}

// Referee is the judge behind the address in LIDR_JUDGE, by the name in LIDR_JUDGE_MODEL where the server has several.
// Without one, a judge is served here that knows the embedded world's problems by their wording and compares by
// [lidr.Rubric]: it says m or M, m where it sees no difference.
func Referee(r *Run) *lidr.Model {
	address := os.Getenv("LIDR_JUDGE")
	if address == "" {
		address = serveRubric(r)
	}
	options := remote.Options{Model: os.Getenv("LIDR_JUDGE_MODEL"), Endpoints: []string{address}}
	return lidr.UseModel("judge", Must(remote.Open(Context, options)))
}

// question is how judge.Defaults asks.
var question = regexp.MustCompile(`(?s)<instruction>\n(.*)\n</instruction>\n` +
	`<answer id="m">\n(.*)\n</answer>\n<answer id="M">\n(.*)\n</answer>`)

// serveRubric serves the judge of the embedded world until the cell ends, and returns its address. It counts words as
// tokens.
func serveRubric(r *Run) string {
	problems := map[string]datasets.Response{}
	for _, a := range r.Answers("M0") {
		problems[a.Prompt] = a
	}
	points := func(prompt, response string) (float64, error) {
		asked, known := problems[prompt]
		if !known {
			return 0, fmt.Errorf("the judge knows no problem %q", prompt)
		}
		problem, err := miniature.Decode(asked.ID)
		v := miniature.Check(response, problem, asked.Lang)
		return lidr.Verdict{Correct: v.Correct, OnTarget: v.OnTarget, Steps: v.StepsCorrect}.Points(), err
	}
	answer := func(w http.ResponseWriter, body any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(body) // who has gone needs no answer
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"object": "list", "data": []any{map[string]string{"id": "rubric", "owned_by": "lidr"}}})
	})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Messages []struct{ Content string } }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Messages) == 0 {
			http.Error(w, fmt.Sprintf("expected messages: %v", err), http.StatusBadRequest)
			return
		}
		text := body.Messages[len(body.Messages)-1].Content
		asked := question.FindStringSubmatch(text)
		if asked == nil {
			http.Error(w, "expected a question as judge.Defaults asks it", http.StatusBadRequest)
			return
		}
		first, err := points(asked[1], asked[2])
		if err == nil {
			var second float64
			if second, err = points(asked[1], asked[3]); second > first {
				asked[0] = "M"
			} else {
				asked[0] = "m"
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		message := map[string]string{"role": "assistant", "content": asked[0]}
		answer(w, map[string]any{
			"choices": []any{map[string]any{"finish_reason": "stop", "message": message}},
			"usage":   map[string]int{"prompt_tokens": len(strings.Fields(text)), "completion_tokens": 1},
		})
	})
	listener := Must(net.Listen("tcp", "127.0.0.1:0"))
	go func() { _ = http.Serve(listener, mux) }() // until the cell's process ends
	return "http://" + listener.Addr().String()
}
