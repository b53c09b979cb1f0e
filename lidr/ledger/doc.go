// Package ledger keeps what a run has paid for.
//
// It knows two places. A store is a folder of content-keyed outputs that all runs below one parent share: the answers
// of a model to a list of prompts, say, stand there under a key made of everything that determines them, so that a
// sweep of ten trainings generates them once. A run folder is what one experiment shows its user: open files, each
// written whole or not at all.
//
// While a step works, every finished batch is appended to KEY.partial and flushed to the disk; a process that is killed
// loses at most the batch in flight. When the last item is in, the items are written to KEY.jsonl in input order, so the
// final bytes do not depend on how often, or where, the work was interrupted.
//
// Nothing here depends on the clock: times go to a file of their own (see [AppendLine]).
package ledger
