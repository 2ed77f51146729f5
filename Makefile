PREFIX ?= /usr/local
CARGO ?= cargo
LOCKED := --locked --workspace
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

.PHONY: demo test check install clean

# A login against a fake rapyuta.io on this machine; approve it in a browser.
demo:
	$(CARGO) build --quiet $(LOCKED)
	$(TARGET_DIR)/debug/demo $(TARGET_DIR)/debug/rio

test:
	$(CARGO) test $(LOCKED)

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(LOCKED) --all-targets -- -D warnings
	$(MAKE) test

install:
	$(CARGO) build --locked --release
	mkdir -p $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(TARGET_DIR)/release/rio $(DESTDIR)$(PREFIX)/bin/rio

clean:
	$(CARGO) clean
