PREFIX ?= /usr/local
CARGO ?= cargo
LOCKED := --locked --workspace
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

FUZZ := tests/fuzz
FUZZ_SECONDS ?= 60

# What runs on robots: musl and all, in one file.
TARGETS := x86_64-unknown-linux-musl aarch64-unknown-linux-musl armv7-unknown-linux-musleabihf
TARGET ?= $(TARGETS)
HERE := $(shell uname -m)-unknown-linux-musl
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 315532800)

.PHONY: demo test check dist test-dist reproduce bloat bench bench-peer fuzz install clean

# A login against a fake rapyuta.io on this machine; approve it in a browser.
demo:
	$(CARGO) build --quiet $(LOCKED)
	$(TARGET_DIR)/debug/demo $(TARGET_DIR)/debug/rio

test:
	$(CARGO) test $(LOCKED)

check:
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path $(FUZZ)/Cargo.toml --check
	$(CARGO) clippy $(LOCKED) --all-targets -- -D warnings
	$(MAKE) test

# A static file and an archive for each of TARGET, in target/dist/. It takes some minutes.
dist:
	$(if $(strip $(TARGET)),,$(error TARGET is empty))
	for target in $(TARGET); do tests/dist/build target/dist $$target || exit 1; done
	tests/dist/pack target/dist $(TARGET)

# The tests with the static files of TARGET: all of them with this machine's, a few with the others'.
test-dist:
	for target in $(TARGET); do tests/dist/test target/dist $$target || exit 1; done

# Builds each of TARGET, by default this machine's, twice, in two places, and compares.
reproduce: TARGET = $(HERE)
reproduce:
	$(MAKE) dist TARGET="$(TARGET)"
	for target in $(TARGET); do tests/dist/reproduce target/dist $$target || exit 1; done

# What takes the room in this machine's static file, by crate.
bloat:
	CARGO_PROFILE_RELEASE_STRIP=false tests/dist/build target/bloat $(HERE)
	tests/dist/bloat target/bloat/$(HERE)/rio

# Each fuzz target for FUZZ_SECONDS. What a target finds is in tests/fuzz/artifacts/.
fuzz:
	@$(CARGO) +nightly fuzz --version >/dev/null || \
		{ echo 'Fuzzing needs: rustup toolchain install nightly; cargo install cargo-fuzz' >&2; exit 1; }
	for target in $$($(CARGO) +nightly fuzz list --fuzz-dir $(FUZZ)); do \
		mkdir -p $(FUZZ)/corpus/$$target; \
		$(CARGO) +nightly fuzz run --fuzz-dir $(FUZZ) $$target \
			$(FUZZ)/corpus/$$target $(FUZZ)/seeds/$$target -- \
			-dict=$(FUZZ)/words.dict -timeout=10 -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

# What rio costs, in Markdown; on the static build of `make dist` where it stands. Takes five minutes.
bench:
	@$(CARGO) bench --quiet --locked --bench cost

# The Python rio, for `make bench` to compare with.
bench-peer: $(TARGET_DIR)/bench-peer/bin/rio

$(TARGET_DIR)/bench-peer/bin/rio:
	python3 -m venv $(TARGET_DIR)/bench-peer
	$(TARGET_DIR)/bench-peer/bin/pip install --quiet rapyuta-io-cli

install:
	$(CARGO) build --locked --release
	mkdir -p $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(TARGET_DIR)/release/rio $(DESTDIR)$(PREFIX)/bin/rio

clean:
	$(CARGO) clean
