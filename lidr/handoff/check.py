"""Says in its last line whether the installed program takes the files beside this one; exit status 1 where it does not.

check.json says what they are. The program's own parsers read its settings, and its own template renders the first pair.
"""
import importlib
import importlib.metadata
import importlib.util
import inspect
import json
import os
import sys
import typing

# The versions that were tried, and the oldest that may do. TRL before 1.0 ends answers twice, and with Transformers 5
# counts prompts as answers.
PROGRAMS = {"llama-factory": ("llamafactory", "0.9.5", (0, 9)), "trl": ("trl", "1.16.0", (1, 0))}


def refuse(text, *what):
    print("check:", " ".join((text % what).split())[:600])
    sys.exit(1)


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        refuse("%s has no package %s; install it there, or put the program's own environment first in PATH",
               sys.executable, package)


def check_machine(want):
    import torch

    if torch.cuda.device_count() < want["gpus"]:
        refuse("this machine shows %d GPUs and Trainer.GPUs is %d; run train.sh where they are, or change it",
               torch.cuda.device_count(), want["gpus"])
    if want["zero3"] and importlib.util.find_spec("deepspeed") is None:
        refuse("deepspeed is missing, which spreads all weights over GPUs; pip install deepspeed")


def check_data(want):
    with open(want["data"], encoding="utf-8") as file:
        lines = file.read().splitlines()
    if len(lines) != want["pairs"]:
        refuse("%s has %d lines, expected %d; hand the round off again", want["data"], len(lines), want["pairs"])
    return json.loads(lines[0])


def check_base(base):
    """The tokenizer of a base that is a folder; one on the hub is left to the program."""
    from transformers import AutoConfig, AutoTokenizer

    if want["hub"]:
        return None
    if not os.path.isfile(os.path.join(base, "config.json")):
        refuse("there is no model in %s; copy it there, or say in Trainer.Base where it is", base)
    AutoConfig.from_pretrained(base)
    return AutoTokenizer.from_pretrained(base)


def check_choices(parsed):
    """Values that the program's dataclasses name, and their parser does not look at."""
    for group in parsed:
        for name, kind in typing.get_type_hints(type(group)).items():
            value = getattr(group, name, None)
            if typing.get_origin(kind) is typing.Literal and value not in typing.get_args(kind):
                refuse("this version has no %s %r, only %s", name, value, ", ".join(map(str, typing.get_args(kind))))


def check_tokens(prompt, answer, template):
    """The first pair as the program renders it is to be the first pair as the model was asked and Train would see it."""
    if not want["prompt"]:
        return
    for side, theirs, ours in ("prompt", prompt, want["prompt"]), ("answer", answer, want["answer"]):
        if list(theirs) != ours:
            at = next((i for i, (a, b) in enumerate(zip(theirs, ours)) if a != b), min(len(theirs), len(ours)))
            refuse("%s renders the first %s otherwise than the model's chat template: %d tokens, expected %d, the first "
                   "difference at %d; say generate.system where a template has a system message of its own, choose "
                   "another Trainer.Template, or another trainer", template, side, len(theirs), len(ours), at)


def check_llama_factory(want, settings):
    from llamafactory import hparams
    from llamafactory.data.template import TEMPLATES, get_template_and_fix_tokenizer
    from transformers import HfArgumentParser

    settings.pop("deepspeed", None)  # which asks for torchrun
    parser = HfArgumentParser((hparams.ModelArguments, hparams.DataArguments, hparams.TrainingArguments,
                               hparams.FinetuningArguments, hparams.GeneratingArguments))
    parsed = parser.parse_dict(settings)
    check_choices(parsed)
    if settings["template"] not in TEMPLATES:
        refuse("this version has no template %r; set Trainer.Template", settings["template"])
    first, tokenizer = check_data(want), check_base(settings["model_name_or_path"])
    if tokenizer is None:
        return
    roles = {"human": "user", "gpt": "assistant", "system": "system"}
    messages = [{"role": roles[m["from"]], "content": m["value"]}
                for m in first["conversations"] + ([first["chosen"]] if "chosen" in first else [])]
    system = messages.pop(0)["content"] if messages[0]["role"] == "system" else None
    template = get_template_and_fix_tokenizer(tokenizer, parsed[1])
    prompt, answer = template.encode_oneturn(tokenizer, messages, system, None)
    if template.efficient_eos:
        answer = answer + [tokenizer.eos_token_id]
    check_tokens(prompt, answer, "template %s" % settings["template"])


def check_trl(want, settings):
    import trl

    script = importlib.import_module("trl.scripts." + want["script"])
    parsed = script.make_parser().parse_args_and_config(["--config", want["config"]], return_remaining_strings=True)
    if parsed[-1]:
        refuse("trl does not know what %s says: %s", want["config"], " ".join(parsed[-1]))
    trainer = inspect.getsource(inspect.getmodule(trl.SFTTrainer if want["script"] == "sft" else trl.DPOTrainer))
    for loss in settings.get("loss_type", []):
        if '"%s"' % loss not in trainer:
            refuse("this version has no loss %r; install a later one, or change train.objective", loss)
    first, tokenizer = check_data(want), check_base(settings["model_name_or_path"])
    if tokenizer is None or isinstance(first["prompt"], str):
        return

    def encode(messages, **more):
        more = {**first.get("chat_template_kwargs", {}), **more}
        return tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True, **more)["input_ids"]

    prompt = encode(first["prompt"], add_generation_prompt=True)
    whole = encode(first["prompt"] + first.get("chosen", first.get("completion")))
    check_tokens(prompt, whole[len(prompt):] if whole[:len(prompt)] == prompt else whole, "the tokenizer here")


def main():
    import yaml

    package, tried, oldest = PROGRAMS[want["program"]]
    installed = version(package)
    if tuple(int(part) for part in installed.split(".")[:2] if part.isdigit()) < oldest:
        refuse("%s is %s; install %s, which was tried, or another from %s", package, installed, tried,
               ".".join(map(str, oldest)))
    check_machine(want)
    with open(want["config"], encoding="utf-8") as file:
        settings = yaml.safe_load(file)
    (check_llama_factory if package == "llamafactory" else check_trl)(want, settings)
    print("check: %s %s (%s was tried), transformers %s takes these %d pairs and %s" %
          (package, installed, tried, version("transformers"), want["pairs"], want["config"]))


if __name__ == "__main__":
    with open("check.json", encoding="utf-8") as file:
        want = json.load(file)
    try:
        main()
    except SystemExit as exit:
        if exit.code:
            raise
    except Exception as error:  # of the program's parsers
        refuse("%s: %s; correct it and try again", want["config"], error or type(error).__name__)
