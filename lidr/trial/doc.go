// Package trial is one honest run of the method on a real model, over many sittings: the method beside its controls on
// the same prompts, over seeds, with everything measured before and after each round that training may give or break.
// scripts/real_small and notebook 07 are it; the plan beside the script fixes the claim and the sizes.
//
//	t, err := trial.Open("runs/real_small", trial.Defaults(), os.Stderr)
//	forecast, err := t.Forecast(ctx, cells)       // a short probe on the model says how long and how much memory
//	translations, err := t.Translations(ctx)      // can its translations be trusted? before any training
//	err = t.Run(ctx, trial.Cell{Arm: "main", Seed: 1})
//	results, err := t.Results()                   // every cell that is there, and by name those that are missing
//
// A [Cell] is an arm with a seed, and one run of package lidr: cells share the store beside the trial's folder, so that
// what several need, M0's answers above all, is computed once. Every step of every cell continues where it was killed.
//
// # What is measured
//
// An [Item] is one number that one answer or text gave, and every comparison is paired by item: by McNemar's exact
// test where it is right or wrong in one language, else by a bootstrap over items ([eval.ComparePaired]). What
// [eval.Change.Significant] does not tell from none is no gain. The metrics ([Metrics]) are
//
//	accuracy, strict, flexible  arithmetic (MGSM): by the normalised reading, and by lm-evaluation-harness' two
//	correct_in_language         right, and in the language of the problem
//	off_target                  arithmetic answered in another language
//	gold_points                 [lidr.Verdict.Points]: wins and losses by them are a win rate by a reference, the gold
//	                            number and the language, and not by a judge
//	free_off_target             free prompts, which no training has: answers identified as another language than theirs
//	free_in_language            answers identified as theirs
//	free_characters             length of an answer
//	free_repetition             share of an answer's four-word sequences that have occurred in it before
//	free_cut                    answers that did not end within the tokens they may have
//	refuses, corrects, keeps_format  harm.jsonl: ten items each, by the rules of [Passes]
//	nats_per_token              −log p of human texts; its exponential is the perplexity
//	judged                      with a judge: its preference for the later model's answer over M0's, less one half
//
// # The folder
//
//	prompts/SEED/LANG.jsonl     instructions and arithmetic in turn, drawn by the seed
//	prompts/gold-SEED/LANG.jsonl  arithmetic alone
//	free/LANG.jsonl, dev/LANG.jsonl  instructions and arithmetic that no training has, the same for all seeds
//	translation/, translator/   what M0's, and the translator's, translations of human prompts are worth
//	cells/ARM-SEED/             run folders of package lidr; in them <model>/trial.jsonl, the items
//	records/ARM-SEED.jsonl      what was measured of a cell, without paths: those of other machines may be copied
//	                            here, and cells whose rounds are finished are not run again
//	results.json, results.csv   [Result] rows, of the records
//	reading/LANG.csv            pairs to be read by a person ([Trial.Reading])
//	rates.json, times.jsonl     what depends on the clock, here and in the runs' timing.jsonl alone
package trial
