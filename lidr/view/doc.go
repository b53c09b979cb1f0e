// Package view shows run folders in a browser: a server of pages for whoever sits at this machine.
//
//	lidr view runs/demo
//
// Its pages are how far a run is, with its learning curves while they grow; a browser of prompts, answers,
// translations, pairs, verdicts and what judges said; a leaderboard over models and runs; and, with --rate, a page on
// which a person compares the answers of two models blind. What a page shows is in its address, so that a link shows
// the same to whoever opens it ([ParseQuery]). Pages are whole without a script; a small one of our own sorts tables,
// tells values at the pointer and takes over what has changed.
//
// # What is read
//
// Run folders are read as they lie there, without their lock, so that a run at work can be watched, and nothing of them
// is changed. A file that is not what files.json lists is shown with a note, as are lines that cannot be read. A file
// of lines is read once, on all processors, and kept as offsets and a few numbers a line; a page reads the lines that
// it shows, and a search those that its filters leave. The problems of an evaluation stand in no file of a run: they
// are read where the settings say that the run read them. Which side of a pair is right is computed by the run's own
// checker when a filter asks for it. A step at work is seen by what it has saved so far: answers in the store beside
// the run, which runs share, and steps of a training each time that its state is saved, ten times in all.
//
// # Ratings
//
// Order and sides of the answers are drawn from the seed, and equal answers are not asked. A rating is saved at once,
// in the form of a judge's verdicts (alpaca_eval's annotations.json):
//
//	judged/M2-M0/people/NAME/annotations/LANG.json
//
// Agreement with the checker's points, with a judge's verdicts on the same texts and with other raters is Fleiss's κ.
//
// # Untrusted texts
//
// Texts of models and data are never HTML: templates escape them, the script sets text alone, and the
// Content-Security-Policy forbids whatever is not a file of ours. The server listens on a loopback address, refuses
// other hosts and origins, and writes nothing but ratings, for which a form needs the token of this start. Files are
// opened below the run folder's root, which neither names nor symbolic links lead out of. Sizes of requests, files,
// lines and texts are bounded. What a run folder's settings name as the source of its evaluation is read, whatever its
// path, up to 256 MiB, and shown if it has the form of prompts: look only at run folders that you would run.
package view
