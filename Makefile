# Go and make are all that is needed; modules come through the Go module proxy.
#
#   make demo       two rounds on the embedded model, report at the end   (FLAGS=--full: 1,000 prompts a round)
#   make test       everything that must hold
#   make bench      speed of training, prefill, decoding and each step of a round
#   make controls   the method beside its controls, the table of the README
#   make study      the same over several pretrained seeds, two rounds, full size: hours
#   make miniature  pretrain the embedded model again from its seed
#   make lint       formatting and vet

LIDR := bin/lidr
FLAGS ?=

.PHONY: demo test bench controls study miniature lint build

demo: build
	$(LIDR) demo $(FLAGS)

build:
	@go build -o $(LIDR) ./lidr/cmd/lidr

test: lint
	go test ./...

lint:
	@unformatted="$$(gofmt -l datasets lidr plots scripts)"; \
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
