package backend

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// AvailableMemory returns the bytes that this process may still use without swapping: the least of what the kernel
// estimates (MemAvailable), what the control group of a container or service leaves, and what the limits of the process
// leave.
func AvailableMemory() int {
	least := meminfo("/proc/meminfo", "MemAvailable:")
	if least < 0 { // a kernel before 3.14, or no /proc
		least = 4 << 30
	}
	if groups, err := os.ReadFile("/proc/self/cgroup"); err == nil {
		if _, path, ok := strings.Cut(strings.TrimSpace(string(groups)), "0::"); ok { // version 2
			folder := filepath.Join("/sys/fs/cgroup", path)
			limit, used := number(filepath.Join(folder, "memory.max")), number(filepath.Join(folder, "memory.current"))
			if limit >= 0 && used >= 0 {
				least = min(least, limit-used)
			}
		}
	}
	for resource, used := range map[int]string{unix.RLIMIT_DATA: "VmData:", unix.RLIMIT_AS: "VmSize:"} {
		var limit unix.Rlimit
		if unix.Getrlimit(resource, &limit) == nil && limit.Cur < unix.RLIM_INFINITY {
			least = min(least, int(limit.Cur)-max(0, meminfo("/proc/self/status", used)))
		}
	}
	return max(0, least)
}

// UsedMemory returns the bytes of memory that this process holds now, 0 where that is not known.
func UsedMemory() int { return max(0, meminfo("/proc/self/status", "VmRSS:")) }

// meminfo returns the bytes of a line "NAME 12 kB", -1 if there is none.
func meminfo(file, name string) int {
	data, err := os.ReadFile(file)
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			if n, err := strconv.Atoi(fields[1]); err == nil {
				return n << 10
			}
		}
	}
	return -1
}

// number returns the number in a file, -1 if there is none.
func number(file string) int {
	data, err := os.ReadFile(file)
	if err != nil {
		return -1
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return -1
	}
	return n
}
