"""Reads cards by huggingface_hub and a data set by datasets, and prints what they found as JSON.

usage: cards.py MODEL_CARD ADAPTER_CARD DATA_SET_FOLDER PAGE_CARD
"""
import json
import sys

import datasets
import huggingface_hub
import yaml
from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results

model, adapter, folder, page = sys.argv[1:]


def read(path):
    return open(path, encoding="utf-8").read()


def front(path):
    return yaml.safe_load(read(path).split("\n---\n", 1)[0].removeprefix("---\n"))


card = huggingface_hub.ModelCard(read(model))  # raises where the model-index is not one
index = front(model)["model-index"]
name, results = model_index_to_eval_results(index)
again = eval_results_to_model_index(name, results)
out = {
    "name": name,
    "results": [[r.dataset_config, r.metric_type, r.metric_value, r.metric_args["n"]] for r in results],
    "round_trip": again == index and card.data.eval_results == results,
    "language": card.data.language,
    "license": card.data.license,
    "adapter": huggingface_hub.ModelCard(read(adapter)).data.library_name,
    "page": front(page)["sdk"],
}

pairs = huggingface_hub.DatasetCard(read(folder + "/README.md"))
out["pairs_language"] = pairs.data.language
out["pairs_license"] = pairs.data.license
out["configs"] = datasets.get_dataset_config_names(folder)
loaded = datasets.load_dataset(folder, out["configs"][0], split="train")
out["columns"] = loaded.column_names
out["dtypes"] = [f.dtype for f in loaded.features.values()]
out["rows"] = [dict(row) for row in loaded]
print(json.dumps(out))
