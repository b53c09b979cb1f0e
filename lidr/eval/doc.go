// Package eval computes scores of answers and verdicts. Each score has its standard error, and models are compared on
// the same items.
//
//   - statistics: [MeanSE], [Proportion], [Wilson], [PairedDifference], [PairedBootstrap], [McNemar];
//   - arithmetic in the style of MGSM: three readings of an answer's number, side by side ([StrictNumber],
//     [FlexibleNumber], [Number]), and [ScoreMGSM], which adds the answer's language;
//   - comparison of two models by any score ([HeadToHead]);
//   - the reward accuracy of LIDR's pairs, by a judge's scores ([JudgedRewardAccuracy]) and by known right answers
//     ([OracleRewardAccuracy]);
//   - win rates ([ScoreWinRate], [LengthControlledWinRate], [HeadToHeadBothOrders]); [BLEU] and [ChrF]; [AcrossSeeds];
//   - filters on text ([RepeatsLines], [LengthRatio]).
//
// Shares are between 0 and 1, not in percent. MGSM has 250 problems a language, so that an accuracy of one half has a
// standard error of 3.2 points.
package eval
