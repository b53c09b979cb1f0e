"""Prints the scalars of a folder of TensorBoard's event files as its own reader has them: {run: {tag: [[step, value]]}}."""

import json
import os
import sys

from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

everything = {"scalars": 0, "tensors": 0}
runs = EventMultiplexer(size_guidance=everything).AddRunsFromDirectory(sys.argv[1]).Reload()
found = {}
for run, tags in runs.Runs().items():
    name = os.path.basename(run)
    found[name] = {}
    for tag in tags["scalars"]:
        found[name][tag] = [[e.step, e.value] for e in runs.Scalars(run, tag)]
    for tag in tags["tensors"]:  # the reader turns scalars into tensors
        found[name][tag] = [[e.step, e.tensor_proto.float_val[0]] for e in runs.Tensors(run, tag)]
print(json.dumps(found))
