"""Answers chats greedily with transformers, one at a time. Prints one JSON object.

usage: transformers_decode.py JSON   with the fields model, dtype, prompts and max_tokens
"""
import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

work = json.loads(sys.argv[1])
begin = time.perf_counter()
tokenizer = AutoTokenizer.from_pretrained(work["model"])
model = AutoModelForCausalLM.from_pretrained(work["model"], dtype=getattr(torch, work["dtype"]))
load = time.perf_counter() - begin


def answer(prompt, n):
    chat = [{"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    out = model.generate(**ids, max_new_tokens=n, do_sample=False, repetition_penalty=1.0)
    return out.shape[1] - ids["input_ids"].shape[1]


answer(work["prompts"][0], 4)
begin = time.perf_counter()
tokens = sum(answer(p, work["max_tokens"]) for p in work["prompts"])
print(json.dumps({"load": load, "tokens": tokens, "seconds": time.perf_counter() - begin}))
