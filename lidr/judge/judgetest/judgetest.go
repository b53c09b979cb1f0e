// Package judgetest is a judge for tests: an OpenAI-compatible server whose verdicts can be worked out by hand.
package judgetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Judge is a handler that prefers the answer with more stars, and of equal ones the first, with probability 0.6: a
// position bias. It says of each answer pair that holds the word mute that neither is better. Its verdicts are those
// that the words of judge.Defaults ask for.
type Judge struct {
	Weighted bool          // gives the probabilities of tokens
	Delay    time.Duration // before each verdict

	mu    sync.Mutex
	asked map[string]int
}

// Count counts a question, which is one of its own or one that a handler around the judge answers.
func (j *Judge) Count(question string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.asked == nil {
		j.asked = map[string]int{}
	}
	j.asked[question]++
}

// Asked returns how often each question was asked since the last [Judge.Forget].
func (j *Judge) Asked() map[string]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.asked)
}

// Forget sets all counts to 0.
func (j *Judge) Forget() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked = nil
}

// ServeHTTP implements http.Handler.
func (j *Judge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/v1/models" {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"judge","object":"model","created":1,"owned_by":"test"}]}`)
		return
	}
	var body struct{ Messages []struct{ Content string } }
	if json.NewDecoder(r.Body).Decode(&body) != nil || len(body.Messages) == 0 {
		return // the client was killed
	}
	time.Sleep(j.Delay)
	question := body.Messages[len(body.Messages)-1].Content
	j.Count(question)
	_, answers, _ := strings.Cut(question, `<answer id="m">`)
	if strings.Contains(answers, "mute") {
		j.reply(w, "stop", "neither", `{"token":"n","logprob":0}`)
		return
	}
	p := preferenceForSecond(answers)
	word := "m"
	if p > 0.5 {
		word = "M"
	}
	const others = `{"token":"m","logprob":%g},{"token":"M","logprob":%g},{"token":"x","logprob":-3}`
	j.reply(w, "length", word, fmt.Sprintf(others, math.Log(1-p)-1, math.Log(p)-1))
}

// preferenceForSecond is the probability that the judge says M.
func preferenceForSecond(answers string) float64 {
	first, second, _ := strings.Cut(answers, `<answer id="M">`)
	switch a, b := strings.Count(first, "*"), strings.Count(second, "*"); {
	case a > b:
		return 0.1
	case b > a:
		return 0.9
	}
	return 0.4
}

// reply writes one answer; top are the alternatives of its token.
func (j *Judge) reply(w http.ResponseWriter, reason, word, top string) {
	logprobs := ""
	if j.Weighted {
		logprobs = fmt.Sprintf(`,"logprobs":{"content":[{"token":%q,"logprob":0,"top_logprobs":[%s]}]}`, word, top)
	}
	const form = `{"choices":[{"finish_reason":%q,"message":{"role":"assistant","content":%q}%s}],` +
		`"usage":{"prompt_tokens":100,"completion_tokens":1}}`
	fmt.Fprintf(w, form, reason, word, logprobs)
}
