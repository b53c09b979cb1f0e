//go:build cgo && linux && (amd64 || arm64)

package xla

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/go-xla/installer"
	"github.com/gomlx/go-xla/pjrt"

	"lidrlab/lidr/backend"
)

// opened is the variable by which the test binary becomes a program that opens the backend named there: go-xla reads
// the folders of plugins only when a process starts.
const opened = "LIDR_TEST_OPEN"

func TestMain(m *testing.M) {
	if name, set := os.LookupEnv(opened); set {
		b, err := backend.Open(name)
		if err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("opened", backend.Name(b))
		}
		return
	}
	os.Exit(m.Run())
}

// openIn opens a backend in a process with the given environment, with a proxy that counts connections.
func openIn(t *testing.T, name string, env ...string) string {
	t.Helper()
	network, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan bool, 1)
	go func() {
		conn, err := network.Accept()
		if err == nil {
			conn.Close()
		}
		called <- err == nil
	}()
	home := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, opened+"="+name, "HOME="+home, "XDG_CACHE_HOME="+home,
		"HTTPS_PROXY=http://"+network.Addr().String(), backend.EnvVar+"=")...)
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		t.Fatalf("Open(%q) ended the process: %v\n%s", name, err, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	network.Close()
	if <-called {
		t.Errorf("Open(%q) called the network unasked", name)
	}
	if files, err := os.ReadDir(home); err != nil || len(files) > 0 {
		t.Errorf("Open(%q) left %v in the home folder (%v), expected nothing", name, files, err)
	}
	text := strings.TrimSuffix(string(out), "\n")
	if strings.Contains(text, "\n") {
		t.Errorf("Open(%q) said %q, expected one line", name, text)
	}
	return text
}

// Missing or broken plugins are errors that name file or plugin and what to do, but only if they are used.
func TestMissingAndBrokenPlugins(t *testing.T) {
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	broken := map[string][]byte{"garbage": []byte("garbage"), "empty": nil, "cut off": program[:4096]}
	for name, content := range broken {
		folder := t.TempDir()
		file := filepath.Join(folder, "pjrt_c_api_cpu_plugin.so")
		if err := os.WriteFile(file, content, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, backend := range []string{"xla:cpu", "xla", "xla:" + file} {
			if said := openIn(t, backend, pjrt.PJRTPluginPathsEnv+"="+folder); !strings.Contains(said, file) {
				t.Errorf("Open(%q) with a plugin that is %s said %q, expected an error that names %s", backend, name, said, file)
			}
		}
	}
	// A shared library that is not a plugin.
	if libraries, _ := filepath.Glob("/lib/*/libm.so.6"); len(libraries) > 0 {
		folder := t.TempDir()
		if err := os.Symlink(libraries[0], filepath.Join(folder, "pjrt_c_api_cpu_plugin.so")); err != nil {
			t.Fatal(err)
		}
		if said := openIn(t, "xla:cpu", pjrt.PJRTPluginPathsEnv+"="+folder); !strings.Contains(said, folder) ||
			!strings.Contains(said, "GetPjrtApi") {
			t.Errorf("Open(xla:cpu) with libm as the plugin said %q, expected an error that names it and what it lacks", said)
		}
	}
	empty := pjrt.PJRTPluginPathsEnv + "=" + t.TempDir()
	for name, expected := range map[string]string{
		"xla:cpu":          "`lidr backend install cpu`",
		"xla":              "`lidr backend install cuda`",
		"xla:/nosuch.so":   "/nosuch.so: no such file",
		"xla:tf32=perhaps": "tf32=perhaps",
		"":                 "opened cpu",
	} {
		if name == "" && installer.HasNvidiaGPU() {
			continue
		}
		if said := openIn(t, name, empty); !strings.Contains(said, expected) {
			t.Errorf("Open(%q) without plugins said %q, expected %q in it", name, said, expected)
		}
	}
	if !installer.HasNvidiaGPU() {
		if said := openIn(t, "xla:cuda", empty); !strings.Contains(said, "no NVIDIA GPU") {
			t.Errorf("Open(xla:cuda) without a GPU said %q", said)
		}
	}
}

func TestInstall(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1") // nothing listens there: no network
	a, ctx := accelerator{}, context.Background()

	if _, err := a.Install(ctx, "tpu"); err == nil || !strings.Contains(err.Error(), "expected one of cpu") {
		t.Errorf("Install(tpu) gave error %v, expected one that lists the plugins", err)
	}
	if _, err := a.Install(ctx, "cuda"); !installer.HasNvidiaGPU() && err == nil {
		t.Error("Install(cuda) without a GPU gave no error")
	}
	if files, err := os.ReadDir(home); err != nil || len(files) > 0 {
		t.Errorf("refused installations left %v (%v), expected nothing", files, err)
	}
	folder := filepath.Join(home, ".local/lib/go-xla")
	if _, err := a.Install(ctx, "cpu"); err == nil || !strings.Contains(err.Error(), folder) ||
		!strings.Contains(err.Error(), "network") {
		t.Errorf("Install(cpu) without a network gave error %v, expected one that names the folder and the network", err)
	}
	if plugins, _ := filepath.Glob(folder + "/*.so"); len(plugins) > 0 {
		t.Errorf("a failed installation left %v", plugins)
	}
	t.Setenv(pjrt.PJRTPluginPathsEnv, "/elsewhere")
	if _, err := a.Install(ctx, "cpu"); err == nil || !strings.Contains(err.Error(), "unset") {
		t.Errorf("Install(cpu) with %s set gave error %v, expected one that asks to unset it", pjrt.PJRTPluginPathsEnv, err)
	}
}
