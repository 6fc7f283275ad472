# The front door.  Thin: what takes more than a line is in scripts/ or in CMake.
# Output goes to out/ and nowhere else; build/ is for the container build.

SHELL := /bin/bash
.DEFAULT_GOAL := release
# Every target is a command: none of them is the name of a file.
.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.*\#\# .*/\1/p' $(firstword $(MAKEFILE_LIST)))

# For make fuzz: seconds for each target, which targets (default: all), and libfuzzer or afl.
T ?= 60
TARGET ?=
ENGINE ?= libfuzzer

PREFIX ?= /usr/local
DESTDIR ?=
MINUTES ?= 30

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

release: ## build out/release/go-id and libsonyflake (the default)
	@scripts/install_packages.sh build
	@scripts/build.sh release

run: release ## install what is missing, build, serve on 127.0.0.1:7001 (state in out/state)
	@mkdir -p out/state
	STATE_DIRECTORY="$${STATE_DIRECTORY:-$(CURDIR)/out/state}" exec out/release/go-id serve

test: ## install what is missing, build, run every test; ends with a summary line
	@scripts/install_packages.sh build test faults node browser deb proxies static oci
	@scripts/test.sh

faults: ## the fault suite at length: clocks, crashes, disks, clones; prints a report
	@scripts/install_packages.sh build test faults
	@scripts/build.sh test
	GO_ID=out/test/go-id GO_ID_FAULTS=long scripts/pytest.sh --once faults tests/faults

e2e: ## the container end to end: real LXD, BTRFS and systemd, in namespaces (needs root)
	@scripts/install_packages.sh build container e2e
	@scripts/e2e.sh

abuse: ## hostile clients and scarce resources, at length; prints what a good client saw
	@scripts/install_packages.sh build test
	@scripts/build.sh test
	GO_ID=out/test/go-id GO_ID_ABUSE=long scripts/pytest.sh --once abuse tests/abuse

soak: ## a daemon under load, killed, its clock set, its log rotated, for MINUTES=30; a verdict
	@scripts/install_packages.sh build test
	@scripts/build.sh test
	GO_ID=out/test/go-id PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/soak/soak.py $(MINUTES)

sbom: release ## write out/release/go-id.spdx.json: what is in the binary, and what made it
	@scripts/sbom.py out/release/go-id --output out/release/go-id.spdx.json
	@echo out/release/go-id.spdx.json

proof: ## search every state of the models of generator and mark (about a minute)
	@scripts/install_packages.sh proof
	@tests/proof/run.sh

mutants: ## break the code on purpose, a line at a time: does a test notice each?
	@scripts/install_packages.sh build test faults
	@tests/mutation/run.py

fuzz: ## run the fuzz targets: T=60 seconds each, TARGET="head body", ENGINE=afl
	@scripts/install_packages.sh build test fuzz
	@scripts/fuzz.sh --seconds "$(T)" --engine "$(ENGINE)" $(TARGET)

differential: ## our HTTP parser beside Node's: docs/http_strictness.md
	@scripts/install_packages.sh build test node
	@scripts/build.sh test
	GO_ID=out/test/go-id scripts/pytest.sh --once differential tests/differential

proxies: ## shards behind real HAProxy and nginx, configured as docs/deploy has them
	@scripts/install_packages.sh build test proxies
	@scripts/build.sh test
	GO_ID=out/test/go-id scripts/pytest.sh --once proxies tests/proxies

coverage: ## lines of lib/ and server/http/ that unit tests and fuzz seeds run (at least 95 %)
	@scripts/install_packages.sh build test coverage
	@scripts/coverage.sh

memcheck: ## the unit tests under valgrind
	@scripts/install_packages.sh build test
	@scripts/memcheck.sh

sanitizers: ## unit tests and the whole service suite under ASan and UBSan, and under TSan
	@scripts/install_packages.sh build test
	@scripts/sanitizers.sh

lint: ## formatting, static analysis, shell scripts, house rules
	@scripts/install_packages.sh build test lint
	@scripts/lint.sh

bench: ## measure beside nginx, Node, Redis, PostgreSQL and a bare loop (some 8 minutes); no test
	@scripts/install_packages.sh build bench
	@scripts/build.sh bench
	@/usr/bin/python3 bench/run.py

bench-docs: ## put the last make bench, and bench-soak, into docs/performance.md
	@/usr/bin/python3 bench/report.py out/bench/results

bench-soak: ## ten minutes of the same load: does an id get dearer, does memory grow?
	@scripts/install_packages.sh build bench
	@scripts/build.sh bench
	@/usr/bin/python3 bench/soak.py

pictures: release ## take the pictures of console and dashboard in docs/ anew (six minutes); no test
	@scripts/install_packages.sh test node browser pictures
	@scripts/console_tests.sh --pictures out/release/go-id
	GO_ID=out/release/go-id /usr/bin/python3 tests/monitoring/dashboard_picture.py docs/dashboard.png

image: ## build the container image, its checksum and launch.sh in out/image (needs root)
	@scripts/install_packages.sh build image
	@build/build.sh --image-only

format: ## format the C sources in place
	@scripts/install_packages.sh lint
	git ls-files '*.c' '*.h' | xargs clang-format -i

install: release ## install binary, library, units, manual, config (PREFIX, DESTDIR)
	umask 022 && DESTDIR="$(DESTDIR)" cmake --install out/release --prefix "$(PREFIX)" # folders that all can read

deb: ## build the Debian packages out/deb/*.deb
	@scripts/install_packages.sh build deb
	@scripts/package.sh

static: ## build out/static/go-id: one file that runs on any Linux, without a library
	@scripts/install_packages.sh build static
	@scripts/build.sh static

oci: static ## pack that as a container image, out/static/go-id.oci.tar, without Docker
	@strip -o out/static/go-id.stripped out/static/go-id
	@PYTHONDONTWRITEBYTECODE=1 scripts/oci_image.py out/static/go-id.stripped out/static/go-id.oci.tar
	@ls -l out/static/go-id.oci.tar

dist: ## all that a release consists of, with checksums and bills of materials, in out/dist
	@scripts/install_packages.sh build static deb
	@scripts/dist.sh

clean: ## remove out/
	rm -rf out
