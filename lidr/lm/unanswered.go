package lm

import "sync/atomic"

var unanswered atomic.Int64

// CountUnanswered adds n requests that have no answer, whatever the reason, to those that [Unanswered] returns.
func CountUnanswered(n int) { unanswered.Add(int64(n)) }

// Unanswered is the number of requests of this process that its steps went on without. The command ends with exit code
// 3 then, and a script under lidr run too; a compiled program ends as it likes.
func Unanswered() int { return int(unanswered.Load()) }
