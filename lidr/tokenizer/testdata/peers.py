"""Says what Hugging Face's tokenizers and transformers make of texts and conversations.

    python peers.py TEXTS.json CHATS.json OUT FOLDER... [-- TEMPLATE.jinja...]

For each model folder it writes OUT/FOLDER.json: the ids of every text, of the first three as documents, and the decoded
texts; and what its chat template makes of every conversation. For each template alone OUT/TEMPLATE.jinja.json holds the
conversations only.
"""

import datetime
import json
import os
import sys

from tokenizers import Tokenizer
from transformers.utils import chat_template_utils


class Clock(datetime.datetime):
    """The date that package tokenizer gives to templates."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26)


chat_template_utils.datetime = Clock


def named(folder):
    """The special tokens by their names in templates, and the template."""
    path = os.path.join(folder, "tokenizer_config.json")
    config = json.load(open(path, encoding="utf-8")) if os.path.exists(path) else {}
    names = {}
    for name in ("bos_token", "eos_token", "pad_token", "unk_token"):
        token = config.get(name)
        if token:
            names[name] = token["content"] if isinstance(token, dict) else token
    template = config.get("chat_template")
    path = os.path.join(folder, "chat_template.jinja")
    if os.path.exists(path):
        template = open(path, encoding="utf-8").read()
    if isinstance(template, list):
        template = {t["name"]: t["template"] for t in template}["default"]
    return names, template


def render(template, chats, names):
    out = []
    for messages in chats:
        for add in (True, False):
            for thinking in (False, True):
                answer = {"messages": messages, "add": add, "thinking": thinking}
                try:
                    texts, _ = chat_template_utils.render_jinja_template(
                        [messages], chat_template=template, add_generation_prompt=add, enable_thinking=thinking, **names
                    )
                    answer["text"] = texts[0]
                except Exception as e:
                    answer["error"] = str(e) or type(e).__name__
                out.append(answer)
    return out


def main():
    texts, chats = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:3])
    out, folders = sys.argv[3], sys.argv[4:]
    templates = []
    if "--" in folders:
        i = folders.index("--")
        folders, templates = folders[:i], folders[i + 1 :]
    for folder in folders:
        tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        answer = {"ids": [], "decoded": []}
        for text in texts:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            answer["ids"].append(ids)
            answer["decoded"].append(tokenizer.decode(ids))
        answer["document"] = [tokenizer.encode(text).ids for text in texts[:3]]
        names, template = named(folder)
        if template:
            answer["chats"] = render(template, chats, names)
        write(out, folder, answer)
    for path in templates:
        template = open(path, encoding="utf-8").read()
        names = {"bos_token": "<s>", "eos_token": "</s>"}
        write(out, path, {"chats": render(template, chats, names)})


def write(out, path, answer):
    with open(os.path.join(out, os.path.basename(path) + ".json"), "w", encoding="utf-8") as f:
        json.dump(answer, f)


main()
