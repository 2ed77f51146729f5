PREFIX ?= /usr/local
CARGO ?= cargo
LOCKED := --locked --workspace

.PHONY: demo test check install clean

# A login against a fake rapyuta.io on this machine; approve it in a browser.
demo:
	$(CARGO) build --quiet $(LOCKED)
	target/debug/demo target/debug/rio

test:
	$(CARGO) test $(LOCKED)

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(LOCKED) --all-targets -- -D warnings
	$(MAKE) test

install:
	$(CARGO) build --locked --release
	install -D -m 755 target/release/rio $(DESTDIR)$(PREFIX)/bin/rio

clean:
	$(CARGO) clean
