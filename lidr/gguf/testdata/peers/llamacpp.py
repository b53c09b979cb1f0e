"""What llama.cpp and gguf-py read of GGUF files, as JSON by file: the tokens of each prompt, those that llama.cpp
goes on with greedily, its logits of the first of these, and the SHA-256 of each tensor's sorted values by gguf-py.

usage: llamacpp.py JOBS.json
"""
import hashlib
import json
import sys

import gguf
import llama_cpp
import numpy as np

out = []
for job in json.load(open(sys.argv[1], encoding="utf-8")):
    # In single precision throughout; more threads than one wait for each other on so small a model.
    model = llama_cpp.Llama(job["file"], n_ctx=512, n_threads=1, n_threads_batch=1, type_k=0, type_v=0, verbose=False)

    def logits():
        row = llama_cpp.llama_get_logits_ith(model.ctx, -1)
        return np.ctypeslib.as_array(row, shape=(model.n_vocab(),)).copy()

    prompts = []
    for text in job["prompts"]:
        ids = model.tokenize(text.encode(), add_bos=False, special=True)
        model.reset()
        model.eval(ids)
        first, following = logits(), []
        now = first
        while len(following) < job["tokens"] and (not following or following[-1] != job["end"]):
            following.append(int(now.argmax()))
            model.eval(following[-1:])
            now = logits()
        prompts.append({"ids": ids, "next": following, "logits": first.tolist()})
    tensors = []
    for tensor in gguf.GGUFReader(job["file"]).tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        tensors.append(hashlib.sha256(np.sort(values, axis=None).astype("<f4").tobytes()).hexdigest())
    out.append({"prompts": prompts, "tensors": sorted(tensors)})
json.dump(out, sys.stdout)
