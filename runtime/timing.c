/* SPDX-License-Identifier: Apache-2.0 */
/* When what happened in one run; see timing.h. Times in the file are ns of CLOCK_MONOTONIC. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "timing.h"
#include "vmstatus.h"

static const char *const own_names[TIMING_COUNT] = {
	[TIMING_MAIN] = "nacre_main",	     [TIMING_CHECKED] = "nacre_checked",
	[TIMING_SPAWNED] = "nacre_spawned",  [TIMING_READY] = "container_ready",
	[TIMING_STARTED] = "process_started", [TIMING_EXITED] = "process_exited",
	[TIMING_ENDED] = "vm_gone",	     [TIMING_REMOVED] = "nacre_removed",
};

static const char *const vm_names[VM_STAMP_COUNT] = {
	[VM_STAMP_START] = "vmm_main",		[VM_STAMP_CREATED] = "vm_created",
	[VM_STAMP_DEVICES] = "vm_devices",	[VM_STAMP_LOADED] = "kernel_loaded",
	[VM_STAMP_CONFINED] = "vmm_confined",	[VM_STAMP_ENTRY] = "kernel_entry",
	[VM_STAMP_DRIVERS] = "first_notify",	[VM_STAMP_CONNECTED] = "init_connected",
	[VM_STAMP_END] = "vm_end",
};

static const char *const exit_names[VM_EXIT_KIND_COUNT] = {
	[VM_EXIT_KIND_MMIO_READ] = "mmio_read", [VM_EXIT_KIND_MMIO_WRITE] = "mmio_write",
	[VM_EXIT_KIND_IO] = "io",		[VM_EXIT_KIND_INTR] = "interrupted",
	[VM_EXIT_KIND_OTHER] = "other",
};

static uint64_t stamps[TIMING_COUNT];
static struct vm_times vm;
/* timing_open() made the file. */
static bool is_new;

void timing_stamp(enum timing_stamp stamp)
{
	struct timespec now;

	if (stamps[stamp])
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	stamps[stamp] = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void timing_read_vm(int status_fd)
{
	/* A VMM that was killed wrote nothing: its phases are missing in the file. */
	if (pread(status_fd, &vm, sizeof(vm), sizeof(struct vm_status)) != (ssize_t)sizeof(vm))
		memset(&vm, 0, sizeof(vm));
}

int timing_open(const char *path, struct failure *failure)
{
	const int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY;
	int fd = open(path, flags | O_CREAT | O_EXCL, 0666);

	is_new = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		fd = open(path, flags | O_CREAT, 0666); /* a link may lead where nothing is yet */
	if (fd < 0)
		return failure_set(failure, -errno, "--timing %s: expected a file to write: %s",
				   path, strerror(errno));
	return fd;
}

void timing_give_up(int fd, const char *path)
{
	close(fd);
	if (is_new)
		unlink(path);
}

int timing_write(int fd, const char *path, struct failure *failure)
{
	/* What is no file, as a pipe, has nothing to cut off. */
	FILE *f = ftruncate(fd, 0) && errno != EINVAL ? NULL : fdopen(fd, "w");
	int err;

	if (!f) {
		err = -errno;
		close(fd);
		return failure_set(failure, err, "--timing %s: %s", path, strerror(-err));
	}
	fprintf(f, "{\"ns\": {");
	for (unsigned int i = 0; i < TIMING_COUNT; i++)
		fprintf(f, "%s\"%s\": %" PRIu64, i ? ", " : "", own_names[i], stamps[i]);
	for (unsigned int i = 0; i < VM_STAMP_COUNT; i++)
		fprintf(f, ", \"%s\": %" PRIu64, vm_names[i], le64_get(vm.stamp[i]));
	fprintf(f, "}, \"exits\": {");
	for (unsigned int i = 0; i < VM_EXIT_KIND_COUNT; i++)
		fprintf(f, "%s\"%s\": %" PRIu64, i ? ", " : "", exit_names[i],
			le64_get(vm.exits[i]));
	fprintf(f, ", \"before_init_connected\": %" PRIu64 "}}\n",
		le64_get(vm.exits_before_connected));
	err = ferror(f) ? EIO : 0;
	if (fclose(f) != 0 && !err)
		err = errno;
	return err ? failure_set(failure, -err, "--timing %s: %s", path, strerror(err)) : 0;
}
