//go:build cgo && ((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64))

package xla

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/go-xla/installer"
	"github.com/gomlx/go-xla/pjrt"
)

// installers are go-xla's. Each installs the plugin's version that go-xla is tested with (CUDA: JAX's latest), locks
// the folder, keeps its downloads in the user's cache, puts the plugin in place last, and does nothing if it is in
// place.
var installers = map[string]installer.AutoInstaller{"cpu": installer.CPUAutoInstall}

// Install implements backend.Accelerator.
func (accelerator) Install(ctx context.Context, plugin string) (string, error) {
	install, ok := installers[plugin]
	if !ok {
		return "", fmt.Errorf("there is no plugin %q to download for this system, expected one of %s", plugin,
			strings.Join(slices.Sorted(maps.Keys(installers)), ", "))
	}
	lib, err := installer.DefaultHomeLibPath()
	if err != nil {
		return "", fmt.Errorf("install the %s plugin: %w", plugin, err)
	}
	folder := filepath.Join(lib, "go-xla")
	if folders, set := os.LookupEnv(pjrt.PJRTPluginPathsEnv); set {
		return "", fmt.Errorf("plugins are installed into %s, but while %s is set (%q), only its folders are searched for "+
			"plugins; unset it first", folder, pjrt.PJRTPluginPathsEnv, folders)
	}
	if pjrt.IsCUDAName(plugin) && !installer.HasNvidiaGPU() {
		return "", fmt.Errorf("install the %s plugin: no NVIDIA GPU is found on this machine (/dev/nvidia0)", plugin)
	}
	done := make(chan error, 1)
	go func() { done <- install(folder, true, installer.Normal) }() // install has no context
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case err := <-done:
		if err != nil {
			return "", fmt.Errorf("install the %s plugin into %s: %w; it needs the network; run the same command again, "+
				"which continues from what is downloaded", plugin, folder, err)
		}
	}
	return folder, nil
}
