// Package xla makes GoMLX's XLA backend known to [lidrlab/lidr/backend] by being imported, for GPUs above all. XLA itself
// is a PJRT plugin, a shared library that go-xla loads while the program runs: from the folders of PJRT_PLUGIN_LIBRARY_PATH,
// or else from .local/lib/go-xla below the home folder, /usr/local/lib/go-xla and the system's. None is downloaded unasked.
//
// go-xla needs cgo. Built without it, this package is empty, and so it is on processors and systems that go-xla does not
// know.
//
// Three things differ from go-xla's own defaults:
//
//   - Products of float32 matrices are computed in float32, not in TF32, whose ten bits of mantissa are coarser than what the
//     method's log-probabilities are compared by; "xla:cuda,tf32" takes the speed.
//   - Attention is computed by plain operations: go-xla says of CUDA that it has fused attention, but has cuDNN's, for half
//     precision alone, and our activations are float32.
//   - Memory is not shared between Go and the CPU plugin, which go-xla does without waiting for what XLA is still writing.
package xla
