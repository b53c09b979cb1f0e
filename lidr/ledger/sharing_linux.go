package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// unsure are the file systems, by the numbers of linux/magic.h and of their own sources, on which flock may lock
// nothing, or only against processes of the same machine: it depends on how they are mounted (nolock, nobrl,
// localflock) or served. Those of clusters that keep flock's promise (Ceph, GFS2, OCFS2, GPFS) are none of them.
var unsure = map[uint32]string{
	unix.NFS_SUPER_MAGIC:  "NFS",
	unix.SMB_SUPER_MAGIC:  "SMB",
	unix.CIFS_SUPER_MAGIC: "SMB",
	unix.SMB2_SUPER_MAGIC: "SMB",
	unix.FUSE_SUPER_MAGIC: "FUSE",
	unix.V9FS_MAGIC:       "9P",
	unix.AFS_SUPER_MAGIC:  "AFS",
	unix.AFS_FS_MAGIC:     "AFS",
	unix.CODA_SUPER_MAGIC: "Coda",
	0x0bd00bd0:            "Lustre",
	0x19830326:            "BeeGFS",
	0x786f4256:            "vboxsf",
}

// objectStores are FUSE file systems, by the type or the source of their mount, on which a file is whole when it is
// closed, and two processes may both have made it: neither locks nor leases hold there.
var objectStores = []string{"s3fs", "gcsfuse", "goofys", "geesefs", "mountpoint-s3", "blobfuse", "rclone"}

// fileSystem names the file system of a folder where its locks are not to be trusted, "" where they are. Tests set it.
var fileSystem = func(dir string) (string, error) {
	var found unix.Statfs_t
	if err := unix.Statfs(dir, &found); err != nil {
		return "", err
	}
	name := unsure[uint32(found.Type)]
	if name != "FUSE" {
		return name, nil
	}
	var folder unix.Stat_t
	if err := unix.Stat(dir, &folder); err != nil {
		return "", err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return name, nil // what kind of FUSE it is stays unknown
	}
	device := fmt.Sprintf("%d:%d", unix.Major(folder.Dev), unix.Minor(folder.Dev))
	return name, keepsFiles(dir, device, string(mounts))
}

// keepsFiles is an error for a folder on an object store, by the line of /proc/self/mountinfo of its device (proc(5):
// "36 35 98:0 /root /mount options - type source options").
func keepsFiles(dir, device, mounts string) error {
	for line := range strings.Lines(mounts) {
		before, after, _ := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if len(fields) < 3 || len(kind) < 2 || fields[2] != device {
			continue
		}
		if slices.ContainsFunc(objectStores, func(name string) bool {
			return strings.Contains(kind[0], name) || strings.Contains(kind[1], name)
		}) {
			return fmt.Errorf("%s is on an object store (%s, mounted from %s), where no process can have a folder for itself; "+
				"choose a folder on another file system, and copy the run there when it is done", dir, kind[0], kind[1])
		}
	}
	return nil
}

// thisSystem names the present start of this machine and the process table that this process is in: containers of one
// machine have their own.
var thisSystem = sync.OnceValue(func() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	table, err2 := os.Readlink("/proc/self/ns/pid")
	if err != nil || err2 != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + table
})

// processStart is the clock tick at which a process of this machine was started, "" where it cannot be told (proc(5),
// field 22 of stat; the name before may hold anything but is in the last brackets), "-" for one that has ended and that
// its parent has not asked after yet.
func processStart(pid int) string {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	switch {
	case len(fields) < 20:
		return ""
	case fields[0] == "Z" || fields[0] == "X":
		return "-"
	}
	return fields[19]
}

// processEnded tells that the process that was started so is no more. A system may hide the processes of other users,
// but not that there are any.
func processEnded(pid int, started string) bool {
	if now := processStart(pid); now != "" {
		return now != started
	}
	return unix.Kill(pid, 0) == unix.ESRCH
}
