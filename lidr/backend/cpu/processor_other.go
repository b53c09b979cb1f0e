//go:build !amd64

package cpu

// useProcessor keeps the plain Go kernels.
func useProcessor() {}
