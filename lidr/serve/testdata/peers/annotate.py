"""alpaca_eval's pairwise annotator with a judge behind a server: the preference of each pair, as JSON. The outputs are
shown in the order in which they are given.

usage: annotate.py BASE_URL PAIRS.json TEMPLATE FOLDER
"""
import json
import os
import pathlib
import sys

base, pairs, template, folder = sys.argv[1:]
folder = pathlib.Path(folder)
os.environ["OPENAI_API_BASE"], os.environ["OPENAI_API_KEYS"] = base, "none"
os.environ["OPENAI_CLIENT_CONFIG_PATH"] = str(folder / "none.yaml")

from alpaca_eval.annotators import PairwiseAnnotator  # noqa: E402, it reads the variables

(folder / "judge").mkdir()
(folder / "prompt.txt").write_text(template, encoding="utf-8")
# AlpacaEval 2's configuration, weighted_alpaca_eval_gpt4_turbo, but for model, prompt and order.
config = {"judge": {
    "prompt_template": str(folder / "prompt.txt"), "fn_completions": "openai_completions",
    "completions_kwargs": {"model_name": "miniature", "max_tokens": 1, "temperature": 1, "logprobs": True,
                           "top_logprobs": 5, "price_per_token": 0},
    "fn_completion_parser": "logprob_parser",
    "completion_parser_kwargs": {"numerator_token": "m", "denominator_tokens": ["m", "M"], "is_binarize": False},
    "completion_key": "completions_all", "batch_size": 1, "is_randomize_output_order": False,
}}
(folder / "judge" / "configs.yaml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
annotator = PairwiseAnnotator(annotators_config=str(folder / "judge" / "configs.yaml"), caching_path=None)
with open(pairs, encoding="utf-8") as f:
    annotated = annotator(json.load(f))
json.dump([row["preference"] for row in annotated], sys.stdout)
