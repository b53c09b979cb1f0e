"""Trains by TRL or LLaMA-Factory, whichever the environment has, on the pairs of cases in their order, and prints what
they log of every step; the trained weights are in FOLDER/NAME/out.

usage: trajectory.py FOLDER NAME...

FOLDER/NAME/case.json holds "pairs", conversations with two answers; "arguments", those of transformers'
TrainingArguments; the objective, alpha, beta and max_length; and FOLDER/m0 is the model. FOLDER/NAME/adapter, where it
exists, is the adapter to train, in PEFT's form. Everything is in float32, without dropout, on the CPU.
"""
import contextlib
import importlib.util
import json
import os
import sys

import torch
from torch.utils.data import SequentialSampler

torch.set_num_threads(1)  # threads that wait for each other on a busy machine take minutes
LOGGED = ["loss", "grad_norm", "learning_rate", "rewards/chosen", "rewards/rejected", "rewards/margins",
          "rewards/accuracies", "logps/chosen", "logps/rejected"]


def common(folder, case):
    return dict(
        case["arguments"], output_dir=os.path.join(folder, "out"), use_cpu=True, bf16=False, logging_steps=1,
        save_strategy="no", report_to="none", disable_tqdm=True,
    )


def trl(base, folder, case):
    from datasets import Dataset
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    adapter = os.path.join(folder, "adapter")
    if os.path.exists(adapter):
        model = PeftModel.from_pretrained(model, adapter, is_trainable=True)
    turn = lambda text: [{"role": "assistant", "content": text}]
    arguments = dict(common(folder, case), max_length=case["max_length"], gradient_checkpointing=False)
    if case["objective"] == "sft":
        kind, arguments = SFTTrainer, SFTConfig(**arguments)
        rows = [{"prompt": p["prompt"], "completion": turn(p["chosen"])} for p in case["pairs"]]
    else:
        losses, weights = ["sigmoid"], [1.0]
        if case["objective"] == "dpo+nll":
            losses, weights = losses + ["sft"], weights + [case["alpha"]]
        kind, arguments = DPOTrainer, DPOConfig(**arguments, beta=case["beta"], loss_type=losses, loss_weights=weights)
        rows = [{"prompt": p["prompt"], "chosen": turn(p["chosen"]), "rejected": turn(p["rejected"])}
                for p in case["pairs"]]

    class InOrder(kind):
        def _get_train_sampler(self, *_):
            return SequentialSampler(self.train_dataset)

    trainer = InOrder(model=model, args=arguments, train_dataset=Dataset.from_list(rows),
                      processing_class=AutoTokenizer.from_pretrained(base))
    trainer.train()
    trainer.save_model()
    return trainer.state.log_history


def llama_factory(base, folder, case):
    from llamafactory.train.tuner import run_exp

    data = os.path.join(folder, "data")
    os.makedirs(data, exist_ok=True)
    roles = {"system": "system", "user": "human"}
    sft = case["objective"] == "sft"
    rows = []
    for p in case["pairs"]:
        talk = [{"from": roles[m["role"]], "value": m["content"]} for m in p["prompt"]]
        chosen, rejected = ({"from": "gpt", "value": p[side]} for side in ("chosen", "rejected"))
        rows.append({"conversations": talk + [chosen]} if sft else
                    {"conversations": talk, "chosen": chosen, "rejected": rejected})
    with open(os.path.join(data, "rows.json"), "w") as f:
        json.dump(rows, f)
    columns = {"messages": "conversations"} | ({} if sft else {"chosen": "chosen", "rejected": "rejected"})
    with open(os.path.join(data, "dataset_info.json"), "w") as f:
        json.dump({"rows": {"file_name": "rows.json", "formatting": "sharegpt", "ranking": not sft,
                            "columns": columns}}, f)
    arguments = dict(
        common(folder, case), model_name_or_path=base, do_train=True, dataset="rows", dataset_dir=data,
        template="chatml", cutoff_len=case["max_length"], disable_shuffling=True, finetuning_type="full",
        overwrite_cache=True, disable_gradient_checkpointing=True,
    )
    if sft:
        arguments["stage"] = "sft"
    else:
        arguments.update(stage="dpo", pref_loss="sigmoid", pref_beta=case["beta"],
                         pref_ftx=case["alpha"] if case["objective"] == "dpo+nll" else 0.0)
    adapter = os.path.join(folder, "adapter")
    if os.path.exists(adapter):
        arguments.update(finetuning_type="lora", adapter_name_or_path=adapter)
    run_exp(arguments)
    with open(os.path.join(folder, "out", "trainer_state.json")) as f:
        return json.load(f)["log_history"]


folder, names = sys.argv[1], sys.argv[2:]
train = llama_factory if importlib.util.find_spec("llamafactory") else trl
out = {}
with contextlib.redirect_stdout(sys.stderr):
    for name in names:
        at = os.path.join(folder, name)
        with open(os.path.join(at, "case.json")) as f:
            case = json.load(f)
        log = [row for row in train(os.path.join(folder, "m0"), at, case) if "loss" in row]
        out[name] = [{key: row[key] for key in LOGGED if key in row} for row in log]
json.dump(out, sys.stdout)
