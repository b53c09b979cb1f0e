//go:build cgo && ((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64))

package xla

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/installer"
	"github.com/gomlx/go-xla/pjrt"
	"k8s.io/klog/v2"

	"lidrlab/lidr/backend"
)

func init() {
	xla.EnableAutoInstall(false)
	compute.Register(backend.XLA, open)
	backend.Link(accelerator{})
}

type accelerator struct{}

// open is go-xla's constructor with the differences that the package's documentation lists. config is a plugin's name
// or absolute path, or empty for the first that is found, followed by options after commas.
func open(config string) (compute.Backend, error) {
	plugin, options, _ := strings.Cut(config, ",")
	if !filepath.IsAbs(plugin) {
		if err := lookFor(plugin); err != nil {
			return nil, err
		}
	}
	if !strings.Contains(options, "tf32") {
		config += ",tf32=false"
	}
	if !strings.Contains(options, "shared_buffers") {
		config += ",noshared_buffers"
	}
	b, err := xla.New(config)
	if err != nil {
		return nil, err
	}
	ops := b.Capabilities().Operations // b's own map
	delete(ops, compute.OpTypeFusedScaledDotProductAttention)
	delete(ops, compute.OpTypeFusedScaledDotProductAttentionVJP)
	return b, nil
}

// lookFor returns an error unless a plugin of that name, or any for "", is found and can be loaded.
func lookFor(plugin string) error {
	if pjrt.IsCUDAName(plugin) && !installer.HasNvidiaGPU() {
		return errors.New("no NVIDIA GPU is found on this machine; look for /dev/nvidia0, or give the plugin's path " +
			"instead of its name")
	}
	found, err := accelerator{}.Plugins()
	if err != nil {
		return err
	}
	for name := range found {
		if plugin == "" || name == plugin || strings.HasPrefix(name, plugin+"_v") { // a name may carry its version
			return nil
		}
	}
	if plugin == "" {
		plugin = "cuda"
	}
	return fmt.Errorf("there is no plugin %[1]s among those found [%[2]s]; `lidr backend install %[1]s` downloads it, "+
		"and one that you have is opened by its path (xla:/PATH/xla_%[1]s_plugin.so) or found as "+
		"pjrt_c_api_%[1]s_plugin.so in a folder of %[3]s",
		plugin, strings.Join(slices.Sorted(maps.Keys(found)), " "), pjrt.PJRTPluginPathsEnv)
}

// Plugins implements backend.Accelerator. A file with a plugin's name that is not a plugin is an error: go-xla logs why
// it cannot be loaded, and then panics.
func (accelerator) Plugins() (found map[string]string, err error) {
	var reasons bytes.Buffer
	logging := klog.CaptureState()
	klog.LogToStderr(false)
	klog.SetOutput(&reasons)
	defer func() {
		klog.Flush()
		logging.Restore()
		if e := recover(); e != nil {
			reason, _, _ := strings.Cut(reasons.String(), "\n") // each reason is logged twice
			_, reason, _ = strings.Cut(reason, "] ")            // after time and line
			found = nil
			err = fmt.Errorf("a PJRT plugin is broken: %s; install it again, or move the file out of the folders that are "+
				"searched for plugins", reason)
		}
	}()
	return pjrt.AvailablePlugins(), nil
}

// Default implements backend.Accelerator: it is a GPU, if one can be used.
func (a accelerator) Default() (string, error) {
	if !installer.HasNvidiaGPU() {
		return "", nil
	}
	found, err := a.Plugins()
	if err != nil || found["cuda"] == "" {
		return "", err
	}
	return backend.XLA + ":cuda", nil
}

// Name implements backend.Accelerator: the kind of plugin and whether it computes in TF32, since results depend on
// these.
func (accelerator) Name(b compute.Backend) (string, bool) {
	x, is := b.(*xla.Backend)
	if !is {
		return "", false
	}
	name := filepath.Base(x.PluginName())
	switch {
	case x.IsCUDA():
		name = "cuda"
	case x.IsCPU():
		name = "cpu"
	}
	if x.DotGeneralUseTF32 {
		name += ",tf32"
	}
	return backend.XLA + ":" + name, true
}
