#!/bin/sh
# Gets the servers that the tests of package gguf need, and runs these tests: Ollama, built from its Go module (it needs a C++
# compiler), and node-llama-cpp with its prebuilt llama.cpp, where node is there. Both stay in the user's cache.
set -eu
ollama=v0.11.4
llama=3.22.1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/lidr/servers
cd "$(dirname "$0")/.."

LIDR_OLLAMA=$cache/ollama-$ollama/ollama
export LIDR_OLLAMA
if [ ! -x "$LIDR_OLLAMA" ]; then
	echo "building Ollama $ollama, which takes some minutes the first time"
	GOBIN=$(dirname "$LIDR_OLLAMA") GOFLAGS= GOEXPERIMENT= go install "github.com/ollama/ollama@$ollama"
fi

if command -v node >/dev/null && command -v npm >/dev/null; then
	folder=$cache/node-llama-cpp-$llama
	if [ ! -f "$folder/installed" ]; then
		case $(node -p 'process.platform + "-" + process.arch') in
		linux-x64) binary=linux-x64 ;;
		linux-arm64) binary=linux-arm64 ;;
		darwin-arm64) binary=mac-arm64-metal ;;
		darwin-x64) binary=mac-x64 ;;
		*) echo "node-llama-cpp has no prebuilt llama.cpp for this machine"; exit 1 ;;
		esac
		mkdir -p "$folder"
		echo '{"private":true}' >"$folder/package.json"
		# Its optional dependencies are llama.cpp for every kind of GPU; the one for the CPU is enough.
		npm install --prefix "$folder" --omit=optional --ignore-scripts --no-audit --no-fund --silent \
			"node-llama-cpp@$llama" "@node-llama-cpp/$binary@$llama"
		touch "$folder/installed"
	fi
	LIDR_LLAMA_CPP=$folder/node_modules
	export LIDR_LLAMA_CPP
else
	echo "node or npm is missing, so llama.cpp is not tested"
fi

go test -count=1 -timeout 30m -v -run 'Ollama|LlamaCpp' .
