// Package xla adds GoMLX's XLA backend to [lidrlab/lidr/backend] when it is imported, mainly for GPUs. XLA itself is a
// PJRT plugin, a shared library that go-xla loads while the program runs: from the folders of PJRT_PLUGIN_LIBRARY_PATH,
// or else from .local/lib/go-xla below the home folder, /usr/local/lib/go-xla and the system's. No plugin is downloaded
// without a call of Install.
//
// go-xla needs cgo. Without it this package is empty, as it is on processors and systems that go-xla does not support.
//
// Three things differ from go-xla's own defaults:
//
//   - Products of float32 matrices are computed in float32, not in TF32, whose ten bits of mantissa are coarser than
//     the differences of log-probabilities that the method compares; "xla:cuda,tf32" chooses the speed.
//   - Attention is computed by plain operations: go-xla reports fused attention for CUDA, but its kernels, cuDNN's, are
//     for half precision alone, and our activations are float32.
//   - Memory is not shared between Go and the CPU plugin, because go-xla does not wait for XLA's writes to shared
//     memory.
package xla
