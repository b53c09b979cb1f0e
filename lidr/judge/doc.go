// Package judge asks a language model to judge answers: which of two is better ([Compare]), how good one is ([Rate]),
// and how a model does on MT-bench ([MTBench]). A judge is any [lidr.Model], mostly one behind an OpenAI-compatible
// server (package lm/remote): vLLM, SGLang, llama.cpp, Ollama, OpenAI, or lidr serve.
//
//	server, err := remote.Open(ctx, remote.Options{
//		Model: "gpt-4.1", Endpoints: []string{"https://api.openai.com/v1"}, Prices: remote.Prices{Prompt: 2, New: 8},
//	})
//	gpt := lidr.UseModel("gpt-4.1", server)
//	verdicts, winRates, err := judge.Compare(ctx, run, "M1-M0", gpt, answers1, answers0, judge.Defaults())
//
// A judge is no model of the run: files and reports name it by its path, "gpt-4.1" here. What it said is kept in the
// store under its question and never asked again, so that a step which was interrupted, or of which one pair changed,
// asks only what is missing. The settings of each step are checked before anything is asked.
//
// # What is measured
//
//   - Win rates ([Compare], rows of [Judgement] and [WinRate]) as alpaca_eval computes them: raw, discrete and
//     length-controlled in its minimal form. Verdicts are written in alpaca_eval's annotations.json, which it reads.
//     Where the server gives no probabilities of tokens, the verdict in words counts, and the scores say so. With
//     Settings.BothOrders each pair is asked in both orders, for wins, ties and losses, and for the share of verdicts
//     that flip with the order.
//   - The same by several judges ([Panel], rows of [PanelVerdict] and [PanelScore]): mean and majority, agreement
//     beyond chance, and what each flips and costs.
//   - Published answers as references ([References]): alpaca_eval's model_outputs.json, by language.
//   - Answers to prompts that are not a round's, such as X-AlpacaEval's ([Answer], [Answers]; rows of
//     [datasets.Response]), by a model of the run under generation settings of their own.
//   - Ratings of both sides of every preference pair from 0 to 10 ([Rate], rows of [PairRating] and [RatingScore]): the
//     scores of self-translation and self-generation, and the judged reward accuracy, in which ties count half, with
//     their number. [lidr.RewardAccuracy] is the oracle form, for prompts with a checker.
//   - MT-bench ([MTBench], rows of [MTScore]): both turns of every question of a folder in FastChat's form
//     (LANG.jsonl), each answer graded from 1 to 10; maths, reasoning and coding by comparison with the file's
//     reference answers. Exactly one [[n]] is a rating, anything else a failed judge. [MTBenchPairs] compares the
//     answers of two models in both orders.
//
// The words that a judge reads are our own, and ask for the language of the question. [AlpacaEval] has alpaca_eval's,
// and [LoadFastChat] and [LoadFastChatPairs] read FastChat's from its file.
//
// Every score has its standard error and the number of items with and without a verdict. Fewer than 100 items, or more
// than 5 % failed verdicts, is a warning beside the number, and so are the reasons of those that failed: a judge's
// answer that is withheld, refused, cut, a thought or by another model is no verdict, whatever it says, and neither is
// one on a side that is no answer itself. A score that cannot be computed is unknown: null in a file, NaN in a frame.
//
// # What it costs
//
// [DryRun] says what a comparison takes at most, before anything is asked. Where the server's prices are known
// (remote.Options.Prices), a step that may cost more than remote.Options.MaxDollars asks nothing, and the usage that
// each step writes, and [ReadUsage] reads back, is in dollars too. It counts what the store already held as if it were
// asked.
//
// # Files
//
//	judged/M1-M0/annotations/LANG.json   alpaca_eval's form
//	judged/M1-M0/scores.json             rows of WinRate
//	judged/M1-M0/usage.json              a Usage
//	judged/M1-M0/panel.jsonl, .json, .usage.json   rows of PanelVerdict, of PanelScore, and a Usage a judge
//	judged/M1-M0/mtbench/LANG.jsonl      rows of MTPair
//	judged/M1-M0/mtbench.json, .usage.json         rows of MTPairScore, and a Usage
//	M0/pairs.ratings.jsonl               rows of PairRating
//	M0/pairs.ratings.json                rows of RatingScore
//	M0/pairs.ratings.usage.json          a Usage
//	M1/eval/SUITE/LANG.jsonl             rows of datasets.Response
//	M1/eval/SUITE/settings.json          how they were generated
//	M1/eval/mtbench/LANG.jsonl           rows of MTAnswer
//	M1/eval/mtbench.json                 rows of MTScore
//	M1/eval/mtbench.usage.json           a Usage
//	M1/measures/KEY.json                 for the report: judged-M1-M0, ratings, judged-reward-accuracy, mt-bench
package judge
