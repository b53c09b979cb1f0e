# Go and make are all that is needed; modules come through the Go module proxy.
#
#   make demo       two rounds on the embedded model, report at the end   (FLAGS=--full: 1,000 prompts a round)
#   make notebook   set up the notebooks' kernel, and open Jupyter on them (as root, Debian's Jupyter is installed)
#   make notebooks  run all notebooks again in place: git diff shows what changed
#   make test       everything that must hold
#   make bench      speed of training, prefill, decoding and each step of a round
#   make controls   the method beside its controls, the table of the README
#   make study      the same over several pretrained seeds, two rounds, full size: hours
#   make miniature  pretrain the embedded model again from its seed
#   make symbols    what scripts see, after a change of exported names
#   make lint       formatting and vet

LIDR := bin/lidr
FLAGS ?=

.PHONY: demo notebook notebooks jupyter test bench controls study miniature symbols lint build

demo: build
	$(LIDR) demo $(FLAGS)

build:
	@go build -o $(LIDR) ./lidr/cmd/lidr

notebook: build jupyter
	$(LIDR) kernel install --gopls
	cd notebooks && jupyter notebook $$(if [ "$$(id -u)" = 0 ]; then echo --allow-root; fi)

notebooks: build jupyter
	$(LIDR) kernel install
	jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False notebooks/*.ipynb

jupyter:
	@if ! command -v jupyter >/dev/null; then \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends jupyter-notebook jupyter-nbconvert; \
	else echo "Jupyter is missing: sudo apt-get install jupyter-notebook jupyter-nbconvert, or pip install notebook"; exit 1; fi; fi

test: lint
	go test ./...

lint:
	@unformatted="$$(gofmt -l datasets lidr notebooks plots scripts)"; \
	if [ -n "$$unformatted" ]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...

bench:
	go test -run '^$$' -bench . -benchtime 2s ./lidr/transformer ./lidr/lm/local ./lidr/dpo
	go test -run '^$$' -bench Round -benchtime 1x ./lidr

controls: build
	go run ./scripts/controls $(FLAGS)

miniature: build
	$(LIDR) pretrain --out datasets/miniature/m0 $(FLAGS)

study: build
	go run ./scripts/study $(FLAGS)

symbols:
	CGO_ENABLED=0 go generate ./lidr/script/symbols
