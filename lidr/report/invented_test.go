package report

import (
	"math"
	"strings"

	"lidrlab/lidr/dpo"
	"lidrlab/lidr/eval"
)

// invented is a report with every part filled. Its numbers are made up, and only the paper's are the paper's.
func invented() Data {
	d := Data{
		Title: "Invented data: two rounds on the miniature model",
		Question: "Does a model that is good in English and weak elsewhere improve its other languages from nothing but " +
			"its own answers and its own translations of them?",
		Findings: []string{
			"After one round all four trained languages answer more problems correctly, each with p < .05; " +
				"the two languages that took no part rise as well.",
			"Answers in the wrong language fall from 22 % to 3 %.",
			"English does not change measurably. The second round adds little.",
		},
		Miniature: true,
		Models:    []Model{{"M0", "before"}, {"M1", "after round 1"}, {"M2", "after round 2"}},
		Languages: []Language{
			{"en", "English", "dominant"},
			{"es", "Spanish", "trained"}, {"ru", "Russian", "trained"}, {"de", "German", "trained"},
			{"fr", "French", "trained"}, {"it", "Italian", "unseen"}, {"sw", "Swahili", "unseen"},
			{"trained", "mean of es ru de fr", "mean"}, {"unseen", "mean of it sw", "mean"},
		},
		KeyFigures: []KeyFigure{
			{"Accuracy, trained languages", "47.8 → 69.0 → 71.9 %", "+24.1 ± 1.6 points, M0 → M2", "good"},
			{"Accuracy, unseen languages", "35.5 → 51.0 → 53.4 %", "+17.9 ± 2.2 points, M0 → M2", "good"},
			{"Accuracy, English", "80.0 → 81.2 → 80.4 %", "+0.4 ± 1.9 points, M0 → M2", ""},
			{"Answers in the wrong language", "22.1 → 3.2 → 2.3 %", "−19.8 ± 1.5 points, M0 → M2; trained languages", "good"},
		},
		Rubric: "An answer wins if its final number is right and the other’s is not; then if it is in the language of the " +
			"problem; then if all its steps are right. Otherwise it is a tie.",
		Health: []Warning{
			{"round 2, training", "the chosen reward falls from step 90 on: the model unlearns its own chosen answers; " +
				"a smaller learning rate or a larger alpha keeps them"},
			{"round 2, pairs", "reward accuracy in Swahili-free data is below 60 %: little is left to learn from"},
		},
		Rerun: []string{"make demo", "lidr demo --prompts 300 --rounds 2 --seed 1 --run runs/demo"},
		Versions: []Field{{"lidr", "0.1.0, Go 1.26"}, {"backend", "go (sequential)"}, {"seed", "1"},
			{"M0", "sha256 3f9a1c0de5b7427788cc1d3e6a90f1b2c4d5e6f708192a3b4c5d6e7f8091a2b3"}},
		Cost: []Field{
			{"tokens generated", "412,310"}, {"tokens trained on", "1,030,112"},
			{"optimizer steps", "2 × 157"}, {"parameters", "0.86 million"},
		},
		Timing: []Field{
			{"whole run", "7 min 41 s on 2 cores"}, {"generation", "1,840 tokens/s"}, {"training", "2,950 tokens/s"},
		},
	}
	acc := map[string][]float64{
		"en": {.800, .812, .804}, "es": {.580, .784, .796}, "ru": {.272, .520, .572},
		"de": {.548, .760, .768}, "fr": {.512, .696, .740}, "it": {.408, .576, .600},
		"sw": {.302, .444, .468}, "trained": {.478, .690, .719}, "unseen": {.355, .510, .534},
	}
	off := map[string][]float64{
		"en": {0, 0, 0}, "es": {.064, .004, 0}, "ru": {.360, .028, .016},
		"de": {.232, .044, .036}, "fr": {.228, .052, .040}, "it": {.244, .120, .096},
		"sw": {.412, .240, .212}, "trained": {.221, .032, .023}, "unseen": {.328, .180, .154},
	}
	metric := func(key, name, what string, lower bool, values map[string][]float64) Metric {
		m := Metric{Key: key, Name: name, What: what, Percent: true, LowerIsBetter: lower}
		for _, l := range d.Languages {
			n := 250.
			if l.Role == "mean" {
				n = 750
			}
			for i, model := range d.Models {
				v := values[l.Code][i]
				m.Scores = append(m.Scores, eval.Score{
					Lang: l.Code, Model: model.Name, Value: v, SE: math.Sqrt(v * (1 - v) / n), N: int(n),
				})
				for from := range i {
					diff := v - values[l.Code][from]
					se := math.Sqrt((math.Abs(diff) + .04) / n)
					m.Differences = append(m.Differences, eval.Change{
						Lang: l.Code, From: d.Models[from].Name, To: model.Name, Difference: diff, SE: se,
						P: math.Erfc(math.Abs(diff) / se / math.Sqrt2),
					})
				}
			}
		}
		return m
	}
	d.Metrics = []Metric{
		metric("accuracy", "Accuracy", "Share of 250 fresh problems a language whose final number is right. "+
			"The problems take no part in pretraining or in the rounds.", false, acc),
		metric("off-target", "Off-target rate",
			"Share of the answers that are not in the language of the problem.", true, off),
	}
	for _, pair := range [][2]string{{"M1", "M0"}, {"M2", "M1"}} {
		for i, l := range []string{"en", "es", "ru", "de", "fr", "it", "sw"} {
			win := []int{31, 80, 121, 92, 88, 70, 66}[i]
			if pair[0] == "M2" {
				win /= 2
			}
			lose := 22 + i
			d.HeadToHead = append(d.HeadToHead, HeadToHead{pair[0], pair[1], l, win, 250 - win - lose, lose})
		}
	}
	for r, round := range []string{"round 1", "round 2"} {
		for i, l := range []string{"en", "es", "ru", "de", "fr"} {
			v := [][]float64{{.91, .64}, {.97, .81}, {.93, .88}, {.95, .72}, {.96, .77}}[i][r]
			d.RewardAccuracy = append(d.RewardAccuracy, RewardAccuracy{round, l, v, math.Sqrt(v * (1 - v) / 120), 120 - 30*r})
			dropped := []Dropped{
				{"failed translation", 6 + 3*i}, {"repeated lines", i}, {"identical chosen and rejected", 40 + 12*r - i},
			}
			d.Counts = append(d.Counts, PairCounts{round, l, 300, 300, dropped, 300 - 6 - 3*i - i - 40 - 12*r + i, 7 * i})
			var chosen, rejected []int
			for k := range 240 {
				u := (float64(k) + .5) / 240
				chosen = append(chosen, int(44+3*float64(i)+4*math.Log(u/(1-u))))
				rejected = append(rejected, int(math.Max(3, 39+2*float64(i)+6*math.Log(u/(1-u)))))
			}
			if r == 0 {
				d.PairLengths = append(d.PairLengths, PairLengths{round, l, chosen, rejected})
			}
		}
		t := Training{Round: round}
		for i := 1; i <= 157; i++ {
			x := float64(i)
			noise := math.Sin(x*1.7+float64(r)) * math.Cos(x*.61)
			s := dpo.Step{
				Step: i, LR: 2e-4,
				DPO:             .69*math.Exp(-x/60) + .05 + .03*noise,
				NLL:             .09*math.Exp(-x/50) + .03 + .006*noise,
				RewardsChosen:   1.1*(1-math.Exp(-x/40)) + .1*noise,
				RewardsRejected: -2.4*(1-math.Exp(-x/70)) + .2*noise,
				GradNorm:        3*math.Exp(-x/60) + 1 + .4*noise,
			}
			s.Loss = s.DPO + 5*s.NLL
			s.RewardsMargins = s.RewardsChosen - s.RewardsRejected
			s.RewardsAccuracies = math.Min(1, .95-.45*math.Exp(-x/25)+.03*noise)
			t.Steps = append(t.Steps, s)
		}
		d.Training = append(d.Training, t)
	}
	d.Controls = &Controls{
		What: "Change of accuracy in one round, in points, over 250 problems a language; one seed, 300 prompts a round. " +
			"That DPO adds to fine-tuning on the chosen side is not shown here.",
		Columns: []string{"trained languages", "unseen languages", "English"},
		Rows: []Control{
			{"LIDR (DPO + NLL)", "", true, []Estimate{{21.3, 1.6}, {15.5, 2.2}, {1.2, 1.9}}},
			{"SFT on the chosen side", "“multilingual alignment”", false, []Estimate{{18.4, 1.6}, {14.1, 2.2}, {.4, 1.9}}},
			{"random labels", "chosen and rejected swapped by a coin", false, []Estimate{{7.2, 1.5}, {4.6, 2.1}, {-2.0, 1.9}}},
			{"SFT on own answers", "no translation", false, []Estimate{{.9, 1.4}, {-.2, 2.0}, {.8, 1.7}}},
			{"DPO only", "alpha 0", false, []Estimate{{-11.8, 1.7}, {-7.1, 2.3}, {math.NaN(), math.NaN()}}},
		},
	}
	few := "only 40 items: differences of a few points mean nothing, use at least 100"
	d.Measures = []Measure{
		{Key: "judged-M1-M0", Title: "M1 against M0, by a judge", Unit: "%", Digits: 1,
			What: "Judged by gpt-4o: 400 questions, 412,310 tokens read and 400 written, $1.04.",
			Grid: Grid{Columns: []string{"es", "ru"}, Rows: []MeasureRow{
				{"win rate", "", []MeasureValue{
					{Estimate{62.04, 5.01}, "n = 40", few},
					{Estimate{71.2, 3.3}, "n = 158, 2 failed", ""}}},
				{"length-controlled win rate", "", []MeasureValue{
					{Estimate{math.NaN(), math.NaN()}, "n = 0", "none: all answers are of one length"},
					{Estimate{69, 0}, "", ""}}},
			}},
			Matches: []HeadToHead{{"M1", "M0", "es", 20, 12, 8}, {"M1", "M0", "ru", 99, 40, 21}}},
		{Key: "mt-bench", Title: "MT-bench", Unit: "1 to 10", Digits: 2, Plot: 2,
			Grid: Grid{Columns: []string{"es", "ru"}, Rows: []MeasureRow{
				{"M0", "", []MeasureValue{Counted(7.51, .12, 80, 0, ""), Counted(5.86, .2, 80, 0, "")}},
				{"M1", "", []MeasureValue{Counted(7.55, .12, 80, 0, ""), Counted(7.12, .2, 80, 0, "")}},
				{"M1, first turn", "first turn", []MeasureValue{Counted(8, .12, 80, 0, ""), Counted(7.5, .2, 80, 0, "")}},
			}}},
	}
	d.Paper = []PaperTable{
		{Title: "MGSM accuracy, Llama-3-8B-Instruct", Source: "Yang et al., ICLR 2025, arXiv 2410.08964", Plot: true,
			Columns: strings.Fields("en es ru de fr ja sw th zh bn"), Rows: []PaperRow{
				{"M0", []float64{.700, .456, .488, .468, .464, .284, .192, .324, .464, .328}},
				{"M1", []float64{.712, .616, .604, .564, .596, .428, .320, .524, .552, .464}},
				{"M2", []float64{.720, .640, .620, .570, .608, .476, .328, .536, .592, .472}}}},
		{Title: "Reward accuracy", Source: "Yang et al., ICLR 2025, arXiv 2410.08964",
			Columns: strings.Fields("en es fr it de ja ru"),
			Rows:    []PaperRow{{"Llama-3-8B-Instruct", []float64{.72, .57, .60, .57, .70, .79, .74}}},
			Matches: []PaperMatch{{"M1", "M0", "es", 41.2, 41, 17.8}, {"M1", "M0", "ru", 70.9, 19.6, 9.4}}},
	}
	d.Settings = []Setting{
		{"generation", "temperature", "0", "default, as in the authors’ code"},
		{"generation", "repetition penalty", "1.0", "preset miniature; the authors’ code has 1.1"},
		{"generation", "new tokens", "160", "preset miniature"},
		{"training", "beta", "0.1", "default; the paper does not state it, run names show 0.1 and 0.5"},
		{"training", "alpha", "5", "preset miniature; run names show 1"},
		{"training", "learning rate", "2e-4, constant after 5 % warm-up", "preset miniature"},
		{"training", "NLL normalisation", "sequence", "default, as in LLaMA-Factory"},
		{"run", "prompts a round", "300", "flag --prompts"},
	}
	example := PairExample{
		Round: "round 1", ChosenFrom: "own English answer, translated", RejectedFrom: "own answer", ChosenVerdict: "right",
	}
	russian, french, arabic := example, example, example
	russian.ID, russian.Language = "pm-00017", "ru"
	russian.Prompt = "У Маши 3 коробки по 12 яблок. Она отдала Пете 7 яблок. Сколько яблок у неё осталось?"
	russian.Chosen = "В 3 коробках 3 × 12 = 36 яблок.\nОсталось 36 − 7 = 29 яблок.\nОтвет: 29."
	russian.Rejected = "В 3 коробках 3 × 12 = 38 яблок.\nОсталось 38 − 7 = 31 яблоко.\nОтвет: 31."
	russian.RejectedVerdict = "wrong: 31 instead of 29"
	russian.Original = "3 boxes hold 3 × 12 = 36 apples.\n36 − 7 = 29 are left.\nThe answer is 29."
	russian.OriginalLanguage = "en"
	french.ID, french.Language = "pm-00203", "fr"
	french.Prompt = "Paul a 15 pommes. Marie lui en donne 8. Combien de pommes a-t-il maintenant ?"
	french.Chosen = "Paul a maintenant 15 + 8 = 23 pommes.\nLa réponse est 23."
	french.Rejected = "Paul now has 15 + 8 = 23 apples.\nThe answer is 23."
	french.RejectedVerdict = "right, but in English"
	arabic.ID, arabic.Language = "<script>alert(1)</script>", "ar"
	arabic.Prompt = "لدى سارة 12 تفاحة. أعطت 5 منها لأخيها. كم تفاحة بقيت معها؟"
	arabic.Chosen = "بقيت معها 12 − 5 = 7 تفاحات.\nالجواب هو 7."
	arabic.Rejected = "```\n<b>sehr</b> " + strings.Repeat("unbroken", 40) + "\n```"
	arabic.RejectedVerdict = "no number"
	d.Examples = []PairExample{russian, french, arabic}
	d.Answers = []AnswerExample{{
		ID: "eva-00004", Language: "ru", Prompt: russian.Prompt, Gold: "29",
		Answers: []ModelAnswer{
			{"M0", russian.Rejected, "wrong"}, {"M1", russian.Chosen, "right"}, {"M2", "Ответ: 29 <b>", "right, not in Russian"},
		},
	}}
	return d
}
