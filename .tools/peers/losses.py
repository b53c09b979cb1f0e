"""Prints losses, rewards and gradients of TRL's own trainers on the log-probabilities of 20 pairs, as a fixture of
lidr/dpo. In the environment "training" (TRL 1.16).

usage: losses.py > lidr/dpo/testdata/losses.json
       losses.py ROWS.json POLICY REFERENCE

Without arguments the log-probabilities are drawn by seed. ROWS.json is a list of "prompt", "chosen" and "rejected", and
the two folders are models, whose log-probabilities transformers computes in float32; then the token ids of prompt and
answers are printed too. Without these, whose texts are not ours, that is losses_real.json, of TestPeersLosses. The
trainers' methods run on a stand-in of the model whose log-probabilities are given, one for each token.
"""
import collections
import json
import sys
import types

import torch
import trl
from trl.experimental.cpo.cpo_trainer import CPOTrainer
from trl.experimental.orpo.orpo_trainer import ORPOTrainer
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_trainer import KTOTrainer

torch.set_num_threads(1)  # threads that wait for each other on a busy machine take minutes
ROWS = 20
ids = None  # prompt, chosen, rejected of each row


def drawn():
    torch.manual_seed(7)
    tokens = torch.randint(1, 40, (2, ROWS))  # chosen, rejected
    logp = -tokens * (0.05 + 2 * torch.rand(2, ROWS)).double()
    ref = (logp + 8 * torch.randn(2, ROWS).double()).clamp(max=-0.01)
    ref[:, 0] = logp[:, 0]  # the first step of a training
    return tokens, logp, ref


def computed(rows, policy, reference):
    global ids
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(policy)
    with open(rows, encoding="utf-8") as f:
        rows = json.load(f)
    assert len(rows) == ROWS
    ids = []
    for row in rows:
        talk = [{"role": "user", "content": row["prompt"]}]
        prompt = tokenizer.apply_chat_template(talk, add_generation_prompt=True, return_dict=False)
        sides = []
        for side in ("chosen", "rejected"):
            whole = tokenizer.apply_chat_template(talk + [{"role": "assistant", "content": row[side]}], return_dict=False)
            assert whole[: len(prompt)] == prompt
            sides.append(whole[len(prompt):])
        ids.append([prompt, *sides])
    sums = []
    for path in (policy, reference):
        model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
        sums.append(torch.zeros(2, ROWS).double())
        for i, (prompt, *sides) in enumerate(ids):
            for side, answer in enumerate(sides):
                with torch.no_grad():
                    logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
                each = torch.log_softmax(logits, -1).gather(1, torch.tensor(answer)[:, None])
                sums[-1][side, i] = each.double().sum()
    return torch.tensor([[len(row[side]) for row in ids] for side in (1, 2)]), *sums


tokens, logp, ref = computed(*sys.argv[1:]) if len(sys.argv) > 1 else drawn()


def stub(**fields):
    same = lambda x: x
    accelerator = types.SimpleNamespace(device="cpu", gather=same, gather_for_metrics=same)
    model = types.SimpleNamespace(training=True)
    return types.SimpleNamespace(
        accelerator=accelerator, model=model, _metrics={"train": collections.defaultdict(list)}, _total_train_tokens=0,
        _tp_size=1, aux_loss_enabled=False, precompute_ref_logps=True, **fields,
    )


def spread(sums, lengths):
    """Log-probabilities by token whose sums are given, [rows, width], and their mask with one token of prompt."""
    width = int(lengths.max())
    inside = torch.arange(width) < lengths[:, None]
    mask = torch.cat([torch.zeros(len(lengths), 1, dtype=torch.long), inside.long()], 1)
    return torch.where(inside, (sums / lengths)[:, None], torch.zeros((), dtype=torch.double)), mask


def outputs(each):
    zeros = torch.zeros_like(each).detach()
    return types.SimpleNamespace(log_probs=each, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool())


def dpo(loss, s, logps, i):
    sums = logps.reshape(-1)
    each, mask = spread(sums, tokens[:, i].reshape(-1))
    inputs = {"input_ids": mask, "attention_mask": mask, "completion_mask": mask, "ref_chosen_logps": ref[0, i:i + 1],
              "ref_rejected_logps": ref[1, i:i + 1]}
    self = stub(loss_types=[loss], loss_weights=[1.0], beta=s["beta"], label_smoothing=s["label_smoothing"],
                ld_alpha=None, f_divergence_type="reverse_kl", use_weighting=False)
    got = DPOTrainer._compute_loss(self, lambda **_: outputs(each), inputs, False)
    m = self._metrics["train"]
    return got, m["rewards/chosen"][0], m["rewards/rejected"][0]


def kto(_, s, logps, i):
    sums = logps.reshape(-1)
    each, mask = spread(sums, tokens[:, i].reshape(-1))
    inputs = {"input_ids": mask, "attention_mask": mask, "completion_mask": mask, "label": torch.tensor([True, False]),
              "ref_logps": ref[:, i], "ref_KL_logps": torch.zeros(2).double()}
    self = stub(loss_type="kto", beta=s["beta"], calculate_KL=True, desirable_weight=1.0, undesirable_weight=1.0)
    self._compute_kl_logps = lambda model, batch: torch.full((2,), s["kl"]).double()
    got = KTOTrainer._compute_loss(self, lambda **_: outputs(each), inputs, False)
    m = self._metrics["train"]
    return got, m["rewards/chosen"][0], m["rewards/rejected"][0]


def cpo(loss, s, logps, i):
    per_token = logps / tokens[:, i] if loss == "simpo" else logps
    self = stub(loss_type=loss, beta=s["beta"], simpo_gamma=s["gamma"], label_smoothing=0.0, alpha=0.0)
    losses, chosen, rejected = CPOTrainer.cpo_loss(self, per_token[:1], per_token[1:])
    return losses[0], chosen.item(), rejected.item()


def orpo(_, s, logps, i):
    per_token = logps / tokens[:, i]
    found = ORPOTrainer.odds_ratio_loss(stub(beta=s["beta"]), per_token[:1], per_token[1:])
    return -found[0][0], found[1].item(), found[2].item()  # the trainer subtracts it


cases = [(loss, dpo, loss, {}) for loss in
         ("sigmoid", "hinge", "ipo", "sigmoid_norm", "apo_zero", "apo_down", "nca_pair")]
cases += [("robust", dpo, "robust", {"label_smoothing": 0.2}), ("kto", kto, "kto", {}), ("kto", kto, "kto", {"kl": 1.5}),
          ("cpo", cpo, "sigmoid", {}), ("orpo", orpo, "", {}),
          ("simpo", cpo, "simpo", {"beta": 2.0, "gamma": 0.5})]
made = []
for name, by, loss, changed in cases:
    s = {"beta": 0.1, "label_smoothing": 0.0, "gamma": 0.0, "kl": 0.0, **changed}
    rows = []
    for i in range(ROWS):
        logps = logp[:, i].clone().requires_grad_()
        value, chosen, rejected = by(loss, s, logps, i)
        gradient, = torch.autograd.grad(value, logps)
        rows.append([float(f"{x:.7g}") for x in (value.item(), chosen, rejected, *gradient.tolist())])
    made.append({"loss": name, **s, "rows": rows})

head = {"made_by": f"TRL {trl.__version__}, torch {torch.__version__}, .tools/peers/losses.py",
        "columns": "loss, rewards/chosen, rewards/rejected, gradient by each log-probability",
        "tokens": tokens.T.tolist()}
if ids:
    head["ids"] = ids
print("{")
for key, value in head.items():
    print(f" {json.dumps(key)}: {json.dumps(value)},")
for key, value in (("logp", logp), ("ref", ref)):
    print(f' "{key}": {json.dumps(value.T.tolist())},')
print(' "losses": [')
print(",\n".join("  " + json.dumps(case) for case in made))
print(" ]\n}")
