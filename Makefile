# SPDX-License-Identifier: Apache-2.0
#
# nacre: one non-recursive Makefile. `make help` lists the targets.
#
# build/ has the layout of an installation (bin, libexec/nacre, share/nacre), because `nacre` finds
# its companions relative to its own executable.

PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
CC      ?= gcc
CLANG   ?= clang
ARCH    := $(shell uname -m)

VERSION := 0.1.0
COMMIT  := $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || echo unknown)

# Compiler warnings and hardening (docs/hardening.md, "The build"). With CI set, -Werror.
WARN := -Wall -Wextra -Wshadow -Wconversion -Wcast-qual -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wformat=2
ifneq ($(CI),)
WARN += -Werror
endif
CPPFLAGS := -Iinclude -D_GNU_SOURCE -DNACRE_VERSION='"$(VERSION)"' -DNACRE_COMMIT='"$(COMMIT)"'
CFLAGS   := -std=gnu11 -O2 -g $(WARN) -fstack-protector-strong -fno-common \
	-ftrivial-auto-var-init=zero -MMD -MP
LDHARD   := -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code

# A debug build (make DEBUG=1) says which system call a seccomp policy refused.
ifneq ($(DEBUG),)
CPPFLAGS += -DNACRE_DEBUG
MKPOLICY_FLAGS := --trap
endif

# nacre itself: Debian's C library, which is dynamic for the sake of NSS and dlopen(). Other libraries are linked in
# where there are archives of them: to load one takes a quarter of a virtual millisecond at each start.
archive      = $(if $(findstring /,$(shell $(CC) -print-file-name=lib$(1).a)),-l:lib$(1).a)
library      = $(or $(call archive,$(1)),-l$(1))
HOST_CFLAGS := $(CFLAGS) -fPIE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
HOST_LIBS   := $(foreach l,jansson mnl seccomp cap selinux,$(call library,$(l))) \
	$(if $(call archive,selinux),$(call library,pcre2-8))

# The companions: static-PIE on musl, so that no image's ld.so, NSS or gconv is ever loaded, and so
# that their private memory stays small. musl-gcc's specs know no static PIE: the link line is ours.
MUSL_DIR    ?= /usr/lib/$(ARCH)-linux-musl
MUSL_CC     ?= musl-gcc
MUSL_CFLAGS := $(CFLAGS) -fPIE -idirafter /usr/include -idirafter /usr/include/$(ARCH)-linux-gnu
gcc_file     = $(shell $(CC) -print-file-name=$(1))
link_static  = $(CC) -nostdlib -static-pie $(LDHARD) -Wl,--gc-sections -o $@ \
	$(MUSL_DIR)/rcrt1.o $(MUSL_DIR)/crti.o $(call gcc_file,crtbeginS.o) $(filter %.o,$^) \
	-L$(MUSL_DIR) -Wl,--start-group -lc $(call gcc_file,libgcc.a) -Wl,--end-group \
	$(call gcc_file,crtendS.o) $(MUSL_DIR)/crtn.o

LIBEXEC := $(BUILD)/libexec/nacre
SHARE   := $(BUILD)/share/nacre

RUNTIME_SRC := $(wildcard runtime/*.c)
MONITOR_SRC := $(wildcard monitor/*.c)
VMM_SRC     := $(wildcard vmm/*.c vmm/arch/$(ARCH)/*.c)
FSD_SRC     := $(wildcard fsd/*.c)
INIT_SRC    := $(wildcard guest-init/*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

PROGRAMS := $(BUILD)/bin/nacre $(LIBEXEC)/nacre-monitor $(LIBEXEC)/nacre-vmm \
	$(LIBEXEC)/nacre-fsd $(LIBEXEC)/nacre-init

.PHONY: all programs help setup kernel rootfs demo check check-full check-unit unit-tests check-e2e \
	check-includes analyze conformance install install-selinux clean distclean tree policy-report

## make              build the five programs into build/
all: need-build programs

programs: $(PROGRAMS)

help:
	@sed -n 's/^## //p' $(filter Makefile %.mk,$(MAKEFILE_LIST))

## make setup        install build and test dependencies (Debian packages)
setup:
	@tools/setup

need-%:
	@tools/setup --check $*

## make kernel       the guest's kernel (about 5 minutes the first time, then from the cache)
kernel: need-kernel $(SHARE)/vmlinux

$(SHARE)/vmlinux: $(wildcard kernel-config/*)
	@mkdir -p $(@D)
	kernel-config/build $@

## make rootfs       the built-in busybox root file system
rootfs: need-rootfs $(SHARE)/rootfs

$(SHARE)/rootfs: rootfs/build
	@mkdir -p $(@D)
	rootfs/build $@

tree: programs kernel rootfs

## make demo         all set-up, then run a program in a virtual machine
demo:
	@tools/setup build kernel rootfs host
	@$(MAKE) --no-print-directory -j$$(nproc) programs
	@$(MAKE) --no-print-directory kernel rootfs
	@tools/demo $(BUILD)

## make check        all set-up, then the tests that CI runs (at most 20 minutes on 2 cores)
check:
	@tools/setup
	@tools/check $(BUILD)

## make check-full   all tests but make conformance, fuzz-long, analyze and bench
check-full:
	@tools/setup
	@tools/check --full $(BUILD)

## make conformance  opencontainers/runtime-tools' validation programs (10 minutes; needs go)
conformance: tree
	@tests/conformance/run $(BUILD)

# Who tells the commit is compiled anew with each.
$(BUILD)/commit: FORCE
	@mkdir -p $(@D)
	@echo $(COMMIT) | cmp -s - $@ || echo $(COMMIT) >$@
FORCE:
$(call obj,runtime/version.c runtime/verb_features.c guest-init/version.c): $(BUILD)/commit

$(BUILD)/obj/runtime/%.o: runtime/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(HOST_CFLAGS) -c -o $@ $<

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(MUSL_CC) $(CPPFLAGS) $(MUSL_CFLAGS) -c -o $@ $<

$(BUILD)/obj/vmm/%.o: MUSL_CFLAGS += -Ivmm

# The default seccomp profile of containers becomes the rows of a table.
DEFAULT_PROFILE := $(BUILD)/gen/runtime/seccomp_default_profile.h

$(DEFAULT_PROFILE): runtime/seccomp-default.profile tools/mkprofile
	@mkdir -p $(@D)
	tools/mkprofile $< > $@.new && mv $@.new $@

$(BUILD)/obj/runtime/seccomp_default.o: $(DEFAULT_PROFILE)
$(BUILD)/obj/runtime/seccomp_default.o: CPPFLAGS += -I$(BUILD)/gen/runtime

# And its filters, for the default capabilities, are compiled by nacre's own code.
BUILTIN_FILTERS := $(BUILD)/gen/runtime/seccomp_builtin_records.h
MKSECCOMP_OBJ   := $(call obj,$(addprefix runtime/,arena.c caps.c failure.c plan_buffer.c report.c \
	seccomp_compile.c seccomp_default.c))

$(BUILD)/tools/mkseccomp: tools/mkseccomp.c $(MKSECCOMP_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -MMD -MP,$(CFLAGS)) -fPIE -pie -o $@ $^ -lseccomp -lcap -ljansson

$(BUILTIN_FILTERS): $(BUILD)/tools/mkseccomp
	@mkdir -p $(@D)
	$< > $@.new && mv $@.new $@

$(BUILD)/obj/runtime/seccomp_builtin.o: $(BUILTIN_FILTERS)
$(BUILD)/obj/runtime/seccomp_builtin.o: CPPFLAGS += -I$(BUILD)/gen/runtime

# seccomp policies: FOLDER/NAME.policy becomes FOLDER_NAME_policy.h, for FOLDER/filter.c.
POLICIES := $(wildcard vmm/*.policy fsd/*.policy monitor/*.policy)
policy_header = $(BUILD)/gen/$(1)/$(1)_$(2)_policy.h

$(BUILD)/tools/mkpolicy: tools/mkpolicy.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -MMD -MP,$(CFLAGS)) -o $@ $< -lseccomp

define policy_rule
$(call policy_header,$(patsubst %/,%,$(dir $(1))),$(basename $(notdir $(1)))): $(1) $(BUILD)/tools/mkpolicy
	@mkdir -p $$(@D)
	$(BUILD)/tools/mkpolicy $(MKPOLICY_FLAGS) $(patsubst %/,%,$(dir $(1)))_$(basename $(notdir $(1))) $$< > $$@.tmp
	@mv $$@.tmp $$@

$(BUILD)/obj/$(dir $(1))filter.o: $(call policy_header,$(patsubst %/,%,$(dir $(1))),$(basename $(notdir $(1))))
$(BUILD)/obj/$(dir $(1))filter.o: MUSL_CFLAGS += -I$(BUILD)/gen/$(patsubst %/,%,$(dir $(1)))
endef
$(foreach p,$(POLICIES),$(eval $(call policy_rule,$(p))))

## make policy-report   system calls that each seccomp policy leaves
policy-report: $(foreach p,$(POLICIES),$(call policy_header,$(patsubst %/,%,$(dir $(p))),$(basename $(notdir $(p)))))
	@tools/policy-report $(POLICIES)

$(BUILD)/bin/nacre: $(call obj,$(RUNTIME_SRC))
	@mkdir -p $(@D)
	$(CC) -pie $(LDHARD) -o $@ $(filter %.o,$^) $(HOST_LIBS)

$(LIBEXEC)/nacre-monitor: $(call obj,$(MONITOR_SRC))
	@mkdir -p $(@D)
	$(link_static)

$(LIBEXEC)/nacre-vmm: $(call obj,$(VMM_SRC))
	@mkdir -p $(@D)
	$(link_static)

$(LIBEXEC)/nacre-fsd: $(call obj,$(FSD_SRC))
	@mkdir -p $(@D)
	$(link_static)

$(LIBEXEC)/nacre-init: $(call obj,$(INIT_SRC))
	@mkdir -p $(@D)
	$(link_static) -s

# Unit tests: tests/unit/test_X.c names what it is linked with in lines "/* SOURCES: a.c b.c */"
# and "/* LIBS: -lx */"; built with ASan and UBSan and the host's C library.
UNIT_SRC  := $(wildcard tests/unit/test_*.c)
UNIT_BIN  := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
unit_field = $(shell sed -n 's/^.*$(1): *//;T;s, *\*/,,p' tests/unit/$(2).c)
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

UNIT_CC   := $(CC) $(CPPFLAGS) -I. -Ivmm -I$(BUILD)/gen/runtime $(CFLAGS) -O1 $(SANITIZE)

# Each source once for all tests.
.PRECIOUS: $(BUILD)/unit/obj/%.o
$(BUILD)/unit/obj/%.o: %.c | $(DEFAULT_PROFILE) $(BUILTIN_FILTERS)
	@mkdir -p $(@D)
	$(UNIT_CC) -c -o $@ $<

.SECONDEXPANSION:
$(BUILD)/unit/test_%: tests/unit/test_%.c $$(patsubst %.c,$(BUILD)/unit/obj/%.o,$$(call unit_field,SOURCES,test_$$*)) \
		| $(DEFAULT_PROFILE) $(BUILTIN_FILTERS)
	@mkdir -p $(@D)
	$(UNIT_CC) -o $@ $(filter %.c %.o,$^) $(call unit_field,LIBS,test_$*) -lcmocka -lpthread

unit-tests: $(UNIT_BIN)

check-unit: $(UNIT_BIN)
	@for t in $(UNIT_BIN); do echo "== $$t"; $$t || exit 1; done

## make check-unit   the unit tests alone, with ASan and UBSan
## make check-e2e    the end-to-end tests alone
check-e2e: tree
	@tests/e2e/run-all $(BUILD)

## make check-includes   who may include whom
check-includes:
	@tools/check-includes

## make analyze      clang-tidy and cppcheck
analyze: need-build need-analyze $(DEFAULT_PROFILE) $(BUILTIN_FILTERS) $(foreach p,$(POLICIES),$(call policy_header,$(patsubst %/,%,$(dir $(p))),$(basename $(notdir $(p)))))
	@tools/analyze $(BUILD)

## make install      DESTDIR and PREFIX as usual (default /usr/local)
install: tree
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/nacre \
		$(DESTDIR)$(PREFIX)/share/nacre $(DESTDIR)$(PREFIX)/share/doc/nacre
	install -m 0755 $(BUILD)/bin/nacre $(DESTDIR)$(PREFIX)/bin/nacre
	install -m 0755 $(filter $(LIBEXEC)/%,$(PROGRAMS)) $(DESTDIR)$(PREFIX)/libexec/nacre
	install -m 0644 $(SHARE)/vmlinux $(DESTDIR)$(PREFIX)/share/nacre/vmlinux
	rm -rf $(DESTDIR)$(PREFIX)/share/nacre/rootfs
	cp -a $(SHARE)/rootfs $(DESTDIR)$(PREFIX)/share/nacre/rootfs
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 0644 docs/nacre.1 $(DESTDIR)$(PREFIX)/share/man/man1/nacre.1
	install -m 0644 docs/nacre.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/nacre.conf.5
	install -m 0644 docs/completion.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/nacre
	install -m 0644 README.md CHANGELOG.md LICENSE $(wildcard docs/*.md) \
		$(DESTDIR)$(PREFIX)/share/doc/nacre
	sed -i 's,](docs/,](,g' $(DESTDIR)$(PREFIX)/share/doc/nacre/README.md \
		$(DESTDIR)$(PREFIX)/share/doc/nacre/CHANGELOG.md # beside them here
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/doc/nacre/benchmarks $(wildcard docs/benchmarks/*)
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/nacre/selinux selinux/nacre.cil
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/nacre/apparmor $(wildcard apparmor/*)

## make install-selinux   SELinux: load nacre's module beside the policy, label the installed programs
install-selinux:
	install -D -m 0644 selinux/nacre.cil $(DESTDIR)$(PREFIX)/share/nacre/selinux/nacre.cil
	semodule -i selinux/nacre.cil
	restorecon -v $(addprefix $(PREFIX)/libexec/nacre/nacre-,vmm fsd monitor)

## make deb          a Debian package, kernel and init inside: build/nacre_VERSION_ARCH.deb
deb: tree
	@tools/mkdeb $(BUILD) $(VERSION)

## make distclean    remove build/ (the caches outside the checkout stay)
clean:
	rm -rf $(BUILD)

distclean: clean

# make fuzz, fuzz-long, prove, hostile, tsan, kill
include tests/security.mk
include tests/taken/taken.mk

# make check-files
include tests/files/files.mk

# make bench
include tools/bench/bench.mk

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
