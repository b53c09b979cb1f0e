//go:build xla

package main

import _ "lidrlab/lidr/backend/xla" // a GPU, at the price of cgo
