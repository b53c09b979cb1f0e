"""Greedy answers to prompts by the clients that others use, and what else they send, as JSON: by client a list of texts.

usage: clients.py BASE_URL PROMPTS.json
"""
import json
import sys

import openai
from distilabel.models import OpenAILLM
from langchain_openai import ChatOpenAI, OpenAI

base = sys.argv[1]
with open(sys.argv[2], encoding="utf-8") as f:
    prompts = json.load(f)
out = {}

client = openai.OpenAI(base_url=base, api_key="none", max_retries=0)
assert [m.id for m in client.models.list()] == ["miniature"]


def body(prompt):
    return {"model": "miniature", "temperature": 0, "max_tokens": 60, "messages": [{"role": "user", "content": prompt}]}


out["openai chat, n"] = [
    client.chat.completions.create(**body(p), n=2, logprobs=True, top_logprobs=3).choices[1].message.content
    for p in prompts
]
streamed = []
for p in prompts:
    text, usage = "", None
    for chunk in client.chat.completions.create(**body(p), stream=True, stream_options={"include_usage": True}):
        text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        usage = chunk.usage or usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0
    streamed.append(text)
out["openai chat, stream"] = streamed
turns = ["<|im_start|>user\n" + p + "<|im_end|>\n<|im_start|>assistant\n" for p in prompts]
out["openai completions, list of prompts"] = [
    c.text for c in client.completions.create(
        model="miniature", prompt=turns, temperature=0, max_tokens=60, logprobs=1, stop=["<|im_end|>"]).choices
]
echo = client.completions.create(model="miniature", prompt=turns, max_tokens=0, echo=True, logprobs=0).choices
assert [c.text for c in echo] == turns and all(c.logprobs.token_logprobs[0] is None for c in echo)

chat = ChatOpenAI(base_url=base, api_key="none", model="miniature", temperature=0, max_tokens=60, max_retries=0)
out["LangChain ChatOpenAI, batch"] = [m.content for m in chat.batch(prompts)]
out["LangChain ChatOpenAI, stream"] = ["".join(c.content for c in chat.stream(p)) for p in prompts]
raw = OpenAI(base_url=base, api_key="none", model="miniature", temperature=0, max_tokens=60, max_retries=0)
out["LangChain OpenAI, generate"] = [g[0].text for g in raw.generate(turns).generations]
out["LangChain OpenAI, stream"] = ["".join(raw.stream(t)) for t in turns]

llm = OpenAILLM(base_url=base, api_key="none", model="miniature", max_retries=0)
llm.load()
conversations = [[{"role": "user", "content": p}] for p in prompts]
out["distilabel OpenAILLM, two generations"] = [
    o["generations"][1]
    for o in llm.generate_outputs(inputs=conversations, num_generations=2, temperature=0.0, max_new_tokens=60)
]
json.dump(out, sys.stdout)
