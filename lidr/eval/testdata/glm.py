"""Golden values of the length-controlled regression, by scikit-learn's liblinear.

    python3 glm.py [ANNOTATIONS.json] > glm.json

Needs numpy and python3-sklearn (written with Debian's 1.24.2 and 1.2.1). The verdicts are synthetic. With a published
annotations file its minimal form is added, as numbers only. The cross-validation is written out, since scikit-learn 1.2
cannot hand the probabilities to a scorer; "c" is the C by its GroupKFold, whose order among groups of one size depends
on numpy's sort (numpy's for processors without AVX-512 is meant), and "stable_c" the C by the folds of a stable sort.
"""
import json
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def fit(x, p, c, **settings):
    """Each item twice: label 1 with weight p, label 0 with weight 1 - p."""
    model = LogisticRegression(C=c, penalty="l1", solver="liblinear", fit_intercept=False, random_state=123, **settings)
    y = np.repeat([1, 0], len(p))
    model.fit(np.concatenate([x, x]), y, sample_weight=np.concatenate([p, 1 - p]))
    return model.coef_[0]


def cross_validated(x, p, folds):
    grid, losses = np.logspace(-4, 4, 10), []
    for c in grid:
        held_out = []
        for f in range(5):
            q = np.clip(sigmoid(x[folds == f] @ fit(x[folds != f], p[folds != f], c)), 1e-15, 1 - 1e-15)
            t = p[folds == f]
            held_out.append(-np.mean(t * np.log(q) + (1 - t) * np.log(1 - q)))
        losses.append(np.mean(held_out))
    return grid[np.argmin(losses)]


def result(len1, len2, p, difficulty):
    delta = len1 - len2
    n = len(p)
    columns = [np.tanh(delta / delta.std(ddof=1)), np.ones(n)]
    if difficulty is not None:
        columns.insert(1, difficulty)
    x = np.stack(columns, axis=1)
    folds = np.arange(n) % 5
    grouped = np.empty(n, int)
    for f, (_, test) in enumerate(GroupKFold(5).split(x, groups=np.arange(n))):
        grouped[test] = f
    c = cross_validated(x, p, grouped)
    at_same_length = x.copy()
    at_same_length[:, 0] = 0
    out = {"c": c, "stable_c": cross_validated(x, p, folds)}
    for name, settings in ("default", {}), ("tight", {"tol": 1e-9, "max_iter": 2000}):
        w = fit(x, p, c, **settings)
        q = sigmoid(at_same_length @ w)
        out[name] = {"weights": w.tolist(), "win_rate": q.mean(), "lc_standard_error": q.std(ddof=1) / np.sqrt(n)}
    return out


def main():
    random, cases = np.random.RandomState(7), []
    for name, n, length, hard, base, full, certain in [
        ("minimal", 200, -1.0, 0.0, 0.3, False, False),
        ("full", 200, -0.8, 1.2, -0.5, True, False),
        ("certain verdicts", 150, -0.6, 0.0, 0.4, False, True),
        ("noise", 60, 0.0, 0.0, 0.0, True, True),
        ("one-sided", 120, -0.5, 0.5, 4.0, True, False),
    ]:
        len1, len2 = random.randint(200, 2500, n), random.randint(200, 3000, n)
        difficulty = np.round(random.randn(n), 3)
        delta = len1 - len2
        z = length * np.tanh(delta / delta.std(ddof=1)) + hard * difficulty + base
        p = sigmoid(z + random.randn(n))
        p = (random.rand(n) < p).astype(float) if certain else np.round(p, 4)
        case = {"name": name, "len_1": len1.tolist(), "len_2": len2.tolist(), "preference": (1 + p).round(4).tolist()}
        if full:
            case["difficulty"] = difficulty.tolist()
        p = np.array(case["preference"]) - 1
        cases.append(case | result(len1, len2, p, difficulty if full else None))
    golden = {"cases": cases}
    if len(sys.argv) > 1:
        rows = json.load(open(sys.argv[1]))
        len1, len2 = (np.array([len(r[k]) for r in rows]) for k in ("output_1", "output_2"))
        golden["published"] = result(len1, len2, np.array([r["preference"] for r in rows]) - 1, None)
    json.dump(golden, sys.stdout, indent=None, separators=(",", ":"))
    print()


main()
