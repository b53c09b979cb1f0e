// Package miniature is a small synthetic world in which LIDR can be watched at
// work on a laptop: grade-school word problems in seven languages, with worked
// answers, faithful translations of both, and a checker that knows the truth.
//
// The world in numbered steps:
//
//  1. A [Problem] is free of language: somebody has some objects, or boxes of
//     them, and two to four steps of + - * / happen. Its ID spells it out
//     ("anna-apple-42-buy15-give7.ben"), and [Decode] gives it back.
//  2. A language is one data file, lang/CODE.json: word forms, agreement and
//     sentence templates. [Problem.Prompt] and [Problem.Answer] fill them; the
//     wording is fixed by the problem, so prompts in two languages are
//     translations of one another. Adding a language means adding a file.
//  3. [Problems] draws from three splits that cannot overlap: the hash of a
//     problem's ID decides where it belongs.
//  4. [Check] reads any text and says whether the final number is right, every
//     step is right, and which language it is in.
//  5. [Examples] is the pretraining stream of M0, made lopsided on purpose: much
//     English, a small finite set of problems in each other language, some of
//     them answered in English, and plenty of translation.
//
// The effect to be seen: M0 reasons in English and translates well, yet answers
// worse, and sometimes in English, when asked in another language.
//
// The sentences have been read critically but by no native speaker.
package miniature
