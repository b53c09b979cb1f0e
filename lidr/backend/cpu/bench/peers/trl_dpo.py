"""Trains with TRL's DPOTrainer, DPO+NLL on the processor, in float32, or, with half, in bfloat16. Prints one JSON object.

usage: trl_dpo.py JSON   with the fields model, pairs (rows of prompt, chosen and rejected), rank, batch, steps, lr, beta,
half
"""
import json
import os
import sys
import tempfile
import time

os.environ["HF_HUB_OFFLINE"] = "1"
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import DPOConfig, DPOTrainer

work = json.loads(sys.argv[1])
tokenizer = AutoTokenizer.from_pretrained(work["model"])
dtype = torch.bfloat16 if work["half"] and work["rank"] else torch.float32  # below an adapter; else by autocast
model = AutoModelForCausalLM.from_pretrained(work["model"], dtype=dtype)


def turn(role, text):
    return [{"role": role, "content": text}]


rows = [{"prompt": turn("user", p["prompt"]), "chosen": turn("assistant", p["chosen"]),
         "rejected": turn("assistant", p["rejected"])} for p in work["pairs"]]
adapter = None
if work["rank"]:
    from peft import LoraConfig
    adapter = LoraConfig(r=work["rank"], lora_alpha=2 * work["rank"], lora_dropout=0.0, target_modules="all-linear",
                         task_type="CAUSAL_LM")


class Clock(TrainerCallback):
    def __init__(self):
        self.ends = []

    def on_step_end(self, *args, **kwargs):
        self.ends.append(time.perf_counter())


clock = Clock()
config = DPOConfig(
    output_dir=tempfile.mkdtemp(), per_device_train_batch_size=work["batch"], max_steps=work["steps"],
    learning_rate=work["lr"], lr_scheduler_type="constant", beta=work["beta"], loss_type=["sigmoid", "sft"],
    loss_weights=[1.0, 1.0], max_length=1024, bf16=work["half"], gradient_checkpointing=False, report_to=[], logging_steps=1,
    use_cpu=True, save_strategy="no", disable_tqdm=True)
trainer = DPOTrainer(model=model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
                     peft_config=adapter, callbacks=[clock])
tokens = int(next(iter(trainer.get_train_dataloader()))["attention_mask"].sum())
begin = time.perf_counter()
trainer.train()
margins = [entry["rewards/margins"] for entry in trainer.state.log_history if "rewards/margins" in entry]
print(json.dumps({"seconds": clock.ends[-1] - begin, "tokens": tokens * work["steps"], "margins": margins}))
