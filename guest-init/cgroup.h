/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's cgroup (v2), below MACHINE_CGROUP; used by nacre-init only, never by a container.
 */
#ifndef NACRE_INIT_CGROUP_H
#define NACRE_INIT_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Makes the empty cgroup of container `number`. A descriptor of its directory, or -errno. */
int cgroup_make(uint32_t number);

/* Writes `value` to one of its files. 0 or -errno. */
int cgroup_write(int dir, const char *file, const char *value);

/*
 * Loads an eBPF program of `n` instructions that says which devices may be opened, and attaches it
 * for good. 0 or -errno.
 */
int cgroup_device_filter(int dir, const void *insns, size_t n);

/* Kills every process in it. 0 or -errno. */
int cgroup_kill(int dir);

/*
 * Sends `signo` to every process in it but `except` (0: none). Those forked meanwhile may miss it.
 */
void cgroup_signal(int dir, int signo, pid_t except);

/* Has the OOM killer killed a process of it? */
bool cgroup_oom_killed(int dir);

/* Removes it when it is empty. 0 or -errno, -EBUSY while processes are being taken down. */
int cgroup_remove(uint32_t number);

#endif
