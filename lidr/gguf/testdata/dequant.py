"""Writes dequant.json: random blocks of every quantized type that is read, and the values that gguf-py makes of them.

    python3 -m venv venv && venv/bin/pip install gguf==0.19.0 && venv/bin/python dequant.py > dequant.json
"""
import hashlib, json
import numpy as np
from gguf import GGMLQuantizationType, GGML_QUANT_SIZES
from gguf.quants import dequantize

# Where the float16 scales are in a block, so that random ones are finite; subnormal ones are among them.
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0]}
out, random = {}, np.random.default_rng(1)
for name, scales in SCALES.items():
    kind = GGMLQuantizationType[name]
    size, width = GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (4 if size > 32 else 16, width), dtype=np.uint8)
    for at in scales:
        blocks[:, at + 1] &= 0xBF
        blocks[0, at + 1] &= 0x83
    values = dequantize(blocks, kind).astype("<f4").reshape(-1)
    out[name.lower()] = {"blocks": blocks.tobytes().hex(), "values": len(values), "first": [float(v) for v in values[:4]],
                         "sha256": hashlib.sha256(values.tobytes()).hexdigest()}
print("{\n" + ",\n".join(f'"{name}": {json.dumps(entry)}' for name, entry in out.items()) + "\n}")
