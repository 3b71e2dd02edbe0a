# SPDX-License-Identifier: Apache-2.0
#
# Attacks: fuzzers, proofs, hostile guests, data races. Included by the Makefile.

.PHONY: fuzz fuzz-long fuzz-build prove hostile tsan

FUZZ_SECONDS ?= 30
FUZZ_LONG_SECONDS ?= 900
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN  := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
fuzz_field = $(shell sed -n 's/^.*$(1): *//;T;s, *\*/,,p' tests/fuzz/$(2).c)
FUZZ_FLAGS := -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer

# One rule for all: a fuzzer names its sources itself, as a unit test does.
.SECONDEXPANSION:
$(BUILD)/fuzz/%: tests/fuzz/%.c $$(call fuzz_field,SOURCES,$$*) $(wildcard tests/fuzz/*.h)
	@mkdir -p $(@D)
	$(CLANG) $(CPPFLAGS) -I. -Ivmm -Itests/unit $(FUZZ_FLAGS) -o $@ $(filter %.c,$^) \
		$(call fuzz_field,LIBS,$*)

fuzz-build: $(FUZZ_BIN)

## make fuzz         every fuzzer for FUZZ_SECONDS (default 30)
fuzz: $(FUZZ_BIN)
	@tests/fuzz/run $(BUILD) $(FUZZ_SECONDS)

## make fuzz-long    every fuzzer for FUZZ_LONG_SECONDS (default 900)
fuzz-long: $(FUZZ_BIN)
	@tests/fuzz/run $(BUILD) $(FUZZ_LONG_SECONDS)

## make prove        CBMC on arithmetic, guest memory and rings
prove:
	@tests/proofs/get-cbmc >/dev/null 2>&1 || true
	@tests/proofs/run $(BUILD)
