// Package eval computes scores of answers and verdicts. Each score has its standard error, and models are compared on
// the same items.
//
//   - statistics: [MeanSE], [Proportion], [Wilson], [PairedDifference], [PairedBootstrap], [McNemar];
//   - arithmetic in the style of MGSM: three readings of an answer's number, side by side, and [ScoreMGSM], which adds
//     the answer's language. [Number] reads the separators and digits of each language; [StrictNumber] and
//     [FlexibleNumber] are those of lm-evaluation-harness. [Gold] reads gold answers and refuses what is no number;
//   - comparison of two models by any score ([HeadToHead]);
//   - the reward accuracy of LIDR's pairs, by a judge's scores ([JudgedRewardAccuracy]) and by known right answers
//     ([OracleRewardAccuracy]);
//   - win rates as alpaca_eval computes them ([ScoreWinRate], and [LengthControlledWinRate] in its minimal and its full
//     form) and in both orders ([HeadToHeadBothOrders]): the published row of a leaderboard model comes out to ten
//     digits, and the regression agrees with scikit-learn's liblinear to 1e-3;
//   - [ChrF] (chrF++) and [BLEU] with sacreBLEU's signature, equal to sacreBLEU to 1e-9 on the texts of testdata;
//   - means and errors over seeds ([AcrossSeeds]);
//   - filters on text ([RepeatsLines], [LengthRatio]).
//
// Shares are between 0 and 1, not in percent. MGSM has 250 problems a language, so that an accuracy of one half has a
// standard error of 3.2 points.
package eval
