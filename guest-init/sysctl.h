/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel parameters of a container: only those that a namespace has for itself. Those of the
 * network are written by the child, since user and group ids in them are its user namespace's;
 * those of IPC and UTS by init from inside the namespaces, since kernel 6.1 lets only the first
 * user namespace's root write them.
 */
#ifndef NACRE_INIT_SYSCTL_H
#define NACRE_INIT_SYSCTL_H

#include "plan_read.h"
#include "report.h"

/*
 * Init's side, before the child is made: refuses what would change the machine or init's own
 * namespaces. 0, or -errno with *r filled in.
 */
int sysctl_check(const struct plan *p, struct report *r);

/* Child's side, before the pivot. Failures end the process with a report. */
void sysctl_write_network(const struct plan *p);

/* Init's side, `pidfd` being the child that is held. 0, or -errno with *r filled in. */
int sysctl_write_others(const struct plan *p, int pidfd, struct report *r);

#endif
