// Package dpo trains language models on preference pairs with DPO+NLL, the objective of Language Imbalance Driven
// Rewarding (arXiv 2410.08964, §3; arXiv 2404.19733 for its form):
//
//	L     = L_DPO + α·L_NLL
//	L_DPO = −log σ( β·[log π(y_w|x) − log π_ref(y_w|x)] − β·[log π(y_l|x) − log π_ref(y_l|x)] )
//	L_NLL = −log π(y_w|x) / |y_w|
//
// log π(y|x) is the sum over the response's tokens, end of turn included, prompt masked. The same trainer does SFT on
// the chosen side, DPO without NLL, other losses of pairs ([Settings].Loss: IPO, SimPO, ORPO, KTO and so on, with or
// without the NLL), and pretraining with a weight per token.
//
// The course of a training:
//
//  1. [Reference] computes log π_ref of every pair once, with the weights that the round starts from.
//  2. Each epoch shuffles the pairs by seed, sorts them by length and cuts them into batches of BatchPairs, whose order
//     is shuffled again. Rows of a batch are of similar length, so that little is padded, and a batch is a pure
//     function of settings and epoch.
//  3. A batch is cut into micro-batches, by positions unless MicroBatch says otherwise, so that memory does not grow
//     with the batch. What both sides of a pair begin with, their prompt and equal first tokens of the responses, is
//     computed once, and both go on from it; texts are packed into lines, so that little is padded (layout.go).
//     Lengths are rounded up to buckets, since every new shape is another compiled graph. Of 1,000 pairs of the demo
//     (46 tokens of prompt, 45 a response, of which 24 are common), passes of a prompt and a response each computed
//     190,720 positions, 5.0 % of them padding. Shared prompts leave 147,072 in a line a pair (8.3 % padding), and
//     shared first tokens too 143,744 (22 %): lines of several pairs, about 119,300 (6.3 %). A step takes 1.6 times
//     less of the processor's time, the reference 1.5 times less.
//  4. The gradient graph adds a micro-batch's gradient to accumulators that stay on the device; the update graph clips
//     them by their global norm and applies AdamW. Weights never visit the host during a step.
//  5. The step's numbers are computed on the host, in float64, by the plain functions of loss.go. Tests compare the
//     graph with the same functions.
//  6. Every CheckpointEvery steps, weights, moments and the steps so far go to one file, atomically, while the next
//     step's gradients are computed: the update waits for it. A training that was killed resumes from it and ends with
//     the same weights, bit for bit.
package dpo
