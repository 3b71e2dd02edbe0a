# SPDX-License-Identifier: Apache-2.0
#
# Attacks: fuzzers, proofs, hostile guests, data races. Included by the Makefile.

.PHONY: fuzz fuzz-long fuzz-build prove hostile hostile-build tsan kill kill-build attacks mutants

FUZZ_SECONDS ?= 30
FUZZ_LONG_SECONDS ?= 900
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN  := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
fuzz_field = $(shell sed -n 's/^.*$(1): *//;T;s, *\*/,,p' tests/fuzz/$(2).c)
FUZZ_FLAGS := -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer

# One rule for all: a fuzzer names its sources itself, as a unit test does.
FUZZ_CC := $(CLANG) $(CPPFLAGS) -I. -Ivmm -Itests/unit -I$(BUILD)/gen/runtime $(FUZZ_FLAGS)

.PRECIOUS: $(BUILD)/fuzz/obj/%.o
$(BUILD)/fuzz/obj/%.o: %.c | $(DEFAULT_PROFILE) $(BUILTIN_FILTERS)
	@mkdir -p $(@D)
	$(FUZZ_CC) -MMD -MP -c -o $@ $<

.SECONDEXPANSION:
$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $$(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$$(call fuzz_field,SOURCES,fuzz_$$*)) \
		$(wildcard tests/fuzz/*.h) | $(DEFAULT_PROFILE) $(BUILTIN_FILTERS)
	@mkdir -p $(@D)
	$(FUZZ_CC) -o $@ $(filter %.c %.o,$^) $(call fuzz_field,LIBS,fuzz_$*)

fuzz-build: $(FUZZ_BIN)

## make fuzz         every fuzzer for FUZZ_SECONDS (default 30), the same inputs each time
fuzz: $(FUZZ_BIN)
	@FUZZ_SEED=1 tests/fuzz/run $(BUILD) $(FUZZ_SECONDS)

## make fuzz-long    every fuzzer for FUZZ_LONG_SECONDS (default 900), with inputs that nobody tried
fuzz-long: $(FUZZ_BIN)
	@tests/fuzz/run $(BUILD) $(FUZZ_LONG_SECONDS)

## make prove        CBMC on arithmetic, guest memory and rings (6 minutes)
prove:
	@tests/proofs/get-cbmc >/dev/null 2>&1 || true
	@tests/proofs/run $(PROVE_OPTIONS) $(BUILD)

HOSTILE_SRC   := $(filter-out tests/hostile/run.c,$(wildcard tests/hostile/[a-z]*.c))
HOSTILE_SRC   := $(filter-out tests/hostile/tsan_%.c,$(HOSTILE_SRC))
HOSTILE_GUEST := $(patsubst tests/hostile/%.c,$(BUILD)/hostile/%,$(HOSTILE_SRC))
HOSTILE_RACE  := $(HOSTILE_GUEST:=.race)
# Kernels that a loader must refuse (GHSA-52h2-m2cf-9jh6): seeds of fuzz_elf.
HOSTILE_ELF   := $(addprefix $(BUILD)/hostile/bad_kernel_,note-loop huge offset-wraps entry-outside)
HOSTILE_COMMON := $(wildcard tests/hostile/guest/*)
guest_cc = $(CC) -std=gnu11 -O1 -Wall -Wextra -ffreestanding -nostdlib -static -no-pie -fno-pic \
	-mno-red-zone -mgeneral-regs-only -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -Itests/hostile -Wl,-T,tests/hostile/guest/guest.ld \
	-Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments -o $@ \
	tests/hostile/guest/start.S tests/hostile/guest/guest.c $<

$(HOSTILE_GUEST): $(BUILD)/hostile/%: tests/hostile/%.c $(HOSTILE_COMMON)
	@mkdir -p $(@D)
	@$(guest_cc)

$(HOSTILE_RACE): $(BUILD)/hostile/%.race: tests/hostile/%.c $(HOSTILE_COMMON)
	@mkdir -p $(@D)
	@$(guest_cc) -DRACE

$(BUILD)/hostile/bad_kernel_%: tests/fuzz/corpus/elf/%
	@mkdir -p $(@D)
	@cp $< $@

$(BUILD)/hostile/run: tests/hostile/run.c tests/unit/broker_inbox.h include/broker.h include/vmstatus.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -MMD -MP,$(CFLAGS)) -o $@ $<

hostile-build: $(LIBEXEC)/nacre-vmm $(BUILD)/hostile/run $(HOSTILE_GUEST) $(HOSTILE_RACE) $(HOSTILE_ELF)

## make hostile      hostile guests under the production VMM, with one processor and with two
hostile: hostile-build
	@tests/hostile/check-table
	@$(BUILD)/hostile/run $(LIBEXEC)/nacre-vmm $(HOSTILE_ELF) $(HOSTILE_GUEST) $(HOSTILE_RACE)

TSAN_SRC := $(wildcard tests/hostile/tsan_*.c)
TSAN_BIN := $(patsubst tests/hostile/%.c,$(BUILD)/tsan/%,$(TSAN_SRC))
tsan_field = $(shell sed -n 's/^.*$(1): *//;T;s, *\*/,,p' tests/hostile/$(2).c)

.SECONDEXPANSION:
$(BUILD)/tsan/%: tests/hostile/%.c $$(call tsan_field,SOURCES,$$*)
	@mkdir -p $(@D)
	@$(CLANG) $(CPPFLAGS) -I. -Ivmm -std=gnu11 -O1 -g -fsanitize=thread -o $@ $^ -lpthread

## make tsan         ThreadSanitizer on the devices, two processors against the loop
tsan: $(TSAN_BIN)
	@failed=0; for t in $(TSAN_BIN); do \
		if $$t 15 >$$t.log 2>&1; then echo "ok $${t##*/}: $$(tail -n 1 $$t.log)"; \
		else echo "not ok $${t##*/}: $$(grep -m 1 SUMMARY $$t.log) ($$t.log)"; failed=1; fi; \
	done; echo "end of suite"; exit $$failed

$(BUILD)/kill/killer: tests/kill/killer.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -MMD -MP,$(CFLAGS)) -o $@ $<

kill-build: $(BUILD)/kill/killer programs $(SHARE)/rootfs hostile-build

KILL_COUNT ?= 300

## make kill         each program killed at KILL_COUNT (default 300) system calls that are drawn
kill: kill-build
	@tests/kill/run $(BUILD) $(KILL_COUNT)

# Attacks from inside a container, one trick per program; tests/attacks/README.md.
ATTACK_SRC := $(filter-out tests/attacks/driver.c,$(wildcard tests/attacks/*.c))
ATTACK_BIN := $(patsubst tests/attacks/%.c,$(BUILD)/attacks/bin/%,$(ATTACK_SRC)) $(BUILD)/attacks/driver

$(BUILD)/attacks/bin/% $(BUILD)/attacks/%: tests/attacks/%.c tests/attacks/attack.h
	@mkdir -p $(@D)
	@$(MUSL_CC) -std=gnu11 -O1 -Wall -Wextra -D_GNU_SOURCE -idirafter /usr/include \
		-idirafter /usr/include/$(ARCH)-linux-gnu -static -s -o $@ $<

## make attacks      build the attacks that make check runs in a container
attacks: $(ATTACK_BIN) $(BUILD)/attacks/expected

$(BUILD)/attacks/expected: $(ATTACK_SRC) tests/attacks/make-inputs
	@mkdir -p $(@D)/spec
	@cd $(@D)/spec && rm -f config.json && crun spec
	@tests/attacks/make-inputs $(@D)/spec/config.json tests/attacks $(@D)

## make mutants      take one layer away at a time and see that the attacks notice
mutants: tree attacks
	@tests/mutants/run $(BUILD)
