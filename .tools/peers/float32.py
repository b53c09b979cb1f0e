"""Writes a GGUF file as a Hugging Face folder in float32, by transformers.

usage: float32.py FILE.gguf FOLDER
"""
import json
import os
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, name = os.path.split(sys.argv[1])
read = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
# A model that came from GGUF is not saved, one of the same configuration is.
config = read.config
if hasattr(config, "quantization_config"):
    del config.quantization_config
config.dtype = "float32"
model = type(read)(config)
model.load_state_dict(read.state_dict())
part = sys.argv[2] + ".part"
model.to(torch.float32).save_pretrained(part)
tokenizer.save_pretrained(part)
path = os.path.join(part, "config.json")
with open(path) as f:
    fields = json.load(f)
fields.pop("_model_name_or_path", None)  # a path of this machine
with open(path, "w") as f:
    json.dump(fields, f, indent=1)
os.rename(part, sys.argv[2])
