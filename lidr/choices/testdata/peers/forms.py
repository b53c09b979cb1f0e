"""What lm-eval's own task files make of records: of every language of belebele and of global_mmlu, the question, the
choices and the right one.

usage: forms.py RECORDS.json

RECORDS.json holds a record of each, by these names.
"""
import glob
import json
import os
import sys

import lm_eval
import yaml
from lm_eval.utils import apply_template

with open(sys.argv[1], encoding="utf-8") as f:
    records = json.load(f)
tasks = os.path.join(os.path.dirname(lm_eval.__file__), "tasks")


def load(path):
    with open(path, encoding="utf-8") as f:
        task = yaml.safe_load(f)
    if "include" in task:
        task = {**load(os.path.join(os.path.dirname(path), task["include"])), **task}
    return task


def asked(task, record):
    target = task["doc_to_target"]
    target = record[target] if target in record else apply_template(target, record)
    return {"text": apply_template(task["doc_to_text"], record), "choices": task["doc_to_choice"], "target": target,
            "split": task["test_split"], "path": task["dataset_path"]}


out = {"belebele": {}, "global_mmlu_lite": {}}
for path in glob.glob(os.path.join(tasks, "belebele", "belebele_*.yaml")):
    task = load(path)
    out["belebele"][task["dataset_name"]] = asked(task, records["belebele"])
for path in glob.glob(os.path.join(tasks, "global_mmlu", "default", "*", "_*_template_yaml")):
    task = load(path)
    out["global_mmlu_lite"][task["dataset_name"]] = asked(task, records["global_mmlu_lite"])
json.dump(out, sys.stdout)
