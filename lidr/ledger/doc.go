// Package ledger stores the outputs of expensive steps, so that no run computes or pays for them twice.
//
// There are two kinds of folder. A store is a folder of content-keyed outputs that all runs below one parent share: the
// answers of a model to a list of prompts, for example, are stored under a key made of everything that determines them,
// so that a sweep of ten trainings generates them once. A run folder holds the results of one experiment for its user:
// plain files, each written whole or not at all.
//
// While a step works, every finished batch is appended to KEY.partial and flushed to the disk; a process that is killed
// loses at most the batch in flight. After the last item, the items are written to KEY.jsonl in input order, so the
// final bytes do not depend on how often, or where, the work was interrupted. Every line carries a sum, and the last
// line of KEY.jsonl the hash of all others: a file of a store that was damaged or edited is an error and never a value.
//
// One process at a time works on an output or in a run folder. The operating system's locks see to that, and leases,
// files that their holder renews, where those are not to be trusted: on NFS, SMB, FUSE, Lustre and others (Linux;
// elsewhere the system's locks are taken for good). Such a file system has to give O_EXCL to one machine alone and to
// show all the newest content of a file that is opened, as NFS from version 3 on does; a folder on an object store is
// refused.
//
// Nothing in a file but a lease depends on the clock: times are written to a separate file (see [AppendLine]).
package ledger
