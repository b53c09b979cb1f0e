// Package lidr runs Language Imbalance Driven Rewarding (Yang et al., ICLR 2025, arXiv 2410.08964), one function a step,
// from a notebook cell or a script.
//
// A language model answers better in English than in most languages. That gap is a reward that needs no human label:
//
//  1. [Prompts] reads the round's prompts, the same questions in every language.
//  2. [Generate] lets the model M_t answer them: y_l, one answer a prompt and language ("self-generation").
//  3. [Translate] lets the same model translate its own English answers into the other languages, y_en→l, and theirs
//     into English, y_l→en ("self-translation").
//  4. [Pairs] makes preference pairs: for a prompt in language l, y_en→l is chosen and y_l rejected; for an English
//     prompt, y_en is chosen and y_l→en rejected.
//  5. [Train] trains M_t on them with DPO+NLL and gives M_t+1; [HandOff] lets LLaMA-Factory or TRL do it.
//  6. [Evaluate] measures a model on problems that no training has seen: accuracy, off-target rate and more, each
//     with its standard error; [Compare] sets two models side by side on the same items. [Judge] asks another model
//     which answers it prefers, [MultipleChoice] measures what the training may have cost.
//  7. [Iterate] repeats 1–6 for as many rounds as asked.
//  8. [Report] draws the plots and writes report.html and report.md.
//
// [LoadModel] takes a checkpoint, [UseModel] a server, [Doctor] looks at what training will see, [ExportGGUF] passes the result on.
//
// Every step takes and returns gota frames, writes open files into the run folder and keeps what it has computed under
// a complete content key, so that calling it again with the same inputs returns at once, and a process killed at any
// moment ends, started again, with the same bytes:
//
//	run, err := lidr.Open("runs/first", lidr.Miniature())
//	m0, err := lidr.LoadModel("miniature")
//	prompts, err := lidr.Prompts(ctx, run, 0)
//	responses, err := lidr.Generate(ctx, run, m0, prompts)
//	translations, err := lidr.Translate(ctx, run, m0, responses)
//	pairs, stats, err := lidr.Pairs(ctx, run, m0, responses, translations)
//	m1, steps, err := lidr.Train(ctx, run, m0, pairs)
//	scores, err := lidr.Evaluate(ctx, run, m1)
//
// Steps print nothing: progress goes to the [Progress] that the run was opened with, results are values. [Show] and
// [ShowProgress] alone know whether they draw in a notebook or on a terminal.
package lidr
