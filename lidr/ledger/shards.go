package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/input"
)

// Shard is one part of a list that several processes work on, each with a part of its own: the items whose position,
// from 0, leaves Part−1 when divided by Of. The zero Shard is the whole list.
type Shard struct{ Part, Of int }

// Items are the positions of a shard in a list of n.
func (s Shard) Items(n int) (at []int) {
	for i := s.Part - 1; i < n; i += s.Of {
		at = append(at, i)
	}
	return at
}

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Part, s.Of) }

// name is that of the shard's file.
func (s Shard) name() string { return fmt.Sprintf("%d-of-%d", s.Part, s.Of) }

// ErrShard is wrapped by the error with which a step ends whose part of a list is done.
var ErrShard = errors.New("a shard is done")

// Why shards are no whole list.
var (
	ErrShardMissing  = errors.New("shards are missing")
	ErrShardDoubled  = errors.New("a shard is there twice")
	ErrShardForeign  = errors.New("this is no shard")
	ErrShardSettings = errors.New("this is a shard of another list: of other settings, prompts or models")
)

// shardsOf is where the shards of an output lie: DIR/KIND/KEY.shards/2-of-4.jsonl. To merge those of another machine's
// store, copy them there.
func (s Store) shardsOf(kind, key string) string { return filepath.Join(s.Dir, kind, key+".shards") }

// Has tells whether an output is finished.
func (s Store) Has(kind, key string) bool {
	_, err := os.Stat(filepath.Join(s.Dir, kind, key+".jsonl"))
	return err == nil
}

// CollectShard makes one shard of an output of n items, as [Collect] makes the whole. run computes the items of the
// shard, by their position in it ([Shard.Items]).
func CollectShard[T any](ctx context.Context, s Store, kind, key string, n int, shard Shard,
	run func(done func(int) bool, save func(idx []int, items []T) error) error) error {
	own := Store{Dir: filepath.Join(s.Dir, kind), Note: s.Note}
	_, err := Collect(ctx, own, key+".shards", shard.name(), len(shard.Items(n)), run)
	return err
}

// mostShards bounds what a file's name can make this program count to.
const mostShards = 1 << 16

// shardFile is the name of a shard's file, or of one beside it; .new is left where a process was killed as it wrote.
var shardFile = regexp.MustCompile(
	`^([1-9][0-9]*)-of-([1-9][0-9]*)\.(jsonl|(?:jsonl|partial)\.new|partial|lock(?:-[0-9]+(?:\.new)?)?)$`)

// Shards returns the n items of an output from its shards; found is false where there are none. It is an error, by the
// names above, unless the shards are all that there have to be, each once and of this very output.
func Shards[T any](s Store, kind, key string, n int) (items []T, found bool, err error) {
	folder := s.shardsOf(kind, key)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil, false, nil
	} else if err != nil {
		return nil, false, err
	}
	of, parts := 0, map[int]bool{}
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		match := shardFile.FindStringSubmatch(entry.Name())
		if match == nil {
			return nil, true, fmt.Errorf("%s: %w; expected names such as 2-of-4.jsonl, so move it away", path,
				ErrShardForeign)
		}
		shard := Shard{number(match[1]), number(match[2])}
		if of == 0 {
			of = shard.Of
		}
		if shard.Of != of || shard.Part > of || of > mostShards {
			return nil, true, fmt.Errorf("%s: %w, one of %d beside those of %d; delete the shards of one division", path,
				ErrShardForeign, shard.Of, of)
		}
		if match[3] != "jsonl" {
			continue // of one that is not finished
		}
		if err := isShard(path, key, shard); err != nil {
			return nil, true, err
		}
		parts[shard.Part] = true
	}
	var missing []string
	for part := 1; part <= of; part++ {
		if !parts[part] {
			missing = append(missing, Shard{part, of}.String())
		}
	}
	if len(missing) > 0 {
		return nil, true, fmt.Errorf("%w: %s of %s; make them by the same command with --shard %s, or delete the folder to "+
			"do without shards", ErrShardMissing, strings.Join(missing, ", "), folder, missing[0])
	}
	items = make([]T, n)
	for part := range parts {
		shard := Shard{part, of}
		at := shard.Items(n)
		own, err := readFinal[T](filepath.Join(folder, shard.name()+".jsonl"), header{key + ".shards", shard.name(), len(at)})
		if err != nil {
			return nil, true, err
		}
		for k, i := range at {
			items[i] = own[k]
		}
	}
	return items, true, nil
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits) // one that is too large is the largest, above mostShards
	return n
}

// isShard compares what a shard says of itself with the name that it goes by.
func isShard(path, key string, want Shard) error {
	data, err := input.ReadFile(path)
	if err != nil {
		return err
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	var head header
	if err := json.Unmarshal(line, &head); err != nil || !strings.HasSuffix(head.Kind, ".shards") {
		return fmt.Errorf("%s: %w (it begins %.60q); move it away", path, ErrShardForeign, line)
	}
	if head.Kind != key+".shards" {
		return fmt.Errorf("%s: %w (%s); make it again by the same command with --shard %s", path, ErrShardSettings,
			strings.TrimSuffix(head.Kind, ".shards"), want)
	}
	if head.Key != want.name() {
		return fmt.Errorf("%s: %w: it says that it is %s; delete it, and make it by the same command with --shard %s", path,
			ErrShardDoubled, head.Key, want)
	}
	return nil
}

// RemoveShards removes the shards of an output that was made from them.
func (s Store) RemoveShards(kind, key string) error {
	folder := s.shardsOf(kind, key)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return durable.RemoveAll(folder)
}
