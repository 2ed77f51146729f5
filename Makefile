PREFIX ?= /usr/local
CARGO ?= cargo
LOCKED := --locked --workspace
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

FUZZ := tests/fuzz
FUZZ_SECONDS ?= 60

# Static executables for robots.
export TARGETS := x86_64-unknown-linux-musl aarch64-unknown-linux-musl armv7-unknown-linux-musleabihf \
	arm-unknown-linux-musleabihf riscv64gc-unknown-linux-musl
TARGET ?= $(TARGETS)
HOST := $(shell uname -m)-unknown-linux-musl
COMMIT_TIME = $(shell git log -1 --format=%ct 2>/dev/null || echo 315532800)
# Not for other builds: they would compile ring again after each commit.
dist reproduce: export SOURCE_DATE_EPOCH ?= $(COMMIT_TIME)
# The maintainer of the packages.
dist reproduce: export MAINTAINER ?= Rapyuta Robotics <opensource@rapyuta-robotics.com>
# Shown by `rio version`.
dist reproduce: export RIO_COMMIT ?= $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null)

.PHONY: demo test check check-mutants test-network test-interop test-fleet deny dist test-dist reproduce bloat bench \
	bench-peer fuzz mutants build install uninstall clean

# Logs in to a fake rapyuta.io on this machine. Approve the login in a browser.
demo:
	$(CARGO) build $(LOCKED)
	@$(TARGET_DIR)/debug/demo $(TARGET_DIR)/debug/rio

test:
	tests/run $(LOCKED)

check:
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path $(FUZZ)/Cargo.toml --check
	$(CARGO) clippy $(LOCKED) --all-targets -- -D warnings
	$(MAKE) test check-mutants

# Interrupts rio at its system calls and checks that no login is lost (tests/faults/main.rs). Needs strace.
# FAULTS=--all tries every case and takes hours; FAULTS='--only NAME' repeats one.
.PHONY: test-faults
test-faults:
	$(CARGO) test $(LOCKED) --test faults -- $(FAULTS)

# Tests bad name servers and dead addresses, in network namespaces, with both executables if `make dist` has built the
# static one. `make check` and `make test-dist` run these tests, too. Takes a minute.
STATIC := $(CURDIR)/target/dist/$(HOST)/rio
test-network:
	tests/run --locked --test cli name_servers
	@if [ -x $(STATIC) ]; then RIO_BINARY=$(STATIC) tests/run --locked --test cli name_servers; \
	else echo 'Not tested: the static executable. Build it: make dist TARGET=$(HOST)'; fi

# Logs in to node-oidc-provider, also through proxies. Takes a minute.
test-interop:
	$(CARGO) build $(LOCKED)
	tests/interop/run $(TARGET_DIR)/debug/rio

# Sets up robots with Ansible and pyinfra, as root, with the executable of an earlier `make dist`. Takes four minutes.
test-fleet:
	tests/fleet/run

# Checks the dependencies as .deny.toml says. The database of advisories is a git repository on the internet.
DENY := target/cargo-deny/bin/cargo-deny --config .deny.toml
deny:
	src/dist/install cargo-deny
	$(DENY) check bans licenses sources
	@if timeout 60 $(DENY) fetch db; then $(DENY) check advisories; \
	else echo 'Not checked: advisories, because their database could not be fetched.'; fi

# Builds a static executable, an archive and a Debian package for each TARGET in target/dist/, and signs SHA256SUMS with
# the private key SIGN_KEY if it is set. Takes a few minutes.
dist:
	$(if $(strip $(TARGET)),,$(error TARGET is empty; unset it to build all targets))
	src/dist/build target/dist $(TARGET)
	src/dist/pack target/dist $(TARGET)

# Tests the static executables: this machine's with all tests, others with the smoke tests under qemu. Tests the packages,
# as root also in a Debian with systemd.
test-dist:
	for target in $(TARGET); do tests/dist/test target/dist $$target || exit 1; done
	tests/dist/test-packages target/dist

# Builds each TARGET (default: this machine's) twice, in two directories, and compares the results.
reproduce: TARGET = $(HOST)
reproduce:
	$(MAKE) dist TARGET="$(TARGET)"
	for target in $(TARGET); do src/dist/reproduce target/dist $$target || exit 1; done

# Prints the size of each crate in this machine's static executable.
bloat:
	CARGO_PROFILE_RELEASE_STRIP=false src/dist/build target/bloat $(HOST)
	src/dist/bloat target/bloat/$(HOST)/rio

# Runs each fuzz target for FUZZ_SECONDS. Findings are written to tests/fuzz/artifacts/.
fuzz:
	@$(CARGO) +nightly fuzz --version >/dev/null || \
		{ echo 'Fuzzing needs: rustup toolchain install nightly; cargo install cargo-fuzz' >&2; exit 1; }
	for target in $$($(CARGO) +nightly fuzz list --fuzz-dir $(FUZZ)); do \
		mkdir -p $(FUZZ)/corpus/$$target; \
		$(CARGO) +nightly fuzz run --fuzz-dir $(FUZZ) $$target \
			$(FUZZ)/corpus/$$target $(FUZZ)/seeds/$$target -- \
			-dict=$(FUZZ)/words.dict -timeout=10 -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

# Each file in src whose mutants are tested, and the modules of the tests that must catch them.
MUTANTS ?= oauth/device_flow:device_flow oauth/id_token:id_token oauth/pending:pending_login \
	config/mod:config_file,status,select,login_selection config/file:config_file,concurrent_refresh,refresh_token,status \
	config/private_file:concurrent_refresh,pending_login config/locked_temp_file:config_file \
	machine/access:pending_login,config_file,concurrent_refresh \
	http/response:network,wire,login,refresh_token secret:secret,redaction,login token:token

# Checks that MUTANTS names files and modules that exist.
check-mutants:
	@tests=$$($(CARGO) test --quiet $(LOCKED) --lib --test cli -- --list) || exit; for area in $(MUTANTS); do \
		test -f "src/$${area%:*}.rs" || { echo "MUTANTS: src/$${area%:*}.rs does not exist" >&2; exit 1; }; \
		for module in $$(echo "$${area#*:}" | tr , ' '); do echo "$$tests" | grep -qE "(^|::)$$module::" || \
			{ echo "MUTANTS: no test module is named $$module" >&2; exit 1; }; done; \
	done

# Changes one place of the source at a time and lists the changes that no test notices. Takes hours.
mutants: check-mutants
	@$(CARGO) mutants --version >/dev/null || { echo 'Install it: cargo install cargo-mutants' >&2; exit 1; }
	mkdir -p $(TARGET_DIR)/mutants; status=0; for area in $(MUTANTS); do \
		$(CARGO) mutants --file "src/$${area%:*}.rs" --output "$(TARGET_DIR)/mutants/$$(basename $${area%:*})" -- \
			--lib --test cli -- $$(echo "$${area#*:}" | tr , ' ') || status=$$?; \
	done; exit $$status

# Measures what rio costs (tests/bench/README.md). Takes seven minutes. Measures the static executable of an earlier
# `make dist` if there is one, and does not rebuild it.
bench:
	@$(CARGO) bench --quiet --locked --bench cost

# Installs the Python rio, for `make bench` to compare with.
bench-peer: $(TARGET_DIR)/bench-peer/bin/rio

$(TARGET_DIR)/bench-peer/bin/rio:
	python3 -m venv $(TARGET_DIR)/bench-peer
	$(TARGET_DIR)/bench-peer/bin/pip install --quiet rapyuta-io-cli

RELEASE := $(TARGET_DIR)/release
build:
	$(CARGO) build --locked --release
	$(CARGO) build --quiet --locked --example man
	SOURCE_DATE_EPOCH=$(or $(SOURCE_DATE_EPOCH),$(COMMIT_TIME)) $(TARGET_DIR)/debug/examples/man > $(RELEASE)/rio.1

# Copies the files of `make build`. Does not call cargo, because it is often missing in root's PATH.
ROOT = $(DESTDIR)$(PREFIX)
INSTALLED := bin/rio share/man/man1/rio.1 share/bash-completion/completions/rio share/zsh/site-functions/_rio \
	share/fish/vendor_completions.d/rio.fish share/nushell/vendor/autoload/rio.nu
install:
	@test -s $(RELEASE)/rio.1 || { echo "make install: $(RELEASE)/rio.1 is missing or empty" >&2; \
		echo "  Run 'make build' first, as a user who has cargo." >&2; exit 1; }
	$(keep_other_rio)
	mkdir -p $(addprefix $(ROOT)/,$(dir $(INSTALLED)))
	install -m 755 $(RELEASE)/rio $(ROOT)/bin/rio
	install -m 644 $(RELEASE)/rio.1 $(ROOT)/share/man/man1/rio.1
	install -m 644 src/cmd/completion/rio.bash $(ROOT)/share/bash-completion/completions/rio
	install -m 644 src/cmd/completion/_rio $(ROOT)/share/zsh/site-functions/_rio
	install -m 644 src/cmd/completion/rio.fish $(ROOT)/share/fish/vendor_completions.d/rio.fish
	install -m 644 src/cmd/completion/rio.nu $(ROOT)/share/nushell/vendor/autoload/rio.nu
	$(if $(DESTDIR),,$(show_first_rio))

uninstall:
	$(keep_other_rio)
	rm -f $(addprefix $(ROOT)/,$(INSTALLED))

# Stops if bin/rio is not ours. Ours is an ELF file that names the package of the Python rio. It is not executed, because
# it can be any program.
define keep_other_rio
@rio=$(ROOT)/bin/rio; [ "$(FORCE)" = 1 ] || ! { [ -e $$rio ] || [ -L $$rio ]; } || \
	{ [ -f $$rio ] && head -c 4 $$rio | grep -q "^$$(printf '\177')ELF" && grep -q rapyuta-io-cli $$rio; } || { \
	echo "make $@: $$rio is not this rio; it may be the Python rio" >&2; \
	echo "  Set PREFIX to another directory, or set FORCE=1 to $(if $(filter install,$@),replace,remove) it." >&2; exit 1; }
endef

define show_first_rio
@rio=$(ROOT)/bin/rio; first=$$(command -v rio) || first=; \
	if [ -z "$$first" ]; then echo "Your PATH has no rio. Add $(ROOT)/bin to it."; \
	elif [ "$$first" -ef $$rio ]; then echo "The command rio runs $$first."; \
	else echo "The command rio runs $$first, not $$rio, because it comes first in your PATH."; fi
endef

clean:
	$(CARGO) clean
