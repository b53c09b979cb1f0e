package input

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"
)

// Content is what a regular file holds, in memory that nobody may write: mapped where the system can, so that it is
// the system's own copy of the file and comes from the disk as it is needed, else read. It is unmapped when the Content
// is unreachable: who keeps a part of Data keeps the Content as well.
//
// A file must stay as it is while it is mapped. One that is replaced by another of its name, as programs save files,
// does: what is mapped is the old one. One that is written to does not: [Content.Check] finds that out by its size and
// its modification time, and [Guard] makes an error of an access behind the end of one that was cut, by which the
// system would end the process.
type Content struct {
	Data []byte

	path   string
	opened time.Time
	info   fs.FileInfo // at that time
	file   *os.File    // nil where Data were read
}

// Map returns what f holds, and takes f over.
func Map(f *os.File) (*Content, error) {
	info, err := f.Stat()
	if err != nil {
		f.Close() // it was only read
		return nil, err
	}
	c := &Content{path: f.Name(), info: info, opened: time.Now()}
	if data := mapped(f, info.Size()); data != nil {
		c.Data, c.file = data, f
		runtime.AddCleanup(c, unmap, data)
		return c, nil
	}
	defer f.Close()
	c.Data = make([]byte, info.Size())
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, info.Size()), c.Data); err != nil {
		return nil, fmt.Errorf("%s: %w", c.path, err)
	}
	return c, nil
}

// Rest tells the system that a part of Data is not read again soon: its whole pages leave this process's memory and
// stay in the system's, from where they are read again at little cost.
func (c *Content) Rest(part []byte) {
	if c.file != nil {
		rest(part)
	}
}

// Path is the path that the file was opened by.
func (c *Content) Path() string { return c.path }

// ReadAt reads from the file itself, so that a file that was cut is an error of its reading.
func (c *Content) ReadAt(b []byte, offset int64) (int, error) {
	if c.file != nil {
		return c.file.ReadAt(b, offset)
	}
	n := copy(b, c.Data[min(offset, int64(len(c.Data))):])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Check is an error for a mapped file that was written to since it was opened.
func (c *Content) Check() error {
	if c.file == nil {
		return nil
	}
	now, err := c.file.Stat()
	if err == nil && (now.Size() != c.info.Size() || !now.ModTime().Equal(c.info.ModTime())) {
		const layout = "2006-01-02 15:04:05.000"
		err = fmt.Errorf("%s was written to while it was in use: it had %d bytes of %s, and has %d of %s now; load it "+
			"again, and replace such files by renaming", c.path, c.info.Size(), c.info.ModTime().Format(layout), now.Size(),
			now.ModTime().Format(layout))
	}
	return err
}

// recent is how long after a write another one may leave the same modification time: the steps of FAT's clock.
const recent = 2 * time.Second

// Identity tells the file, as it was when it was opened, from others and from what it is once it has been written to:
// by its path, size, modification time and, where the system has them, its inode and the time of the inode's last
// change. It is "" for a file that was written to just before.
func (c *Content) Identity() string {
	path, err := filepath.Abs(c.path)
	if err != nil || c.opened.Sub(c.info.ModTime()) < recent {
		return ""
	}
	return fmt.Sprintf("%q %d %d %s", path, c.info.Size(), c.info.ModTime().UnixNano(), inode(c.info))
}

// Guard calls f, which reads Data of contents, and makes an error that names the file of an access that fails: a file
// has become shorter, or its disk cannot be read. f is not to start goroutines that read them.
func Guard(f func() error, contents ...*Content) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			if err = fault(r, contents); err == nil {
				panic(r)
			}
		}
	}()
	return f()
}

// fault is the error of a failed access to one of contents, nil for any other panic.
func fault(panicked any, contents []*Content) error {
	failed, ok := panicked.(interface{ Addr() uintptr })
	if !ok {
		return nil
	}
	for _, c := range contents {
		if c != nil && c.holds(failed.Addr()) {
			if err := c.Check(); err != nil {
				return err
			}
			return fmt.Errorf("%s cannot be read: its disk or the network failed", c.path)
		}
	}
	return nil
}
