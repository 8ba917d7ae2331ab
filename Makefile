# make help lists what there is to do.

GO            ?= go
GOLANGCI      := v2.15.0
DATA          ?= tracekeep-data
FUZZTIME      ?= 30s
source        := eventschema domain adapters projections cmd
demo_flags    = $(if $(filter-out 0,$(ONCE)),--once) $(if $(filter-out 0,$(JSON)),--json) \
                $(if $(FILE),--file "$(FILE)") $(if $(PEOPLE),--people "$(PEOPLE)") $(if $(ZONE),--zone "$(ZONE)")
bench_flags   = $(if $(ONLY),--only "$(ONLY)") $(if $(filter-out 0,$(LARGE)),--large) $(if $(filter-out 0,$(JSON)),--json)

.DEFAULT_GOAL := help
.PHONY: help demo run test night test/fast lint format check bench fuzz build up clean

help: ## list the commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z\/]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## show the main job on one clock file, then serve it (ONCE=1 ends instead; FILE= PEOPLE= ZONE= take your own; JSON=1)
	@.ci/setup
	@$(GO) run ./cmd/tracekeep demo $(demo_flags)

run: ## serve the data folder (DATA=, default tracekeep-data) until Ctrl-C
	@.ci/setup
	$(GO) run ./cmd/tracekeep serve --data "$(DATA)"

test: ## run every test against the real stores, with the race detector; the fault suites of the event store again, in their thousands, without it
	@.ci/setup --race
	@$(GO) test -race -timeout 25m ./cmd/tracekeep ./... # the longest first, beside all others
	@$(GO) test -timeout 20m -run 'PowerCut|Killed|Damaged|Flipped|DiskCall|DiskRunsFull|FailedSync|Linearizable|SlowConsumers|DoNotRead|MemoryIsBounded' ./adapters/eventnode ./adapters/importer

night: ## run every test with the large counts: kills, power cuts, tamperings by the ten thousand (hours)
	@.ci/setup --race
	@TRACEKEEP_NIGHT=1 $(GO) test -timeout 12h ./...

test/fast: ## run the tests of events, rules and layout only: seconds, no store
	@$(GO) test ./eventschema/... ./domain/... ./cmd

lint: bin/golangci-lint-$(GOLANGCI) ## check format, vet and the linters of .golangci.yml
	@unformatted=$$(gofmt -l $(source)); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	@$(GO) vet ./...
	@$< run

format: ## write every Go file as gofmt does
	@gofmt -w $(source)

check: ## run what CI runs, nothing more and nothing less
	@.ci/run

bench: ## measure this machine against its own limits (ONLY=store,growth,import,rebuild,hours,queries,erasure,keys,trail; of store append,bulk,read,lag; LARGE=1 grows to 10 million events)
	@.ci/setup
	@$(GO) run ./cmd/tracekeep bench $(bench_flags)

fuzz: ## fuzz every target for FUZZTIME each (default 30s)
	@FUZZTIME=$(FUZZTIME) .ci/fuzz --all

build: ## build the commands into bin, without cgo and without this machine's paths
	@CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/...

up: ## start the grown shape with docker compose: KurrentDB, two Postgres, the service
	docker compose up --build

clean: ## remove what was built; records stay
	@rm -rf bin coverage* *.test *.out *.prof

bin/golangci-lint-$(GOLANGCI):
	@mkdir -p bin
	@GOBIN="$(CURDIR)/bin" $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)
	@mv bin/golangci-lint $@
