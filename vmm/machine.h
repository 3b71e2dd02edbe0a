/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One virtual machine: what the set-up stages build and the threads run on. The struct is written by
 * main() before the threads start and is read-only afterwards, but for guest memory and the devices,
 * which have their own rules (gmem.h, dev.h).
 */
#ifndef NACRE_VMM_MACHINE_H
#define NACRE_VMM_MACHINE_H

#include <stdint.h>

#include "dev.h"
#include "gmem.h"

#define MACHINE_MIN_MEMORY (UINT64_C(24) << 20)
#define MACHINE_MAX_MEMORY (UINT64_C(64) << 30)
#define MACHINE_MAX_CPUS   32u
#define MACHINE_MAX_DEVS   14u

struct machine {
	uint64_t memory; /* bytes */
	unsigned int n_cpus;
	unsigned int n_devs;
	struct gmem mem;
	struct virtio_dev dev[MACHINE_MAX_DEVS];
	int vm_fd;
	int vcpu_fd[MACHINE_MAX_CPUS];
};

/*
 * A set-up error: one line with what was being done and, if err is not 0, why. Goes to standard
 * error and to the status file; ends the process with status 1. Main thread and the one that loads the
 * images, before the others run.
 */
void setup_fail(int err, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

#endif
