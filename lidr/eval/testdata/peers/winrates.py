"""alpaca_eval's win rates of annotations by each of its regressions, as JSON. What it would download, df_gamed.csv, is a
file here.

usage: winrates.py DF_GAMED.csv ANNOTATIONS.json...
"""
import json
import sys
import warnings

import pandas as pd
from alpaca_eval.metrics import glm_winrate as glm

warnings.filterwarnings("ignore")
glm.hf_hub_download = lambda **_: sys.argv[1]
out = []
for path in sys.argv[2:]:
    with open(path, encoding="utf-8") as f:
        annotations = json.load(f)
    rates = {}
    for form in glm.GLM_INFO:
        metrics = glm.get_length_controlled_winrate(pd.DataFrame(annotations), glm_name=form, save_weights_dir=None)
        rates[form] = {key: float(value) for key, value in metrics.items()}
    out.append(rates)
json.dump(out, sys.stdout)
