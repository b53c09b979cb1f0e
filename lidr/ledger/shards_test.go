package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cube computes the items of a list of n, those of a shard by their position in it.
func cube(at []int) func(func(int) bool, func([]int, []int) error) error {
	return func(done func(int) bool, save func([]int, []int) error) error {
		for k, i := range at {
			if !done(k) {
				if err := save([]int{k}, []int{i * i * i}); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// The shards of a list are the whole list, and whatever is missing, double, foreign or of another list is an error of
// its own name.
func TestShards(t *testing.T) {
	const n = 11
	all := Shard{1, 1}.Items(n)
	for name, mistake := range map[string]struct {
		make func(folder string) error
		want error
		says string
	}{
		"none": {func(string) error { return nil }, nil, ""},
		"killed as they were written": {func(f string) error {
			return errors.Join(copyFile(f, "1-of-3.jsonl", f, "2-of-3.jsonl.new"),
				os.WriteFile(filepath.Join(f, "2-of-3.lock-1.new"), nil, 0o644))
		}, nil, ""},
		"missing": {func(f string) error { return os.Remove(filepath.Join(f, "2-of-3.jsonl")) }, ErrShardMissing,
			"2/3 of"},
		"unfinished": {func(f string) error {
			return os.Rename(filepath.Join(f, "2-of-3.jsonl"), filepath.Join(f, "2-of-3.partial"))
		}, ErrShardMissing, "--shard 2/3"},
		"doubled": {func(f string) error { return copyFile(f, "1-of-3.jsonl", f, "2-of-3.jsonl") }, ErrShardDoubled,
			"2-of-3.jsonl"},
		"foreign": {func(f string) error { return os.WriteFile(filepath.Join(f, "notes.txt"), []byte("x"), 0o644) },
			ErrShardForeign, "notes.txt"},
		"no shard": {func(f string) error { return os.WriteFile(filepath.Join(f, "2-of-3.jsonl"), []byte("{}\n"), 0o644) },
			ErrShardForeign, "2-of-3.jsonl"},
		"another division": {func(f string) error { return copyFile(f, "1-of-3.jsonl", f, "1-of-4.jsonl") },
			ErrShardForeign, "one of 4"},
		"other settings": {func(f string) error {
			return copyFile(filepath.Join(filepath.Dir(f), "other.shards"), "2-of-3.jsonl", f, "2-of-3.jsonl")
		}, ErrShardSettings, "2-of-3.jsonl"},
		"damaged": {func(f string) error {
			path := filepath.Join(f, "3-of-3.jsonl")
			data, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path, data[:len(data)-1], 0o644))
		}, errTorn, "3-of-3.jsonl"},
	} {
		t.Run(name, func(t *testing.T) {
			s := Store{Dir: t.TempDir()}
			for _, key := range []string{"k", "other"} {
				for part := 1; part <= 3; part++ {
					shard := Shard{part, 3}
					if err := CollectShard(t.Context(), s, "cubes", key, n, shard, cube(shard.Items(n))); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := mistake.make(s.shardsOf("cubes", "k")); err != nil {
				t.Fatal(err)
			}
			items, found, err := Shards[int](s, "cubes", "k", n)
			if !errors.Is(err, mistake.want) || !found || err != nil && !strings.Contains(err.Error(), mistake.says) {
				t.Fatalf("found %v, error %v, expected %v with %q", found, err, mistake.want, mistake.says)
			}
			if err != nil {
				return
			}
			for _, i := range all {
				if items[i] != i*i*i {
					t.Errorf("item %d is %d", i, items[i])
				}
			}
			if err := s.RemoveShards("cubes", "k"); err != nil {
				t.Fatal(err)
			}
			if _, found, err := Shards[int](s, "cubes", "k", n); found || err != nil {
				t.Errorf("after they were removed: found %v, error %v", found, err)
			}
		})
	}
}

func copyFile(from, name, to, as string) error {
	data, err := os.ReadFile(filepath.Join(from, name))
	return errors.Join(err, os.WriteFile(filepath.Join(to, as), data, 0o644))
}
