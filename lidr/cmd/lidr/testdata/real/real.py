"""Writes what transformers answers for the real models, greedily and in float32, and the folders that it saves.

    python real.py FILE.gguf OUT.json [FOLDER]

OUT.json is the fixture of TestReal: 16 prompts in 12 languages, their token ids by the tokenizer that transformers
makes of the file, 64 greedy tokens each, and the smallest gap between the best and the second-best logit on the way
(where a float32 sum in another order may choose otherwise). FOLDER gets the subfolders float32 and bfloat16. The
environment is that of .tools/peers/training.txt (make peers-env ENV=training).
"""
import gc
import hashlib
import json
import os
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, LogitsProcessor, LogitsProcessorList

PROMPTS = [
    ("en", "Give me three tips for sleeping well."),
    ("en", "Explain to a child why the sky is blue."),
    ("es", "¿Por qué flota un barco de hierro?"),
    ("es", "Describe en pocas frases la vida de una abeja."),
    ("de", "Was braucht man, um ein gutes Brot zu backen?"),
    ("de", "Schreibe einen kurzen Brief an eine alte Freundin."),
    ("fr", "Comment choisir un bon livre pour un enfant ?"),
    ("fr", "Raconte une courte histoire sur un phare."),
    ("it", "Quali sono i vantaggi di andare al lavoro in bicicletta?"),
    ("ru", "Почему осенью опадают листья?"),
    ("zh", "为什么海水是咸的？"),
    ("ja", "月の満ち欠けはなぜ起こりますか。"),
    ("sw", "Kwa nini tunahitaji kunywa maji kila siku?"),
    ("bn", "বৃষ্টি কীভাবে হয়?"),
    ("th", "ทำไมแมวจึงชอบนอน"),
    ("ar", "كيف يمكنني أن أتعلم لغة جديدة؟"),
]
TOKENS = 64


def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            h.update(block)
    return h.hexdigest()


class Gaps(LogitsProcessor):
    """Keeps the gap between the two best logits of each choice."""

    def __init__(self):
        self.steps = []

    def __call__(self, ids, scores):
        best = torch.topk(scores, 2).values
        self.steps.append((best[:, 0] - best[:, 1]).tolist())
        return scores


def answer(model, prompts, pad):
    """The greedy tokens of each prompt, the end token among them, and the smallest gap of their choices. The prompts
    are one batch, padded on the left."""
    longest = max(len(ids) for ids in prompts)
    ids = torch.tensor([[pad] * (longest - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    gaps = Gaps()
    with torch.no_grad():
        out = model.generate(ids, attention_mask=mask, max_new_tokens=TOKENS, do_sample=False, num_beams=1,
                             repetition_penalty=1.0, pad_token_id=pad, logits_processor=LogitsProcessorList([gaps]))
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    answers = []
    for row, new in enumerate(out[:, longest:].tolist()):
        n = next((i + 1 for i, token in enumerate(new) if token in ends), len(new))
        answers.append((new[:n], min(step[row] for step in gaps.steps[:n])))
    return answers


def main():
    path, out = sys.argv[1], sys.argv[2]
    folder, name = os.path.split(os.path.abspath(path))
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()
    prompts = []
    for _, prompt in PROMPTS:
        if tokenizer.chat_template:
            text = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True,
                                                 tokenize=False)
            prompts.append(tokenizer(text, add_special_tokens=False)["input_ids"])
        else:  # a base model continues the text
            prompts.append(tokenizer(prompt)["input_ids"])
    answers = []
    for (lang, prompt), ids, (tokens, gap) in zip(PROMPTS, prompts, answer(model, prompts, tokenizer.pad_token_id)):
        print(lang, len(ids), len(tokens), f"{gap:.2g}", repr(tokenizer.decode(tokens))[:100], flush=True)
        answers.append({"lang": lang, "prompt": prompt, "ids": ids, "tokens": tokens,
                        "text": tokenizer.decode(tokens, skip_special_tokens=True), "gap": float(f"{gap:.3g}")})
    fixture = {"file": name, "sha256": digest(path), "transformers": transformers.__version__,
               "torch": torch.__version__, "dtype": "float32", "max_new_tokens": TOKENS,
               "eos_token_id": model.generation_config.eos_token_id, "vocab_size": model.config.vocab_size,
               "hidden_size": model.config.hidden_size, "num_hidden_layers": model.config.num_hidden_layers}
    with open(out, "w", encoding="utf-8") as f:
        head = json.dumps(fixture, ensure_ascii=False)
        f.write(head[:-1] + ', "answers": [\n')
        f.write(",\n".join(json.dumps(a, ensure_ascii=False, separators=(",", ":")) for a in answers) + "\n]}\n")
    if len(sys.argv) > 3:
        save(model, tokenizer, sys.argv[3])


def save(model, tokenizer, folder):
    """Saves the model in float32 and bfloat16.

    save_pretrained refuses a model that came from a GGUF file, since its configuration carries a quantization method
    that cannot be written. A model of the same class and configuration without that mark, given the dequantised
    weights, is an ordinary model, and save_pretrained writes what it writes of any other.
    """
    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    weights = model.state_dict()
    generation = model.generation_config
    fresh = type(model)(config)
    fresh.load_state_dict(weights)
    fresh.generation_config = generation
    del model, weights
    gc.collect()
    for dtype in (torch.float32, torch.bfloat16):
        target = os.path.join(folder, str(dtype).removeprefix("torch."))
        fresh = fresh.to(dtype)
        fresh.config.dtype = dtype
        fresh.save_pretrained(target)
        tokenizer.save_pretrained(target)
        print(target, sorted(os.listdir(target)))


if __name__ == "__main__":
    main()
