/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter of nacre-monitor, compiled from *.policy at build time. */
#ifndef NACRE_MONITOR_FILTER_H
#define NACRE_MONITOR_FILTER_H

/*
 * The last stage: leaves every thread of the process only what monitor.policy lists, and signals to
 * this process alone. Once, from main(), after all threads were made. Returns 0 or -errno.
 */
int filter_apply(void);

/* The same for the witness, which has one thread: only what witness.policy lists. */
int filter_apply_witness(void);

#endif
