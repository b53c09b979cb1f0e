package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"lidrlab/lidr/durable"
)

// The two files of a PEFT adapter folder.
const (
	AdapterConfigFile  = "adapter_config.json"
	AdapterWeightsFile = "adapter_model.safetensors"
)

// silentKeys are keys of adapter_config.json (peft, tuners/lora/config.py) that do not change what a trained adapter
// computes, whatever their values. Keys that PEFT may add are accepted too if they are unset (null, false, empty).
var silentKeys = map[string]bool{
	"auto_mapping": true, "base_model_name_or_path": true, "inference_mode": true, "lora_dropout": true, "revision": true,
	"peft_version": true, "megatron_core": true, "qalora_group_size": true,
	"lora_alpha": true, "r": true, "target_modules": true,
}

// LoadAdapter reads a PEFT adapter folder for a model of configuration base. It is as strict as [Load]: a variant of
// LoRA that we do not compute, and a missing, surplus or misshapen tensor, are errors that name the key or tensor.
func LoadAdapter(fsys fs.FS, base Config) (*Adapter, error) {
	text, err := readText(fsys, AdapterConfigFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing; expected the folder of a PEFT adapter", AdapterConfigFile)
	} else if err != nil {
		return nil, err
	}
	a, err := parseAdapterConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", AdapterConfigFile, err)
	}
	if a.Tensors, _, err = readFile(fsys, AdapterWeightsFile); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing; adapter_model.bin is not read: save the adapter as safetensors",
			AdapterWeightsFile)
	} else if err != nil {
		return nil, err
	}
	if err := a.Check(base); err != nil {
		return nil, fmt.Errorf("%s: %w", AdapterWeightsFile, err)
	}
	return a, nil
}

// AdapterBase returns the name of the model that the adapter of a folder was trained on, and fs.ErrNotExist for a
// folder without an adapter, or with a model of its own.
func AdapterBase(fsys fs.FS) (string, error) {
	if _, err := fs.Stat(fsys, "config.json"); err == nil {
		return "", fs.ErrNotExist
	}
	text, err := readText(fsys, AdapterConfigFile)
	if err != nil {
		return "", err
	}
	a, err := parseAdapterConfig(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", AdapterConfigFile, err)
	}
	return a.Base, nil
}

func parseAdapterConfig(text []byte) (*Adapter, error) {
	var keys map[string]any
	if err := json.Unmarshal(text, &keys); err != nil {
		return nil, err
	}
	if keys["peft_type"] != "LORA" {
		return nil, fmt.Errorf("peft_type is %v, expected LORA", keys["peft_type"])
	}
	if names, isList := keys["target_modules"].([]any); !isList {
		return nil, fmt.Errorf("target_modules is %v, expected a list of names such as q_proj", keys["target_modules"])
	} else if len(names) == 0 {
		return nil, fmt.Errorf("target_modules is empty, expected some of %q", AdapterTargets())
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		value, ok := keys[key], silentKeys[key]
		switch key {
		case "peft_type":
			ok = true
		case "task_type":
			ok = value == "CAUSAL_LM" || value == nil
		case "bias":
			ok = value == "none"
		case "init_lora_weights": // the others change the base model's weights
			ok = value == true || value == false || value == "gaussian"
		default:
			ok = ok || unset(value)
		}
		if !ok {
			return nil, fmt.Errorf("key %q is %v: this variant of LoRA is not computed here; merge the adapter with PEFT and "+
				"load the result", key, value)
		}
	}
	var c struct {
		Base    string   `json:"base_model_name_or_path"`
		Rank    int      `json:"r"`
		Alpha   float64  `json:"lora_alpha"`
		Targets []string `json:"target_modules"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, err
	}
	slices.Sort(c.Targets)
	return &Adapter{Base: c.Base, Rank: c.Rank, Alpha: c.Alpha, Targets: slices.Compact(c.Targets)}, nil
}

// unset reports whether a JSON value is null, false or empty.
func unset(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// SaveAdapter writes a into the folder dir, as float32, for PeftModel.from_pretrained. Equal arguments give equal
// bytes. Each file is replaced whole, the configuration last, so that a folder without a configuration is unfinished.
func SaveAdapter(dir string, a *Adapter) error {
	config, err := json.MarshalIndent(map[string]any{
		"alpha_pattern": map[string]any{}, "auto_mapping": nil, "base_model_name_or_path": a.Base, "bias": "none",
		"fan_in_fan_out": false, "inference_mode": true, "init_lora_weights": true, "layers_to_transform": nil,
		"lora_alpha": a.Alpha, "lora_dropout": 0, "modules_to_save": nil, "peft_type": "LORA", "r": a.Rank,
		"rank_pattern": map[string]any{}, "revision": nil, "target_modules": a.Targets, "task_type": "CAUSAL_LM",
		"use_dora": false, "use_rslora": false,
	}, "", "  ") // keys sorted, as PEFT writes them
	if err != nil {
		return err
	}
	if err := durable.Remove(filepath.Join(dir, AdapterConfigFile)); err != nil {
		return err
	}
	err = durable.Replace(filepath.Join(dir, AdapterWeightsFile), func(w io.Writer) error {
		return WriteSafetensors(w, a.Tensors, "F32", map[string]string{"format": "pt"})
	})
	if err != nil {
		return err
	}
	return durable.Replace(filepath.Join(dir, AdapterConfigFile), func(w io.Writer) error {
		_, err := w.Write(append(config, '\n'))
		return err
	})
}
