/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's cgroup (v2), below MACHINE_CGROUP; used by nacre-init only, never by a container.
 */
#ifndef NACRE_INIT_CGROUP_H
#define NACRE_INIT_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "report.h"

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
 * The number behind `key` in one of its files of lines "KEY NUMBER", or with NULL the number that
 * the file is. "max" is ~0; what is not there is 0.
 */
uint64_t cgroup_number(int dir, const char *file, const char *key);

/*
 * Writes the pairs of strings, file and value, that lie behind each other in [pairs, pairs + len);
 * when one cannot be written those before it get their old value again. 0; -EBADMSG when the bytes
 * are no such pairs; else -errno with *r filled in.
 */
int cgroup_update(int dir, const void *pairs, size_t len, struct report *r);

/*
 * Gives it to root of the container, who may then make cgroups below it and move processes among them
 * (OCI runtime-spec 1.2 config-linux.md "Cgroup ownership"). What limits it stays init's. 0 or -errno.
 */
int cgroup_delegate(int dir);

/*
 * The directory of the cgroup that process `pid` of container `number` is in, which may be one below
 * the container's. A descriptor or -errno.
 */
int cgroup_open_of(uint32_t number, pid_t pid);

/*
 * Removes it and those below when they are empty. 0 or -errno, -EBUSY while processes are being taken
 * down.
 */
int cgroup_remove(uint32_t number);

#endif
