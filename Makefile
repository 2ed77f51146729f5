PREFIX ?= /usr/local
CARGO ?= cargo
LOCKED := --locked --workspace
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

FUZZ := tests/fuzz
FUZZ_SECONDS ?= 60

.PHONY: demo test check fuzz bench bench-peer install clean

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
