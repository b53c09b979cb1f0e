"""Prints all metrics of an MLflow server's experiment by MLflow's own client: {run: {key: [[step, value]]}}, and of each
run its parent's name and its status as "parent" and "status"."""

import json
import sys

from mlflow.tracking import MlflowClient

client = MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name("lidr")
runs = client.search_runs([experiment.experiment_id])
names = {run.info.run_id: run.info.run_name for run in runs}
assert len(names) == len(set(names.values())), "two runs of one name"
found = {}
for run in runs:
    metrics = {
        key: [[m.step, m.value] for m in sorted(client.get_metric_history(run.info.run_id, key), key=lambda m: m.step)]
        for key in run.data.metrics
    }
    parent = names.get(run.data.tags.get("mlflow.parentRunId"))
    found[run.info.run_name] = {"metrics": metrics, "parent": parent, "status": run.info.status}
print(json.dumps(found))
