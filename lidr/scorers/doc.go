// Package scorers says how good a model's answers are, each scorer by something that costs no human label: what LIDR
// and the methods after it choose their preference pairs by. A scorer is a [lidr.Scorer]; with the samples of
// [lidr.Generate], several to a prompt,
//
//	settings.Generate.Samples, settings.Generate.Sampling.Temperature = 8, 1
//	…
//	samples, err := lidr.Generate(ctx, run, m0, prompts)
//	scores, err := lidr.ScoreSamples(ctx, run, m0, samples, scorers.RoundTrip{Translator: m0})
//	pairs, counts, err := lidr.PairsByScore(ctx, run, m0, samples, scores, lidr.Selection{Rule: "max-min"})
//	m1, steps, err := lidr.Train(ctx, run, m0, pairs)
//
//	Translation   a translated English answer over an own one (LIDR); its samples are those of Candidates
//	Implicit      the implicit reward of a model aligned in English, under the English instruction
//	MAPO          how likely a translator finds the English answers
//	RoundTrip     chrF++ of the English answer and the translation back into English
//	Consistency   the final number of the English answers
//	Language      the language of the prompt, as a probability or a share of words
//	Hidden        the model's own hidden states beside those of its English answers (LaCoMSA)
//	RewardModel   a reward model behind a server
//	Embeddings    the calibrated cosine to the English answers, by embeddings behind a server (LRPO)
//	Judge         a model that sees the English answer
//	Oracle        the task's checker, which is no reward without labels
//	Sum, Product  of several
//
// "English" is the run's dominant language. What a scorer asks a model, and what it computes by one, goes through the
// run's store: a process that was killed goes on where it was, and a changed selection asks nothing again. A sample
// that a scorer can say nothing of has no score and a reason, never a number.
//
// A scorer of one's own is a type with three methods, Name, Key and Score, in a script or in a notebook.
package scorers
