"""lm-evaluation-harness on local files: its own tasks m_mmlu, hellaswag, arc and truthfulqa of Okapi in German, and a
perplexity of ours. Prints by task the log-likelihood and greediness of each choice, and the metrics of each item.

usage: harness.py DATA MODEL ARGUMENTS.json

DATA is a folder as lidr's choices.Ask reads it, and texts.jsonl for the perplexity.
"""
import json
import pathlib
import sys

import datasets
import lm_eval
from lm_eval.tasks._yaml_loader import load_yaml

datasets.disable_progress_bars()
data, model, arguments = pathlib.Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
okapi = pathlib.Path(lm_eval.__file__).parent / "tasks" / "okapi"


def task(name, config, **files):
    config.pop("tag", None)
    config.update(task=name, dataset_path="json", dataset_name=None, dataset_kwargs={
        "data_files": {split: str(data / file) for split, file in files.items()}, "cache_dir": str(data / "cache"),
    })
    for split in ("training", "validation", "test", "fewshot"):
        wanted = config.get(split + "_split")
        if wanted and wanted not in files:
            config[split + "_split"] = None
    return config


tasks = [
    task("m_mmlu", load_yaml(okapi / "mmlu_multilingual" / "_default_yaml"), test="m_mmlu/de_test.json",
         train="m_mmlu/de_dev.jsonl") | {"num_fewshot": 2},
    task("m_hellaswag", load_yaml(okapi / "hellaswag_multilingual" / "_hellaswag_yaml"),
         validation="m_hellaswag/de_validation.jsonl"),
    task("m_arc", load_yaml(okapi / "arc_multilingual" / "_arc_yaml"), test="m_arc/de_test.jsonl"),
    task("mc1", load_yaml(okapi / "truthfulqa_multilingual" / "_truthfulqa_mc1_yaml"), val="m_truthfulqa/de.jsonl"),
    task("mc2", load_yaml(okapi / "truthfulqa_multilingual" / "_truthfulqa_mc2_yaml"), val="m_truthfulqa/de.jsonl"),
    task("perplexity", {
        "output_type": "loglikelihood_rolling", "test_split": "test", "doc_to_text": "", "doc_to_target": "{{text}}",
        "metric_list": [{"metric": "word_perplexity"}, {"metric": "byte_perplexity"}, {"metric": "bits_per_byte"}],
    }, test="texts.jsonl"),
]
results = lm_eval.simple_evaluate(model, arguments, tasks, batch_size=4, device="cpu", bootstrap_iters=0)
out = {}
for name, samples in results["samples"].items():
    samples.sort(key=lambda sample: sample["doc_id"])
    out[name] = [{
        "choices": [[r[0], bool(r[1])] if isinstance(r, (list, tuple)) else [r, False] for r in sample["filtered_resps"]],
        "metrics": {key: sample[key] for key in ("acc", "acc_norm") if key in sample},
    } for sample in samples]
out["perplexity"].append({"metrics": {
    key.split(",")[0]: value for key, value in results["results"]["perplexity"].items()
    if isinstance(value, float)
}})
json.dump(out, sys.stdout)
