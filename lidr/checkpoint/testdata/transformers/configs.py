"""Writes config.json of tiny models as the installed transformers saves them, and a tokenizer's files.

    python configs.py        # makes the folder of the installed version beside this file

Run once in an environment of each version (pip install transformers==VERSION 'numpy<2.5'; torch is not needed).
FAMILY.json is what save_pretrained writes, full.json every key of the class (as merge tools and some trainers write
it), gguf.json what a model keeps that was loaded from a GGUF file.
"""
import json
import os
import shutil
import tempfile

import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

SIZES = dict(vocab_size=260, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, bos_token_id=0, eos_token_id=1, pad_token_id=1)
FAMILIES = {  # class, architecture, and what the class would not choose for so small a model
    "llama": ("LlamaConfig", "LlamaForCausalLM", {}),
    "llama3": ("LlamaConfig", "LlamaForCausalLM", dict(rope_theta=500000.0, rope_scaling=dict(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=32))),
    "mistral": ("MistralConfig", "MistralForCausalLM", dict(sliding_window=None)),
    "qwen2": ("Qwen2Config", "Qwen2ForCausalLM", dict(tie_word_embeddings=True)),
    "qwen3": ("Qwen3Config", "Qwen3ForCausalLM", dict(head_dim=4)),
    "gemma2": ("Gemma2Config", "Gemma2ForCausalLM", dict(head_dim=4, query_pre_attn_scalar=4, sliding_window=8)),
    "gemma3": ("Gemma3TextConfig", "Gemma3ForCausalLM", dict(
        num_hidden_layers=6, head_dim=4, query_pre_attn_scalar=4, sliding_window=8)),
    "smollm3": ("SmolLM3Config", "SmolLM3ForCausalLM", dict(num_hidden_layers=4)),
    "cohere2": ("Cohere2Config", "Cohere2ForCausalLM", dict(num_hidden_layers=4, sliding_window=8)),
    "granite": ("GraniteConfig", "GraniteForCausalLM", dict(
        embedding_multiplier=12.0, logits_scaling=8.0, residual_multiplier=0.22, attention_multiplier=0.015625)),
    "phi3": ("Phi3Config", "Phi3ForCausalLM", dict(sliding_window=None)),
    "olmo2": ("Olmo2Config", "Olmo2ForCausalLM", {}),
}
TEMPLATE = ("{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + eos_token }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = os.path.join(here, transformers.__version__)
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    for family, (name, architecture, more) in FAMILIES.items():
        make = getattr(transformers, name, None)
        if make is None:  # younger than this version
            continue
        config = make(**{**SIZES, **more})
        config.architectures = [architecture]  # what a model's save_pretrained adds
        config.dtype = "bfloat16"
        if int(transformers.__version__.split(".")[1]) < 56 and transformers.__version__.startswith("4."):
            del config.dtype
            config.torch_dtype = "bfloat16"
        write(os.path.join(out, family + ".json"), saved(config))
        if family == "llama":
            write(os.path.join(out, "full.json"), json.loads(config.to_json_string(use_diff=False)))
            config._model_name_or_path = "Some Model 8k"  # of a GGUF file's general.name
            write(os.path.join(out, "gguf.json"), saved(config))
    tokenizer().save_pretrained(os.path.join(out, "tokenizer"))
    print(out, sorted(os.listdir(out)), sorted(os.listdir(os.path.join(out, "tokenizer"))))


def saved(config):
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
            return json.load(f)


def write(path, config):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f)
        f.write("\n")


def tokenizer():
    """A byte-level tokenizer of 256 bytes, two special tokens and two merges."""
    vocab = {"<|begin|>": 0, "<|end|>": 1}
    for sign in sorted(pre_tokenizers.ByteLevel.alphabet()) + ["\u0120t", "\u0120th"]:
        vocab[sign] = len(vocab)
    made = Tokenizer(models.BPE(vocab, [("\u0120", "t"), ("\u0120t", "h")]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken("<|begin|>", special=True), AddedToken("<|end|>", special=True)])
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<|begin|>", eos_token="<|end|>",
                                                pad_token="<|end|>")
    fast.chat_template = TEMPLATE
    return fast


if __name__ == "__main__":
    main()
