/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times and exits of one VM, for tools/bench: kept always, because a stamp is a read of the clock and
 * a count is an addition, and so that what is measured is what runs.
 */
#ifndef NACRE_VMM_TIMES_H
#define NACRE_VMM_TIMES_H

#include "vmstatus.h"

/*
 * Notes the time of a phase, the first time it is called for it. Main thread, then the device thread,
 * and a vCPU thread before its filter: on a host whose clock has no vDSO it is a system call.
 */
void times_stamp(enum vm_stamp stamp);

/* Counts an exit of vCPU `cpu` to user space. Any vCPU thread, each for its own. */
void times_exit(unsigned int cpu, enum vm_exit_kind kind);

/* The device thread saw nacre-init connect: the stamp, and the exits so far. */
void times_connected(void);

/* All of it as a record. Counters that other threads still change are read as they are. */
void times_record(struct vm_times *record);

#endif
