// Package lidr runs Language Imbalance Driven Rewarding (Yang et al., ICLR 2025, arXiv 2410.08964), one function a
// step, from a notebook cell or a script.
//
// A language model answers better in English than in most languages. That gap is a reward that needs no human label:
//
//  1. [Prompts] reads the round's prompts, the same questions in every language.
//  2. [Generate] lets the model M_t answer them: y_l, one answer a prompt and language ("self-generation").
//  3. [Translate] lets the same model translate its own English answers into the other languages, y_en→l, and theirs
//     into English, y_l→en ("self-translation").
//  4. [Pairs] makes preference pairs: for a prompt in language l, y_en→l is chosen and y_l rejected; for an English
//     prompt, y_en is chosen and y_l→en rejected.
//  5. [Train] trains M_t on them with DPO+NLL and returns M_t+1.
//  6. [Evaluate] measures a model on problems that no training has seen: accuracy, off-target rate and more, each
//     with its standard error; [Compare] sets two models side by side on the same items.
//  7. [Iterate] repeats 1–6 for as many rounds as asked; [Round] is 1–5 once.
//  8. [Report] draws the plots and writes report.html and report.md.
//
// What LIDR's successors do otherwise is in the middle: [Generate] gives several answers to a prompt
// ([GenerateSettings].Samples), [ScoreSamples] says what each is worth, by a [Scorer] of package lidr/scorers or of
// your own, and [PairsByScore] takes the place of 4: a [Selection] says which two of the answers to a prompt are a
// pair. LIDR is one of the scorers, and one of the selections.
//
// Every step takes and returns gota frames, whose columns are the json tags of a row type, writes open files into the
// run folder, and keeps what it has computed under a complete content key: called again with the same inputs it returns
// at once, and a process killed at any moment ends, started again, with the same bytes:
//
//	run, err := lidr.Open("runs/first", lidr.MiniatureSettings())
//	m0, err := lidr.LoadModel("miniature")
//	prompts, err := lidr.Prompts(ctx, run, m0)
//	responses, err := lidr.Generate(ctx, run, m0, prompts)
//	translations, err := lidr.Translate(ctx, run, m0, responses)
//	pairs, counts, err := lidr.Pairs(ctx, run, m0, responses, translations)
//	m1, steps, err := lidr.Train(ctx, run, m0, pairs)
//	scores, err := lidr.Evaluate(ctx, run, m1)
//
// # Models
//
// [LoadModel] loads a checkpoint and [UseModel] takes a model behind a server: either is the M0 of the run that it
// first enters. M1, M2 and so on are made by the run: [Train], [Round] and [Iterate] return them, and [Run.Model] gives
// them back later. Steps that compute take a *Model; functions that read what was computed ([Compare], [Run.Verdicts],
// [Run.Responses]) take its name. One gate, [Run.Enter], checks before a step writes anything that the model is the
// run's.
//
// # A step of your own
//
// A filter is a [Filter], a reward a [Scorer], a rubric a function that [HeadToHead] takes, and a task of your own,
// with its prompts, checker and language rule, a [Task]. A step of your own is made of [Run.Enter], [Ask] or
// [Run.Meter], [Run.Path] and [Run.WriteLines], read back by [Run.ReadLines], and a measure that the report shows is a
// report.Measure in <model>/measures/KEY.json. The packages below this one that are made so: lidr/scorers, what answers
// are worth without labels; lidr/judge, what other models say of them; lidr/handoff, training by LLaMA-Factory or TRL;
// lidr/choices, multiple choice and the alignment tax; lidr/doctor, a look at a model before training; lidr/cards, what
// the Hugging Face hub shows of models and pairs; lidr/pretrain, the miniature's M0.
//
// # Answers that are none
//
// A server refuses a request for good, withholds an answer, or lets another model give it; a model declines, thinks
// without answering, or is cut by its length. The other requests are answered all the same. Such an answer has its
// fault in the column "fault" of the responses (package lm names them); it is translated nowhere, is a side of no pair
// unless [PairSettings].KeepFaulty says so, and counts as not right in an evaluation, where a cut one is read as far as
// it goes. Each step says how many there were, by language, and so do <model>/measures/faults-STEP.json and the report,
// with a warning beyond 5 %. More refused requests than [GenerateSettings].MaxRefused allows end the step.
//
// # A run folder
//
//	settings.json            the settings, as Open was given them; Open refuses the folder with other settings
//	run.json                 format number, versions, settings, and the fingerprint of every model
//	files.json               SHA-256 of the files below: an edited one is made again by its step, refused by a reader
//	timing.jsonl             whatever depends on the clock, here and nowhere else
//	M0/prompts.jsonl         [Prompt] lines: id, lang, prompt, answer, source
//	M0/responses/LANG.jsonl  [datasets.Response] lines
//	M0/translations/FROM-TO.jsonl   [datasets.Translation] lines, with the raw completion
//	M0/inputs.json           keys of what the steps above were given
//	M0/pairs.jsonl           [Pair] lines, as TRL reads them: id, lang, prompt, chosen, rejected, source
//	M0/pairs.stats.json      [PairCount] rows: candidates, what each filter dropped, pairs
//	M0/pairs.rewards.json    [Reward] rows: reward accuracy of the pairs, measured before training
//	M0/eval/problems/LANG.jsonl     [Verdict] lines
//	M0/eval/scores.json      [eval.Score] rows
//	M0/measures/KEY.json     tables for the report: a judge's verdicts, MT-bench, saturation, a measure of your own
//	M1/model/                the checkpoint, with a model card; M1/adapter/ what LoRA trained
//	M1/train.jsonl           [dpo.Step] lines, names as TRL's
//	M1/training.json         the [Training], with the SHA-256 of the files of model and adapter, written last
//	M1/warnings.json         what to look at before believing M1
//	plots/, report.html, report.md
//
// Where several answers are asked for, a scorer's [SampleScore] lines are in M0/scores, one file a scorer, and the
// [Verdict] lines on every answer of an evaluation in M0/eval/samples, one file a language. Where curves are sent to
// other programs, the folder tracking holds what lidr/tracking has sent, by the clock too.
//
// A file that was edited by hand is kept as FILE.edited, then FILE.edited.2, with a note to the reader; an edited model
// or adapter stops the run. run.json, files.json and inputs.json end with the sum of their own lines. The folder store
// beside the run folders holds what models have said, under content keys, and runs share it.
//
// A list can be asked in parts, by processes or machines of their own ([Run.Divide]); they lie in the store, in
// KIND/KEY.shards, until a run without shards has put them together.
//
// Steps print nothing: progress goes to the [Progress] that the run was opened with, results are values. [Show] and
// [ShowProgress] alone know whether they draw in a notebook or on a terminal.
package lidr
