/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that another run of nacre started. A pid alone may by now be somebody else's; with the
 * time of its start it names one process for good.
 */
#ifndef NACRE_RUNTIME_PROCESS_REF_H
#define NACRE_RUNTIME_PROCESS_REF_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process_ref {
	pid_t pid;	/* 0: not started */
	uint64_t start; /* clock ticks since boot: field 22 of /proc/PID/stat, proc(5) */
};

/* Reads the start time of a process that lives, or has not been waited for. */
struct process_ref process_ref_of(pid_t pid);

/* True while the process runs: a zombie does not. */
bool process_ref_is_alive(const struct process_ref *process);

/* A pidfd of the process (the caller closes it), or -ESRCH when it has ended. */
int process_ref_open(const struct process_ref *process);

/*
 * Kills the process, if it lives, and waits until it has ended, at most `ms` milliseconds. Returns 0,
 * or -ETIMEDOUT.
 */
int process_ref_kill(const struct process_ref *process, int ms);

/* Waits until the process has ended, at most `ms` milliseconds. Returns 0, or -ETIMEDOUT. */
int process_ref_wait(const struct process_ref *process, int ms);

#endif
