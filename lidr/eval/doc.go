// Package eval turns answers and verdicts into numbers that can be trusted: each comes with its standard error, and
// models are compared on the same items.
//
//   - statistics: [MeanSE], [Proportion], [Wilson], [PairedDifference], [PairedBootstrap], [McNemar];
//   - arithmetic in the style of MGSM: three readings of an answer's number, side by side ([StrictNumber],
//     [FlexibleNumber], [Number]), and [ScoreMGSM], which adds the answer's language;
//   - comparison of two models by any score ([HeadToHead]);
//   - the reward of LIDR's own pairs, in two forms with two names ([JudgedRewardAccuracy], [OracleRewardAccuracy]);
//   - win rates ([ScoreWinRate], [LengthControlledWinRate], [HeadToHeadBothOrders]); [BLEU] and [ChrF]; [AcrossSeeds];
//   - filters on text ([RepeatsLines], [LengthRatio]).
//
// Shares are between 0 and 1; who shows percent multiplies. MGSM has 250 problems a language, so that an accuracy of one
// half has a standard error of 3.2 points: no number without its error leaves this package.
package eval
