// Trainer stands in for llamafactory-cli, for accelerate, which starts TRL, and for the Python that runs check.py, by
// the name that it is built under. It reads the settings and the data as these do and fails where they would; it trains
// nothing: the model that it leaves is its base with another number in one tensor, and its logs tell of a loss that
// halves. TRAINER=refuse has the check fail, TRAINER=fail the training, TRAINER=hang start a process and wait for ever.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"lidrlab/lidr/checkpoint"
)

func main() {
	log.SetFlags(0)
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	switch {
	case name == "llamafactory-cli" && len(args) == 2 && args[0] == "train":
		s := readYAML(args[1])
		if gpus := s["use_cpu"] != true; gpus && (os.Getenv("FORCE_TORCHRUN") != "1" || os.Getenv("NPROC_PER_NODE") == "") {
			log.Fatal("DeepSpeed and several GPUs need FORCE_TORCHRUN=1")
		}
		train(s, shareGPT)
	case name == "llamafactory-cli" && len(args) == 2 && args[0] == "export":
		s := readYAML(args[1])
		if _, err := os.Stat(filepath.Join(s.text("adapter_name_or_path"), "trainer_state.json")); err != nil {
			log.Fatal(err)
		}
		save(s.text("model_name_or_path"), s.text("export_dir"))
	case name == "accelerate" && strings.HasPrefix(strings.Join(args, " "),
		"launch --config_file accelerate.yaml -m trl.scripts.dpo --config dpo.yaml"):
		train(readYAML("dpo.yaml"), conversational)
	case name == "python" && len(args) == 1 && args[0] == "check.py":
		if os.Getenv("TRAINER") == "refuse" {
			fmt.Println("check: this version has no loss 'sigmoid'; install a later one")
			os.Exit(1)
		}
	default:
		log.Fatalf("usage: %s train|export FILE, or accelerate launch …; got %q", name, args)
	}
}

// settings are the values of a flat YAML file.
type settings map[string]any

func readYAML(path string) settings {
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	s := settings{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		key, value, _ := strings.Cut(line, ": ")
		value, _, _ = strings.Cut(value, "  #")
		var v any
		if err := json.Unmarshal([]byte(value), &v); err != nil || s[key] != nil {
			log.Fatalf("%s: line %q: %v", path, line, err)
		}
		s[key] = v
	}
	return s
}

func (s settings) text(key string) string {
	text, ok := s[key].(string)
	if !ok {
		log.Fatalf("%s is %v, expected a text", key, s[key])
	}
	return text
}

func (s settings) number(key string) int {
	n, ok := s[key].(float64)
	if !ok {
		log.Fatalf("%s is %v, expected a number", key, s[key])
	}
	return int(n)
}

// shareGPT counts the pairs of a dataset that LLaMA-Factory would take.
func shareGPT(s settings) int {
	var infos map[string]struct {
		FileName, Formatting string
		Ranking              bool
		Columns              map[string]string
	}
	text, err := os.ReadFile(filepath.Join(s.text("dataset_dir"), "dataset_info.json"))
	if err != nil {
		log.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("file_name"), []byte("FileName"))
	if err := json.Unmarshal(text, &infos); err != nil {
		log.Fatal(err)
	}
	info, ok := infos[s.text("dataset")]
	if !ok || info.Formatting != "sharegpt" || !info.Ranking || info.Columns["messages"] != "conversations" {
		log.Fatalf("dataset %v is %v", s["dataset"], infos)
	}
	type message struct{ From, Value string }
	return count(filepath.Join(s.text("dataset_dir"), info.FileName), func(line []byte) bool {
		var row struct {
			Conversations    []message
			Chosen, Rejected *message
		}
		err := json.Unmarshal(line, &row)
		if n := len(row.Conversations); n == 2 && row.Conversations[0].From == "system" {
			row.Conversations = row.Conversations[1:]
		}
		return err == nil && len(row.Conversations) == 1 && row.Conversations[0].From == "human" &&
			row.Chosen.From == "gpt" && row.Rejected.From == "gpt"
	})
}

// conversational counts the pairs of a dataset that TRL would take.
func conversational(s settings) int {
	type messages []struct{ Role, Content string }
	return count(filepath.Join(s.text("dataset_name"), "train.jsonl"), func(line []byte) bool {
		var row struct{ Prompt, Chosen, Rejected messages }
		err := json.Unmarshal(line, &row)
		return err == nil && len(row.Prompt) > 0 && row.Prompt[len(row.Prompt)-1].Role == "user" &&
			len(row.Chosen) == 1 && row.Chosen[0].Role == "assistant" &&
			len(row.Rejected) == 1 && row.Rejected[0].Role == "assistant"
	})
}

func count(path string, good func(line []byte) bool) int {
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	for i, line := range lines {
		if !good(line) {
			log.Fatalf("%s:%d: not a pair: %s", path, i+1, line)
		}
	}
	return len(lines)
}

func train(s settings, pairs func(settings) int) {
	steps := (pairs(s) + s.number("per_device_train_batch_size") - 1) / s.number("per_device_train_batch_size")
	out := s.text("output_dir")
	if err := os.MkdirAll(out, 0o755); err != nil {
		log.Fatal(err)
	}
	entries := make([]string, steps)
	for i := range entries {
		loss := math.Ldexp(1, -i)
		entries[i] = fmt.Sprintf(`{"step": %d, "loss": %g, "learning_rate": 1e-06, `+
			`"rewards/chosen": 0.5, "rewards/margins": %d}`, i+1, loss, i)
		if _, ok := s["stage"]; !ok {
			fmt.Printf("\r{'loss': '%g', 'epoch': '0.5'}\n", loss)
			continue
		}
		entries[i] = entries[i][:len(entries[i])-1] + `, "grad_norm": NaN}` // as Python writes it
		line := fmt.Sprintf(`{"current_steps": %d, "total_steps": %d, "loss": %g, "remaining_time": "0:00:01"}`,
			i+1, steps, loss)
		file, err := os.OpenFile(filepath.Join(out, "trainer_log.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprintln(file, line)
		file.Close()
	}
	switch os.Getenv("TRAINER") {
	case "fail":
		log.Fatal("torch.OutOfMemoryError: CUDA out of memory")
	case "hang":
		worker := exec.Command("sleep", "600")
		if err := worker.Start(); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("worker %d\n", worker.Process.Pid)
		time.Sleep(10 * time.Minute)
	}
	state := fmt.Sprintf(`{"global_step": %d, "log_history": [%s, {"step": %d, "train_runtime": 3.5}]}`,
		steps, strings.Join(entries, ", "), steps)
	folder := out
	if _, ok := s["stage"]; !ok { // TRL leaves its log in its checkpoints only
		folder = filepath.Join(out, fmt.Sprintf("checkpoint-%d", steps))
	}
	if s["finetuning_type"] != "lora" {
		save(s.text("model_name_or_path"), out)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "trainer_state.json"), []byte(state), 0o644); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "training_args.bin"), nil, 0o644); err != nil {
		log.Fatal(err)
	}
}

// save writes the changed model among the other files of the folder.
func save(base, out string) {
	model, err := checkpoint.Load(os.DirFS(base))
	if err != nil {
		log.Fatal(err)
	}
	first := &model.Tensors[0]
	values, err := first.Float32s()
	if err != nil {
		log.Fatal(err)
	}
	values[0]++
	*first = checkpoint.NewTensor(first.Name, first.Shape, values)
	made := filepath.Join(os.TempDir(), fmt.Sprint("trainer-", os.Getpid()))
	defer os.RemoveAll(made)
	if err := checkpoint.Save(made, model, "BF16"); err != nil {
		log.Fatal(err)
	}
	if err := os.CopyFS(out, os.DirFS(made)); err != nil {
		log.Fatal(err)
	}
}
