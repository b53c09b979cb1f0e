// # What differs from the paper
//
// The method is the paper's (DPO+NLL, pairs by self-translation in both directions, π_ref = M_t); what it leaves open
// is an option, and settings.json and the report name the source of every value.
//
//   - The miniature is not the paper's experiment. A 1.1 M-parameter model of a synthetic world cannot replicate the
//     paper's numbers; it exercises the whole software and shows the mechanism. Its wordings in seven languages were
//     checked with care, but no native speaker has read them.
//   - On the miniature α is 5 and the learning rate 1e-4 (the paper's runs: α 1, β 0.1 or 0.5, learning rate 5e-7 for
//     8B models). These were found on other seeds and problems than the reported ones.
//   - The English rejected side comes from one language drawn at random for each prompt, as the authors answered
//     reviewers; pairs.mode = "released" does what their code does (always the last language).
//   - Round 2 takes the next prompts; the reference code holds traces of both that and the same ones again
//     (prompts.reuse).
//   - NLL is LLaMA-Factory's mean over each sequence; train.nll = "token" is TRL's mean over the batch's tokens.
//   - Translation prompts are recognised by their English wording instead of by a list of 88 ids.
//   - Head-to-head on the miniature is decided by a written rubric (number, language, steps), not by a language model.
//   - Translation replay (train.replay) is not in the paper and off by default.
//   - Answers that were cut by their length, or by another model than asked, are no side of a pair; the reference code
//     does not look at finish reasons (pairs.keep_faulty keeps them).
//   - A prompt's `input` field, as Alpaca has it, is joined to the instruction.
//   - Learning-rate schedules start at the first stair instead of 0, so that no step is without effect.
package paper
