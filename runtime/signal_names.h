/* SPDX-License-Identifier: Apache-2.0 */
/* Signals by name, as callers write them. */
#ifndef NACRE_RUNTIME_SIGNAL_NAMES_H
#define NACRE_RUNTIME_SIGNAL_NAMES_H

/*
 * "TERM", "SIGTERM", "sigterm", "15", "RTMIN+2", "RTMAX-1": its number, 0 to 64, or -1. The numbers
 * of real-time signals are the kernel's as the C library leaves them: SIGRTMIN is 34.
 */
int signal_number(const char *name);

#endif
