package script

import (
	"log"
	"maps"
	"os"
	"path"
	"reflect"
	"strings"
	"sync"

	"github.com/traefik/yaegi/interp"
	"github.com/traefik/yaegi/stdlib"

	"lidrlab/lidr/script/symbols"
	"lidrlab/lidr/script/value"
)

// pure are the packages of the standard library that a script may use whole: none of them reaches files, the network,
// other processes or memory that is not the script's.
const pure = `bufio bytes compress/bzip2 compress/flate compress/gzip compress/lzw compress/zlib
container/heap container/list container/ring context
crypto crypto/hmac crypto/md5 crypto/rand crypto/sha1 crypto/sha256 crypto/sha512
encoding encoding/base32 encoding/base64 encoding/binary encoding/csv encoding/gob encoding/hex encoding/json
encoding/xml errors flag fmt hash hash/adler32 hash/crc32 hash/crc64 hash/fnv hash/maphash html
image image/color image/color/palette image/draw image/gif image/jpeg image/png
io io/fs log log/slog math math/big math/bits math/cmplx math/rand math/rand/v2 net/url path path/filepath
regexp regexp/syntax sort strconv strings sync sync/atomic text/tabwriter time unicode unicode/utf16 unicode/utf8`

// part are the names of packages of which a script may not use the rest; the functions on files come from [access].
var part = map[string]string{
	"os": `Args DevNull ErrClosed ErrDeadlineExceeded ErrExist ErrInvalid ErrNotExist ErrPermission Environ Expand
ExpandEnv Getenv Getpid Getwd Hostname IsExist IsNotExist IsPathSeparator IsPermission IsTimeout LookupEnv ModeAppend
ModeDir ModePerm ModeSymlink ModeType O_APPEND O_CREATE O_EXCL O_RDONLY O_RDWR O_SYNC O_TRUNC O_WRONLY PathListSeparator
PathSeparator SameFile Setenv Stderr Stdin Stdout TempDir Unsetenv UserCacheDir UserHomeDir DirEntry File FileInfo
FileMode PathError _DirEntry _FileInfo`,
	"runtime": "GC GOARCH GOMAXPROCS GOOS Gosched NumCPU NumGoroutine Version",
}

// instead says what to use for some imports and names that a script cannot have.
var instead = map[string]string{
	"net":               ": the network is reached through lidr only",
	"net/http":          ": the network is reached through lidr only",
	"lidrlab/lidr/cell": ": it is for notebook cells; call lidr.Show, and check each error",
	"os/exec":           ": a script starts no other program",
	"syscall":           ": use package os",
	"unsafe":            "",
	"io/ioutil":         ": use os.ReadFile, os.WriteFile, io.ReadAll",
	"slices":            ": use package sort, and write a loop for the rest",
	"maps":              ": write a loop",
	"cmp":               ": compare with < and ==",
	"iter":              ": return a slice or take a function",
	"reflect":           ": name the types, or use a type switch",
	"text/template":     ": use fmt and strings",
	"html/template":     ": use fmt and html.EscapeString",
	"sync.OnceFunc":     ": use sync.Once",
	"sync.OnceValue":    ": use sync.Once",
	"strings.Lines":     ": use strings.Split",
	"strings.SplitSeq":  ": use strings.Split",
}

// library is what scripts import: the interpreter's copy of the standard library as far as it is allowed, and the
// extracted packages. A key names an import path and its package, "math/rand/v2/rand".
func library(files access) interp.Exports {
	lib := interp.Exports{}
	for key, names := range stdlib.Symbols {
		if importPath := path.Dir(key); inList(pure, importPath) {
			lib[key] = maps.Clone(names)
		} else if list, ok := part[importPath]; ok {
			lib[key] = map[string]reflect.Value{}
			for name, symbol := range names {
				if inList(list, name) {
					lib[key][name] = symbol
				}
			}
		}
	}
	maps.Copy(lib, symbols.Symbols)
	// The interpreter's own forms of these panic instead of ending the process; a script's process is its own.
	for name, symbol := range map[string]any{
		"Fatal": fatal, "Fatalf": fatalf, "Fatalln": fatalln,
		"New": log.New, "Logger": (*log.Logger)(nil),
	} {
		lib["log/log"][name] = reflect.ValueOf(symbol)
	}
	lib["os/os"]["Exit"] = reflect.ValueOf(os.Exit)
	lib["context/context"]["_Context"] = reflect.ValueOf((*value.Context)(nil))
	for key, functions := range files.functions() {
		for name, function := range functions {
			lib[key][name] = reflect.ValueOf(function)
		}
	}
	return lib
}

// everything is the library as the check and the shell see it.
var everything = sync.OnceValue(func() interp.Exports { return library(everywhere) })

func inList(list, word string) bool {
	for field := range strings.FieldsSeq(list) {
		if field == word {
			return true
		}
	}
	return false
}
