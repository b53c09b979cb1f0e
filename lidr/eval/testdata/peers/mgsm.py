"""lm-evaluation-harness's verdicts on given answers by its own tasks mgsm_native_cot: for each language, those of its two
filters, as JSON.

usage: mgsm.py ANSWERS.json FOLDER

ANSWERS holds a list of {answer, gold} for each language. FOLDER is for its items and its cache.
"""
import json
import pathlib
import sys

import datasets
import lm_eval
from lm_eval.api.model import LM
from lm_eval.tasks._yaml_loader import load_yaml

datasets.disable_progress_bars()
with open(sys.argv[1], encoding="utf-8") as f:
    answers = json.load(f)
folder = pathlib.Path(sys.argv[2])
yaml = pathlib.Path(lm_eval.__file__).parent / "tasks" / "mgsm" / "native_cot"


class Given(LM):
    """A model that gives the answers."""

    def generate_until(self, requests, disable_tqdm=False):
        return [answers[request.doc["lang"]][request.doc["number"]]["answer"] for request in requests]

    def loglikelihood(self, requests, disable_tqdm=False):
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood


tasks = []
for lang, items in answers.items():
    file = folder / (lang + ".json")
    with open(file, "w", encoding="utf-8") as f:
        for i, item in enumerate(items):
            f.write(json.dumps({"lang": lang, "number": i, "question": "?", "answer": None,
                                "answer_number": int(item["gold"])}) + "\n")
    task = load_yaml(yaml / f"mgsm_native_cot_{lang}.yaml")
    task.pop("tag", None)
    task.update(task=lang, dataset_path="json", dataset_name=None, training_split=None,
                dataset_kwargs={"data_files": {"test": str(file)}, "cache_dir": str(folder / "cache")})
    tasks.append(task)
out = {}
for lang, samples in lm_eval.simple_evaluate(Given(), tasks=tasks, bootstrap_iters=0)["samples"].items():
    out[lang] = {}
    for sample in samples:
        out[lang].setdefault(sample["filter"], {})[sample["doc_id"]] = sample["exact_match"]
json.dump(out, sys.stdout)
