package lidr_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"lidrlab/lidr"
	"lidrlab/lidr/lm"
)

// instant is a model that answers at once, so that what is left is the pipeline.
type instant struct{}

func (instant) Fingerprint() string                 { return "instant" }
func (instant) ContextLength() int                  { return 8192 }
func (instant) CountTokens(lm.Request) (int, error) { return 1, nil }
func (instant) Logprobs(context.Context, []lm.Request, []string) ([]float64, []int, error) {
	panic("not asked for")
}

func (instant) Generate(_ context.Context, reqs []lm.Request, _ lm.Sampling, done func(int) bool,
	save func([]int, []lm.Completion) error) error {
	const batch = 1024
	for from := 0; from < len(reqs); from += batch {
		var idx []int
		var out []lm.Completion
		for i := from; i < min(from+batch, len(reqs)); i++ {
			if done(i) {
				continue
			}
			hash := fnv.New64a()
			hash.Write([]byte(reqs[i].ID))
			text := fmt.Sprintf("An answer of its own, %x, of the length that answers in the miniature have.\nThe second "+
				"step is 12 + %d.\nThe answer is %d.", hash.Sum64(), i%97, i%1009)
			if reqs[i].Prefill != "" {
				text += "</translated>"
			}
			idx, out = append(idx, i), append(out, lm.Completion{Text: text, FinishReason: lm.FinishStop, PromptTokens: 30,
				Tokens: 40})
		}
		if len(idx) > 0 {
			if err := save(idx, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// pipeline takes n prompts, counted over five languages, through everything but a model: prompts, answers, translations
// and pairs, with their store, files and frames.
func pipeline(dir string, n int) error {
	ctx := context.Background()
	s := lidr.MiniatureSettings()
	s.Prompts.N = n / len(s.Languages())
	run, err := lidr.Open(dir, s)
	if err != nil {
		return err
	}
	m0 := lidr.UseModel("instant", instant{})
	prompts, err := lidr.Prompts(ctx, run, m0)
	if err != nil {
		return err
	}
	responses, err := lidr.Generate(ctx, run, m0, prompts)
	if err != nil {
		return err
	}
	translations, err := lidr.Translate(ctx, run, m0, responses)
	if err != nil {
		return err
	}
	pairs, _, err := lidr.Pairs(ctx, run, m0, responses, translations)
	if err == nil && pairs.Nrow() != n {
		err = fmt.Errorf("%d pairs of %d prompts", pairs.Nrow(), n)
	}
	return err
}

// BenchmarkScale tells the time and the peak memory of the pipeline at growing numbers of prompts, each in a process of
// its own. "make scale" goes up to a million.
func BenchmarkScale(b *testing.B) {
	largest := 10_000
	if given, err := strconv.Atoi(os.Getenv("LIDR_SCALE")); err == nil {
		largest = given
	}
	for n := 10_000; n <= largest; n *= 10 {
		b.Run(fmt.Sprintf("prompts=%d", n), func(b *testing.B) {
			for b.Loop() {
				command := exec.Command(os.Args[0])
				command.Env = append(os.Environ(), "LIDR_TEST_RUN="+filepath.Join(b.TempDir(), "run"),
					"LIDR_TEST_SCALE="+strconv.Itoa(n))
				start := time.Now()
				if out, err := command.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
				b.ReportMetric(time.Since(start).Seconds()*1e6/float64(n), "µs/prompt")
				b.ReportMetric(peakMegabytes(command.ProcessState), "peak-MB")
			}
		})
	}
}
