"""What transformers computes of hidden states and likelihoods for the formulas of LaCoMSA and MAPO, in float32.

usage: scorers.py MODEL CASE.json

CASE.json holds "prompts": of each the rows in the dominant language ("english") and those to score ("samples"), each
with its conversation ("messages"), the "answer", and of samples the conversation that asks for its translation
("translate"), which "prefill" goes on.
"""
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)
path, case = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(path)
model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
with open(case, encoding="utf-8") as f:
    case = json.load(f)


def ids(text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def conversation(messages, prefill=""):
    return ids(tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False) + prefill)


def state(row):
    prompt, answer = conversation(row["messages"]), ids(row["answer"])
    with torch.no_grad():
        last = model(torch.tensor([prompt + answer]), output_hidden_states=True).hidden_states[-1][0]
    return last[len(prompt):].double().mean(0)


def cross_entropy(row, answer):
    prompt, answer = conversation(row["translate"], case["prefill"]), ids(answer) + [tokenizer.eos_token_id]
    labels = torch.tensor([[-100] * len(prompt) + answer])
    with torch.no_grad():
        return model(torch.tensor([prompt + answer]), labels=labels).loss.double().item()


cosine = lambda a, b: torch.nn.functional.cosine_similarity(a, b, dim=0).item()
mean = lambda values: sum(values) / len(values)
out = []
for prompt in case["prompts"]:
    english = [state(row) for row in prompt["english"]]
    samples = [state(row) for row in prompt["samples"]]
    for row, h in zip(prompt["samples"], samples):
        r = mean([cosine(h, e) for e in english])
        gap = cosine(h, mean(samples)) - cosine(h, mean(english)) - r
        weight = torch.sigmoid(torch.tensor(gap / 2, dtype=torch.double)).item()
        mapo = mean([1 / cross_entropy(row, e["answer"]) for e in prompt["english"]])
        out.append({"similarity": r, "gap": gap, "hidden": weight * r, "mapo": mapo})
json.dump(out, sys.stdout)
