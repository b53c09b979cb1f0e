//go:build cgo && linux && amd64

package xla

import "github.com/gomlx/go-xla/installer"

func init() { installers["cuda"] = installer.CudaAutoInstall }
