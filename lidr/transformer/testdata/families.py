"""Writes families/NAME.json: logits, log-probabilities, gradients and greedy continuations of tiny decoders, computed by
Hugging Face transformers in float32, with the config.json that it writes and the one that its 4.x versions wrote. Weights
come from a hash, so that the test can make the same ones. In the environment of .tools/peers, with transformers 5:

    python families.py [NAME ...]

Made with transformers 5.23.0 and torch 2.15.0."""
import json, math, os, sys, tempfile
import torch, transformers
from transformers import AutoConfig, AutoModelForCausalLM
from hashed import weight

torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))


# Every case has layers of each kind that its family has, and sequences that are longer than its sliding window. There is no
# padding token, as PyTorch computes no gradient for the embedding of one.
sizes = dict(hidden_size=32, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, intermediate_size=48, vocab_size=67,
             max_position_embeddings=256, bos_token_id=2, eos_token_id=1, pad_token_id=None)
full, slide = "full_attention", "sliding_attention"
v4 = {"torch_dtype": "float32", "transformers_version": "4.57.0"}
gemma3 = dict(sizes, model_type="gemma3_text", architectures=["Gemma3ForCausalLM"], head_dim=16, sliding_window=5, query_pre_attn_scalar=20,
              rms_norm_eps=1e-6, layer_types=[slide, slide, full, slide])
longer = [1.5, 2.0, 3.0, 5.0, 8.0, 13.0]
# name: (what transformers 5 is given, what stands in config.json of a 4.x version instead of the keys that 5 renamed)
cases = {
    "gemma3": (
        dict(gemma3, rope_parameters={full: {"rope_type": "default", "rope_theta": 50000.0}, slide: {"rope_type": "default", "rope_theta": 500.0}}),
        dict(rope_theta=50000.0, rope_local_base_freq=500.0, rope_scaling=None, sliding_window_pattern=3, layer_types=None,
             cache_implementation="hybrid", hidden_activation="gelu_pytorch_tanh", attn_logit_softcapping=None,
             final_logit_softcapping=None, attention_bias=False)),
    "gemma3-scaled": (
        dict(gemma3, final_logit_softcapping=7.5, layer_types=[slide, full, full, slide], tie_word_embeddings=False, rope_parameters={
            full: {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0}, slide: {"rope_type": "default", "rope_theta": 10000.0}}),
        dict(rope_theta=1000000.0, rope_local_base_freq=10000.0, rope_scaling={"rope_type": "linear", "factor": 8.0},
             _sliding_window_pattern=6)),
    "gemma2": (
        dict(sizes, model_type="gemma2", architectures=["Gemma2ForCausalLM"], head_dim=16, sliding_window=5, query_pre_attn_scalar=20,
             attn_logit_softcapping=1.5, final_logit_softcapping=6.0, rope_parameters={"rope_type": "default", "rope_theta": 10000.0}),
        dict(rope_theta=10000.0, layer_types=None, cache_implementation="hybrid", hidden_act="gelu_pytorch_tanh")),
    "olmo2": (
        dict(sizes, model_type="olmo2", architectures=["Olmo2ForCausalLM"], rms_norm_eps=1e-6,
             rope_parameters={"rope_type": "default", "rope_theta": 500000.0}),
        dict(rope_theta=500000.0, rope_scaling=None)),
    "granite": (
        dict(sizes, model_type="granite", architectures=["GraniteForCausalLM"], embedding_multiplier=3.0, residual_multiplier=0.5,
             attention_multiplier=0.2, logits_scaling=2.0, tie_word_embeddings=True, attention_bias=True,
             rope_parameters={"rope_type": "default", "rope_theta": 10000.0}),
        dict(rope_theta=10000.0, rope_scaling=None)),
    "smollm3": (
        dict(sizes, model_type="smollm3", architectures=["SmolLM3ForCausalLM"], no_rope_layer_interval=3,
             rope_parameters={"rope_type": "default", "rope_theta": 5000000.0}),
        dict(rope_theta=5000000.0, rope_scaling=None, layer_types=None, max_window_layers=28)),
    "smollm3-sliding": (
        dict(sizes, model_type="smollm3", architectures=["SmolLM3ForCausalLM"], no_rope_layers=[1, 0, 0, 1], use_sliding_window=True,
             sliding_window=5, tie_word_embeddings=False, rope_parameters={"rope_type": "default", "rope_theta": 2000000.0}),
        dict(rope_theta=2000000.0, layer_types=None)),
    "phi3": (
        dict(sizes, model_type="phi3", architectures=["Phi3ForCausalLM"], sliding_window=5,
             rope_parameters={"rope_type": "default", "rope_theta": 10000.0}),
        dict(rope_theta=10000.0, rope_scaling=None, original_max_position_embeddings=4096)),
    "phi4-mini": (  # within the original length, as far as the greedy continuation goes
        dict(sizes, model_type="phi3", architectures=["Phi3ForCausalLM"], num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True,
             original_max_position_embeddings=48, partial_rotary_factor=0.75, rope_parameters={
                 "rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0, 1.1, 1.2, 1.3, 1.5, 2.0], "long_factor": longer}),
        dict(rope_theta=10000.0, rope_scaling={"type": "longrope", "short_factor": [1.0, 1.1, 1.2, 1.3, 1.5, 2.0], "long_factor": longer},
             partial_rotary_factor=0.75)),
    "phi4-mini-long": (  # beyond it
        dict(sizes, model_type="phi3", architectures=["Phi3ForCausalLM"], num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True,
             original_max_position_embeddings=16, partial_rotary_factor=0.75, rope_parameters={
                 "rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0] * 6, "long_factor": longer}),
        dict(rope_theta=10000.0, rope_scaling={"type": "longrope", "short_factor": [1.0] * 6, "long_factor": longer},
             partial_rotary_factor=0.75)),
    "cohere2": (
        dict(sizes, model_type="cohere2", architectures=["Cohere2ForCausalLM"], sliding_window=5, logit_scale=0.5, layer_types=[slide, full] * 2,
             rope_parameters={"rope_type": "default", "rope_theta": 50000.0}),
        dict(rope_theta=50000.0, rope_scaling=None, layer_types=None, sliding_window_pattern=2, cache_implementation="hybrid")),
    "cohere": (
        dict(sizes, model_type="cohere", architectures=["CohereForCausalLM"], logit_scale=0.5, attention_bias=True,
             rope_parameters={"rope_type": "default", "rope_theta": 10000.0}),
        dict(rope_theta=10000.0)),
    "mistral-sliding": (
        dict(sizes, model_type="mistral", architectures=["MistralForCausalLM"], sliding_window=5, tie_word_embeddings=False, head_dim=8,
             rope_parameters={"rope_type": "default", "rope_theta": 10000.0}),
        dict(rope_theta=10000.0)),
    "qwen2-sliding": (
        dict(sizes, model_type="qwen2", architectures=["Qwen2ForCausalLM"], use_sliding_window=True, sliding_window=5, max_window_layers=2,
             rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}),
        dict(rope_theta=1000000.0, rope_scaling=None, layer_types=None)),
    "qwen3-sliding": (
        dict(sizes, model_type="qwen3", architectures=["Qwen3ForCausalLM"], use_sliding_window=True, sliding_window=5, head_dim=16,
             layer_types=[slide, full, slide, full], rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}),
        dict(rope_theta=1000000.0, rope_scaling=None)),
}


def build(config):
    """A model of config whose weights are the hash of their names, in float32."""
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        for name, p in model.named_parameters():  # a tied head is listed once
            p.copy_(weight(name, tuple(p.shape)))
    return model


def logits(model, ids):
    return model(input_ids=ids, use_cache=False).logits


rounded = lambda t: [float("%.7g" % x) for x in t.detach().flatten().tolist()]


def case(name):
    given, older = cases[name]
    model = build(AutoConfig.for_model(**given))
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        written = json.load(open(os.path.join(folder, "config.json")))
        again = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
        old = {k: v for k, v in written.items() if k not in ("rope_parameters", "dtype", "transformers_version")} | v4 | older
        old = {k: v for k, v in old.items() if not (k == "layer_types" and v is None)}
        json.dump(old, open(os.path.join(folder, "config.json"), "w"))
        before = build(AutoConfig.from_pretrained(folder))
    tokens = torch.arange(38).view(2, 19) * 37 % given["vocab_size"]
    out = logits(model, tokens)
    for other in (again, before):
        assert torch.equal(logits(other, tokens), out), name
    logp = out[:, :-1].log_softmax(-1).gather(-1, tokens[:, 1:, None])[..., 0]
    scale = 1 + torch.arange(logp.numel()).view(logp.shape).float() / logp.numel()  # an uneven loss, to see every position
    (logp * scale).sum().backward()
    ids, margin = tokens.clone(), math.inf
    with torch.no_grad():
        for _ in range(20):
            best = logits(model, ids)[:, -1].topk(2, -1)
            margin = min(margin, (best.values[:, 0] - best.values[:, 1]).min().item())
            ids = torch.cat([ids, best.indices[:, :1]], 1)
    assert margin > 2e-4, f"{name}: the greedy continuation hangs on {margin}"
    grads = sorted((n, p.grad) for n, p in model.named_parameters())
    result = {"config": written, "config_v4": old, "tokens": tokens.tolist(), "last_logits": rounded(out[:, -1]), "logprobs": rounded(logp),
              "gradient_norms": {n: float("%.7g" % g.norm().item()) for n, g in grads},
              "gradient_dots": {n: float("%.7g" % (g * weight(n + "/probe", tuple(g.shape))).sum().item()) for n, g in grads},
              "greedy": ids[:, tokens.shape[1]:].tolist()}
    os.makedirs(os.path.join(here, "families"), exist_ok=True)
    with open(os.path.join(here, "families", name + ".json"), "w") as f:
        json.dump(result, f, separators=(",", ":"))
        f.write("\n")
    print(f"{name}: logits up to {out.abs().max():.3g}, least margin {margin:.3g}, transformers {transformers.__version__}")


for name in sys.argv[1:] or cases:
    case(name)
