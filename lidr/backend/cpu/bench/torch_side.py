"""The PyTorch side of lidr/backend/cpu/bench: the same decoder, batches and steps. Prints one JSON object.

usage: torch_side.py CASE CONFIG   (CASE train, dpo, decode or peak; CONFIG is JSON, as bench writes it)
"""
import json
import math
import sys
import time

import torch
import torch.nn.functional as F

case, cfg = sys.argv[1], json.loads(sys.argv[2])
torch.set_num_threads(cfg["threads"])
if cfg["device"] != "cpu":
    torch.set_default_device(cfg["device"])
    torch.backends.cuda.matmul.allow_tf32 = cfg["tf32"]
torch.manual_seed(1)
V, D, L, H, FF = cfg["vocab"], cfg["hidden"], cfg["layers"], cfg["heads"], cfg["ffn"]
HD = D // H


def weight(out, inp):
    return torch.nn.Parameter(torch.randn(out, inp) * 0.02)


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2 = (torch.nn.Parameter(torch.ones(D)) for _ in range(2))
        self.q, self.k, self.v, self.o = (weight(D, D) for _ in range(4))
        self.gate, self.up, self.down = weight(FF, D), weight(FF, D), weight(D, FF)

    def forward(self, x, cos, sin, mask, cache=None):
        b, t, _ = x.shape
        h = norm(x, self.n1)
        q, k, v = (F.linear(h, w).view(b, t, H, HD).transpose(1, 2) for w in (self.q, self.k, self.v))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if cache is not None:
            if cache:
                k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            cache[:] = [k, v]
        a = q @ k.transpose(-1, -2) * (1 / math.sqrt(HD))
        if mask is not None:
            a = a + mask
        x = x + F.linear((a.softmax(-1) @ v).transpose(1, 2).reshape(b, t, D), self.o)
        h = norm(x, self.n2)
        return x + F.linear(F.silu(F.linear(h, self.gate)) * F.linear(h, self.up), self.down)


def norm(x, w):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * w


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Decoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.norm = weight(V, D), torch.nn.Parameter(torch.ones(D))
        self.blocks = torch.nn.ModuleList(Block() for _ in range(L))
        angle = torch.arange(1024).float()[:, None] * 10000 ** (-torch.arange(HD // 2).float() / (HD // 2))
        self.cos, self.sin = angle.cos(), angle.sin()

    def forward(self, tokens, start=0, cache=None):
        t = tokens.shape[1]
        mask = torch.full((t, t), -1e9).triu(1) if t > 1 else None
        x = F.embedding(tokens, self.embed)
        for i, block in enumerate(self.blocks):
            x = block(x, self.cos[start:start + t], self.sin[start:start + t], mask, cache and cache[i])
        return norm(x, self.norm)


def clock():  # a GPU's work is done only when it is waited for
    if cfg["device"].startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter()


def memory(field):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(field)) / 1024


if case == "peak":
    a, best = torch.rand(1024, 1024), 1e9
    for _ in range(10):
        begin = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - begin)
    print(json.dumps({"gflops": 2 * 1024**3 / best / 1e9}))
    sys.exit()

model = Decoder()
rows, length = cfg["rows"], cfg["length"]
with open("/proc/self/clear_refs", "w") as f:
    f.write("5")  # VmHWM starts anew: loading is not measured
loaded = memory("VmRSS")

if case == "decode":
    with torch.no_grad():
        cache = [[] for _ in range(L)]
        y = model(torch.randint(V, (rows, 32)), 0, cache)
        for i in range(cfg["steps"] + 4):
            if i == 4:
                begin = clock()
            token = F.linear(y[:, -1], model.embed).argmax(-1)
            y = model(token[:, None], 32 + i, cache)
        seconds, tokens = clock() - begin, rows * cfg["steps"]
else:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def logprobs(tokens, first):
        hidden = model(tokens[:, :-1])[:, first:]
        return F.linear(hidden, model.embed).log_softmax(-1).gather(-1, tokens[:, 1 + first:, None]).squeeze(-1)

    def train():
        tokens = torch.randint(V, (rows, length + 1))
        loss = F.cross_entropy(F.linear(model(tokens[:, :-1]), model.embed).view(-1, V), tokens[:, 1:].reshape(-1))
        loss.backward()

    def dpo():  # rows/2 chosen, rows/2 rejected sequences; the first half of each is the prompt; references cached
        tokens = torch.randint(V, (rows, length))
        sums = logprobs(tokens, length // 2 - 1).sum(-1)
        chosen, rejected = sums.chunk(2)
        loss = -F.logsigmoid(0.1 * (chosen - rejected)).mean() - chosen.mean() / (length - length // 2)
        loss.backward()

    step = {"train": train, "dpo": dpo}[case]
    times = []
    for i in range(cfg["steps"] + 2):
        begin = clock()
        optimizer.zero_grad(set_to_none=True)
        step()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if i >= 2:
            times.append(clock() - begin)
    seconds, tokens = sorted(times)[len(times) // 2], rows * length

peak = memory("VmHWM")
print(json.dumps({"tokens_per_second": tokens / seconds, "memory": peak - loaded}))
