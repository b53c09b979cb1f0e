"""Weights that depend on their names and shapes alone, so that the tests can make the same ones."""
import numpy as np, torch


def weight(name, shape):
    """Uniform values in [-a, a): FNV-1a of the name, mixed with the index (splitmix64), 24 bits of it."""
    h = 14695981039346656037
    for c in name.encode():
        h = (h ^ c) * 1099511628211 % 2**64
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    u = (z >> np.uint64(40)).astype(np.float32) / np.float32(2**23) - np.float32(1)
    if name.endswith("norm.weight"):
        u = np.float32(1) + u / np.float32(4)
    elif len(shape) == 2:
        u = u * np.float32(0.25)
    return torch.from_numpy(u.reshape(shape))
