"""Imports a folder of event files by trackio and prints what it then has: {run: [{"step": 1, "train/loss": 0.5}, …]}."""

import contextlib
import json
import os
import sys

os.environ["TRACKIO_DIR"] = sys.argv[2]
import trackio
from trackio.sqlite_storage import SQLiteStorage

with contextlib.redirect_stdout(sys.stderr):
    trackio.import_tf_events(sys.argv[1], project="lidr")
print(json.dumps({run: SQLiteStorage.get_logs("lidr", run) for run in SQLiteStorage.get_runs("lidr")}))
