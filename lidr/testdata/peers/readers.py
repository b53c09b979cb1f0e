"""What other programs read of a run's files, as JSON: the pairs by datasets, the tensors by safetensors, the tokens by
tokenizers, and the logits of each text by transformers, of the model and of its adapter by PEFT.

usage: readers.py BASE MODEL ADAPTER PAIRS TEXTS.json
"""
import hashlib
import json
import sys

import datasets
import tokenizers
import torch
from peft import PeftModel
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

base, model, adapter, pairs, texts = sys.argv[1:]
with open(texts, encoding="utf-8") as f:
    texts = json.load(f)
out = {"pairs": datasets.load_dataset("json", data_files=pairs, split="train", cache_dir=sys.argv[5] + ".cache").to_list()}

out["tensors"] = {}
with safe_open(model + "/model.safetensors", "np") as weights:
    for name in weights.keys():
        out["tensors"][name] = hashlib.sha256(weights.get_tensor(name).astype("<f4").tobytes()).hexdigest()

tokenizer = tokenizers.Tokenizer.from_file(model + "/tokenizer.json")
out["ids"] = [tokenizer.encode(text).ids for text in texts]
with_template = AutoTokenizer.from_pretrained(model)
out["chats"] = [
    with_template.apply_chat_template([{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False)
    for text in texts
]


def logits(net):
    with torch.no_grad():
        return [net(torch.tensor([ids])).logits[0].flatten().tolist() for ids in out["ids"]]


out["model"] = logits(AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32))
below = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
out["adapter"] = logits(PeftModel.from_pretrained(below, adapter))
json.dump(out, sys.stdout)
