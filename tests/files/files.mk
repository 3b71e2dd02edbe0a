# SPDX-License-Identifier: Apache-2.0
#
# Files without a virtual machine: the device and nacre-fsd behind this machine's FUSE client.
# Included by the Makefile.

.PHONY: files-build check-files check-files-full bench-fs

FILES_GUEST  := $(patsubst tests/e2e/guest/%.c,$(BUILD)/files/%,$(wildcard tests/e2e/guest/posix-*.c \
	tests/e2e/guest/fs*.c))
files_sources = $(shell sed -n 's/^.*SOURCES: *//;T;s, *\*/,,p' $(1))
FILES_CFLAGS := -I. -Ivmm -std=gnu11 -g -Wall -Wextra

$(BUILD)/files/%: tests/e2e/guest/%.c tests/e2e/guest/posix.h
	@mkdir -p $(@D)
	$(MUSL_CC) -static -O2 -D_GNU_SOURCE -Wall -Wextra -o $@ $<

$(BUILD)/files/mounted: tests/files/mounted.c tests/files/bridge.h \
		$(call files_sources,tests/files/mounted.c)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(FILES_CFLAGS) -O2 -o $@ $(filter %.c,$^) -lpthread

$(BUILD)/files/mounted-asan: tests/files/mounted.c tests/files/bridge.h \
		$(call files_sources,tests/files/mounted.c)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(FILES_CFLAGS) -O1 $(SANITIZE) -o $@ $(filter %.c,$^) -lpthread

files-build: $(BUILD)/files/mounted $(BUILD)/files/mounted-asan $(FILES_GUEST)

## make check-files      files without a virtual machine: POSIX, random I/O, many names (2 minutes)
check-files: files-build
	@tests/files/check-table
	@tests/files/run $(BUILD)

## make check-files-full the same for 45 minutes, with git, tar, sqlite3 and a build
check-files-full: files-build
	@tools/setup files
	@tests/files/run --full $(BUILD)

$(BUILD)/bench/fs: tools/bench/fs.c tools/bench/fs_driver.h tools/bench/fs_vhost.h \
		$(call files_sources,tools/bench/fs.c)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(FILES_CFLAGS) -O2 -o $@ $(filter %.c,$^) -lpthread

## make bench-fs         speed of shared files without a guest; VIRTIOFSD=COMMAND is measured beside
bench-fs: $(BUILD)/bench/fs $(LIBEXEC)/nacre-fsd
	@dir=$$(mktemp -d $${FILES_DIR:-/var/tmp}/nacre-bench.XXXXXX) && \
		$(BUILD)/bench/fs $(LIBEXEC)/nacre-fsd $$dir 256 $(if $(VIRTIOFSD),'$(VIRTIOFSD)'); status=$$?; rm -rf $$dir; exit $$status
