# SPDX-License-Identifier: Apache-2.0
#
# Benchmarks. Included by the Makefile; docs/benchmarks.md says what is measured and how.

# tools/setup bench installs what the pictures need.

.PHONY: bench bench-build check-bench

# musl, static: they run in containers and in the smallest of hosts.
$(BUILD)/bench/%: tools/bench/%.c
	@mkdir -p $(@D)
	$(MUSL_CC) -static -O2 -std=gnu11 -D_GNU_SOURCE $(WARN) -o $@ $<

bench-build: tree $(BUILD)/bench/sample $(BUILD)/bench/probe

## make bench            start, density, exec, files and streams, with the peers that are installed
bench: bench-build
	@tools/bench/bench all --build $(BUILD) --json $(BUILD)/bench/result.json --pictures $(BUILD)/bench

check-bench: $(BUILD)/bench/sample $(BUILD)/bench/probe
	@BUILD=$(BUILD) python3 -B -m unittest discover -q -s tools/bench -p 'test_*.py'
