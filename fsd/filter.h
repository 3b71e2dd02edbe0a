/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last stage of nacre-fsd: the seccomp filter compiled from fsd.policy.
 *
 * Should leave: what serving needs. Must be impossible after: every other system call; one ends the
 * process, and with it the VM. no_new_privs must be set. 0 or -errno.
 */
#ifndef NACRE_FSD_FILTER_H
#define NACRE_FSD_FILTER_H

int filter_apply(void);

#endif
