/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last confinement stage: a seccomp filter per kind of thread, compiled from the *.policy files.
 *
 * Should leave: the calls that the kind's policy names, each with its reason there. Must be impossible
 * after: every other system call; one ends the process. Threads share memory, so what an attacker can
 * reach is the union of them.
 */
#ifndef NACRE_VMM_FILTER_H
#define NACRE_VMM_FILTER_H

enum filter_kind { FILTER_DEVICE, FILTER_VCPU, FILTER_FILES, FILTER_NET, FILTER_NET_VHOST,
		   FILTER_BLK, FILTER_TEMPLATE, FILTER_COUNT };

/*
 * Applies the filter to the calling thread, for good. Ends the process on failure. Each thread, as
 * its first act; the main thread after it started the others. no_new_privs must be set.
 */
void filter_apply(enum filter_kind kind);

#endif
