// Package xla adds GoMLX's XLA backend to [lidrlab/lidr/backend] when it is imported, mainly for GPUs. XLA itself is a
// PJRT plugin, a shared library that go-xla loads while the program runs: from the folders of PJRT_PLUGIN_LIBRARY_PATH,
// or else from .local/lib/go-xla below the home folder, /usr/local/lib/go-xla and the system's. No plugin is downloaded
// without a call of Install.
//
// go-xla needs cgo, and so a C compiler. Without it this package is empty, as it is on processors and systems that
// go-xla does not support.
//
// # On a GPU
//
// The command is built with XLA by make build-xla, and a program of your own by importing this package.
//
//	make build-xla
//	bin/lidr backend install cuda   # downloads the plugin, which nothing else does
//	bin/lidr backend list           # what computes here
//
// The plugin of an installed JAX is opened by its path: LIDR_BACKEND=xla:/PATH/xla_cuda_plugin.so.
//
// No GPU has been at hand so far. Tests show that every graph is translated for XLA, and that a missing or broken
// plugin is a plain error, but not that its numbers agree. On a GPU of your own the benchmark measures it, beside
// peers on the processor:
//
//	LIDR_BACKEND=xla:cuda go run ./lidr/backend/cpu/bench -lidr bin/lidr
//
// # Settings of our own
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
