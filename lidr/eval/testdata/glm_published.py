"""Golden values of alpaca_eval's length_controlled_v1, by its own functions on synthetic verdicts.

    python3 glm_published.py > glm_published.json

Needs alpaca_eval with scikit-learn below 1.8 and numpy below 1.25 (written with 0.6.6, 1.4.2 and 1.24.4), whose
GroupKFold deals out groups of one size as when the leaderboard was made.
"""
import json
import tempfile

import numpy as np
import pandas as pd
from alpaca_eval.metrics import glm_winrate as glm


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def main():
    random, n = np.random.RandomState(3), 60
    difficulty, rows = np.round(random.randn(n), 3), []
    for model, shift in (("concise", 1.2), ("verbose", -1.0)):
        delta = np.round(random.randn(n) + shift, 4)
        p = np.round(sigmoid(-1.2 * delta + 0.8 * difficulty + 0.1 + random.randn(n)), 4)
        rows += [(model, i, p[i], delta[i], difficulty[i], False) for i in range(n)]
    names = ["model", "index", "preference", "std_delta_len", "instruction_difficulty", "not_gamed_baseline"]
    gamed = pd.DataFrame(rows, columns=names)
    len1, len2 = random.randint(200, 2500, n), random.randint(200, 3000, n)
    delta = (len1 - len2) / (len1 - len2).std(ddof=1)
    z = -0.9 * np.tanh(delta) + 0.7 * difficulty - 0.4 + random.randn(n)
    frame = pd.DataFrame({
        "preference": np.round(1 + sigmoid(z), 4),
        "output_1": ["x" * k for k in len1],
        "output_2": ["y" * k for k in len2],
    })
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        gamed.to_csv(file.name, index=False)
        glm.hf_hub_download = lambda **_: file.name  # what it would download
        info = glm.GLM_INFO["length_controlled_v1"]
        train, test, weight = glm._get_featurized_data(frame, info["formula"], info["regularize_to_baseline_lambda"])
    model = glm.fit_LogisticRegressionCV(train, "preference", sample_weight=weight, **info["kwargs"])
    q = model.predict_proba(test)[:, 1]
    print(json.dumps({
        "c": model.C_[0], "weights": list(model.coef_[0]), "win_rate": q.mean(),
        "lc_standard_error": pd.Series(q).sem(), "len_1": len1.tolist(), "len_2": len2.tolist(),
        "preference": frame["preference"].tolist(),
        "gamed": gamed[["index", "preference", "std_delta_len", "instruction_difficulty"]].values.tolist(),
    }, separators=(",", ":")))


main()
