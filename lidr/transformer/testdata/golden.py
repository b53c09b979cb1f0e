"""Writes golden.json: logits, log-probabilities, gradients and greedy continuations of tiny decoders, one a family, computed with
PyTorch (made with 1.13.1) from the formulas of the Hugging Face implementations. Weights come from a hash, so that the
test can make the same ones: python3 golden.py > golden.json"""
import json, math
import torch
import torch.nn.functional as F
import hashed

torch.set_num_threads(1)

def weight(name, shape): return hashed.weight(name, shape).requires_grad_()

def inv_freq(c):
    inv = 1.0 / (c["rope_theta"] ** (torch.arange(0, c["head_dim"], 2).float() / c["head_dim"]))
    s = c.get("rope_scaling")
    if s:
        old, lo, hi = s["original_max_position_embeddings"], s["low_freq_factor"], s["high_freq_factor"]
        wave = 2 * math.pi / inv
        smooth = (old / wave - lo) / (hi - lo)
        blend = (1 - smooth) * inv / s["factor"] + smooth * inv
        inv = torch.where(wave > old / lo, inv / s["factor"], torch.where(wave < old / hi, inv, blend))
    return inv

def forward(c, w, tok):
    D, H, KV, hd, eps = c["hidden_size"], c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"], c["rms_norm_eps"]
    B, T = tok.shape
    x = w["model.embed_tokens.weight"][tok]
    rms = lambda x, g: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * g
    t = torch.arange(T).float()[:, None] * inv_freq(c)[None]
    t = torch.cat([t, t], -1)
    cos, sin = t.cos(), t.sin()
    rot = lambda x: torch.cat([-x[..., hd // 2:], x[..., :hd // 2]], -1)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        lin = lambda x, n: F.linear(x, w[p + n + ".weight"], w.get(p + n + ".bias"))
        h = rms(x, w[p + "input_layernorm.weight"])
        q = lin(h, "self_attn.q_proj").view(B, T, H, hd)
        k = lin(h, "self_attn.k_proj").view(B, T, KV, hd)
        v = lin(h, "self_attn.v_proj").view(B, T, KV, hd)
        if p + "self_attn.q_norm.weight" in w:
            q, k = rms(q, w[p + "self_attn.q_norm.weight"]), rms(k, w[p + "self_attn.k_norm.weight"])
        q, k, v = [z.transpose(1, 2) for z in (q, k, v)]
        q, k = q * cos + rot(q) * sin, k * cos + rot(k) * sin
        k, v = k.repeat_interleave(H // KV, 1), v.repeat_interleave(H // KV, 1)
        a = (q @ k.transpose(-1, -2)) / math.sqrt(hd) + torch.full((T, T), float("-inf")).triu(1)
        x = x + lin((a.softmax(-1) @ v).transpose(1, 2).reshape(B, T, H * hd), "self_attn.o_proj")
        h = rms(x, w[p + "post_attention_layernorm.weight"])
        x = x + lin(F.silu(lin(h, "mlp.gate_proj")) * lin(h, "mlp.up_proj"), "mlp.down_proj")
    x = rms(x, w["model.norm.weight"])
    return F.linear(x, w["model.embed_tokens.weight" if c["tie_word_embeddings"] else "lm_head.weight"])

def weights(c):
    D, F_, V, hd = c["hidden_size"], c["intermediate_size"], c["vocab_size"], c["head_dim"]
    q, kv = c["num_attention_heads"] * hd, c["num_key_value_heads"] * hd
    shapes = {"model.embed_tokens.weight": (V, D), "model.norm.weight": (D,)}
    if not c["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (V, D)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        shapes.update({p + "input_layernorm.weight": (D,), p + "post_attention_layernorm.weight": (D,),
            p + "self_attn.q_proj.weight": (q, D), p + "self_attn.k_proj.weight": (kv, D), p + "self_attn.v_proj.weight": (kv, D),
            p + "self_attn.o_proj.weight": (D, q), p + "mlp.gate_proj.weight": (F_, D), p + "mlp.up_proj.weight": (F_, D), p + "mlp.down_proj.weight": (D, F_)})
        if c["model_type"] == "qwen2" or c.get("attention_bias"):
            shapes.update({p + f"self_attn.{n}_proj.bias": (s,) for n, s in (("q", q), ("k", kv), ("v", kv))})
        if c.get("attention_bias"):
            shapes[p + "self_attn.o_proj.bias"] = (D,)
        if c["model_type"] == "qwen3":
            shapes.update({p + f"self_attn.{n}_norm.weight": (hd,) for n in "qk"})
    return {n: weight(n, s) for n, s in shapes.items()}

base = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8, intermediate_size=48,
            vocab_size=67, rms_norm_eps=1e-5, max_position_embeddings=256)
configs = {
    "llama3": dict(base, architectures=["LlamaForCausalLM"], model_type="llama", tie_word_embeddings=True, rope_theta=500.0, rope_scaling=dict(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)),
    "llama2": dict(base, architectures=["LlamaForCausalLM"], model_type="llama", tie_word_embeddings=False, rope_theta=10000.0, num_key_value_heads=4),
    "mistral": dict(base, architectures=["MistralForCausalLM"], model_type="mistral", tie_word_embeddings=False, rope_theta=1000000.0,
        num_key_value_heads=1, head_dim=16, sliding_window=None),
    "qwen2.5": dict(base, architectures=["Qwen2ForCausalLM"], model_type="qwen2", tie_word_embeddings=False, rope_theta=1000000.0,
        rms_norm_eps=1e-6, use_sliding_window=False, sliding_window=64, max_window_layers=2),
    "qwen2": dict(base, architectures=["Qwen2ForCausalLM"], model_type="qwen2", tie_word_embeddings=True, rope_theta=10000.0, rms_norm_eps=1e-6),
    "qwen3": dict(base, architectures=["Qwen3ForCausalLM"], model_type="qwen3", tie_word_embeddings=False, rope_theta=10000.0, head_dim=16, num_key_value_heads=1),
    "biased": dict(base, architectures=["LlamaForCausalLM"], model_type="llama", tie_word_embeddings=False, rope_theta=10000.0,
        num_key_value_heads=4, attention_bias=True),
}
rounded = lambda t: [float("%.7g" % x) for x in t.detach().flatten().tolist()]
out = {}
for name, c in configs.items():
    w = weights(c)
    tokens = torch.arange(22).view(2, 11) * 37 % c["vocab_size"]
    logits = forward(c, w, tokens)
    logp = logits[:, :-1].log_softmax(-1).gather(-1, tokens[:, 1:, None])[..., 0]
    scale = 1 + torch.arange(logp.numel()).view(logp.shape).float() / logp.numel()  # an uneven loss, to see every position
    (logp * scale).sum().backward()
    ids = tokens.clone()
    with torch.no_grad():
        for _ in range(16):
            ids = torch.cat([ids, forward(c, w, ids)[:, -1:].argmax(-1)], 1)
    out[name] = {"config": c, "tokens": tokens.tolist(), "last_logits": rounded(logits[:, -1]), "logprobs": rounded(logp),
                 "gradient_norms": {n: float("%.7g" % t.grad.norm().item()) for n, t in sorted(w.items())},
                 "gradient_dots": {n: float("%.7g" % (t.grad * weight(n + "/probe", t.shape)).sum().item()) for n, t in sorted(w.items())},
                 "greedy": ids[:, 11:].tolist()}
print(json.dumps(out, separators=(",", ":")))
