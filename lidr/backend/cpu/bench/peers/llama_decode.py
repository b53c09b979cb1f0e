"""Answers chats greedily with llama.cpp, all prompts in one batch. Prints one JSON object.

usage: llama_decode.py JSON   with the fields model (a GGUF file), prompts, max_tokens and threads
"""
import json
import os
import sys
import time

import jinja2
import llama_cpp as lc
import numpy as np

work = json.loads(sys.argv[1])
prompts, room = work["prompts"], work["max_tokens"]
begin = time.perf_counter()
llama = lc.Llama(work["model"], vocab_only=True, verbose=False)
template = jinja2.Environment().from_string(llama.metadata["tokenizer.chat_template"])
chats = [template.render(messages=[{"role": "user", "content": p}], add_generation_prompt=True) for p in prompts]
rows = [llama.tokenize(chat.encode(), add_bos=False, special=True) for chat in chats]

model = lc.llama_model_load_from_file(work["model"].encode(), lc.llama_model_default_params())
settings = lc.llama_context_default_params()
settings.n_ctx = len(rows) * (-(-(max(map(len, rows)) + room) // 256) * 256)  # each sequence has an equal share
settings.n_batch, settings.n_ubatch, settings.n_seq_max = 512, 512, len(rows)
settings.n_threads = settings.n_threads_batch = work["threads"]
context = lc.llama_init_from_model(model, settings)
vocabulary = lc.llama_model_get_vocab(model)
size = lc.llama_vocab_n_tokens(vocabulary)
batch = lc.llama_batch_init(512, 0, 1)
load = time.perf_counter() - begin


def decode(entries):
    """Computes (token, position, row, wants logits) and returns the best next token of each row that wants one."""
    best = {}
    for at in range(0, len(entries), 512):
        part = entries[at:at + 512]
        batch.n_tokens = len(part)
        for i, (token, position, row, wants) in enumerate(part):
            batch.token[i], batch.pos[i], batch.logits[i] = token, position, wants
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, row
        if lc.llama_decode(context, batch) != 0:
            sys.exit("llama_decode failed: is there room in the cache?")
        for i, (_, _, row, wants) in enumerate(part):
            if wants:
                logits = np.ctypeslib.as_array(lc.llama_get_logits_ith(context, i), shape=(size,))
                best[row] = int(logits.argmax())
    return best


decode([(t, i, 0, False) for i, t in enumerate(rows[0])])  # the first touch of the weights is loading
lc.llama_memory_clear(lc.llama_get_memory(context), True)
begin = time.perf_counter()
going = decode([(t, i, r, i == len(row) - 1) for r, row in enumerate(rows) for i, t in enumerate(row)])
tokens, positions = 0, [len(row) for row in rows]
for step in range(room):
    going = {r: t for r, t in going.items() if not lc.llama_vocab_is_eog(vocabulary, t)}
    tokens += len(going)
    if not going or step == room - 1:
        break
    going = decode([(t, positions[r] + step, r, True) for r, t in going.items()])
seconds = time.perf_counter() - begin
sys.stdout.write(json.dumps({"load": load, "tokens": tokens, "seconds": seconds}) + "\n")
sys.stdout.flush()
os._exit(0)  # without the destructors, which warn
