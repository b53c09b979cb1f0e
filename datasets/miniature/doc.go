// Package miniature is a small synthetic world in which LIDR can be run on a laptop:
// grade-school word problems in seven languages, with worked answers, exact translations of
// both, and a checker that knows the right answers.
//
// Its parts:
//
//  1. A [Problem] has no language: somebody has some objects, or boxes of
//     them, and two to four steps of + - * / happen. Its ID describes it in full
//     ("anna-apple-42-buy15-give7.ben"), and [Decode] is the inverse.
//  2. A language is one data file, lang/CODE.json: word forms, agreement and
//     sentence templates. [Problem.Prompt] and [Problem.Answer] fill them; the
//     wording is fixed by the problem, so prompts in two languages are
//     translations of one another. Adding a language means adding a file.
//  3. [Problems] draws from three splits that cannot overlap: the hash of a
//     problem's ID decides where it belongs.
//  4. [Check] reads any text and reports whether the final number is right, whether
//     every step is right, and which language the text is in.
//  5. [Examples] is the pretraining stream of M0, made lopsided on purpose: much
//     English, a small finite set of problems in each other language, some of
//     them answered in English, and plenty of translation.
//
// The effect to be seen: M0 solves problems well in English and translates well, yet its
// answers are worse, and sometimes in English, when it is asked in another language.
//
// The sentences have been proofread, but not by native speakers.
package miniature
