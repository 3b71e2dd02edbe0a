/* SPDX-License-Identifier: Apache-2.0 */
/* The container's network interfaces (PLAN_LINK, PLAN_NETLINK, PLAN_RESOLVER in include/plan.h). */
#ifndef NACRE_INIT_NETWORK_H
#define NACRE_INIT_NETWORK_H

#include <sys/types.h>

#include "plan_read.h"
#include "proto.h"
#include "report.h"

/*
 * Init's side: gives the VM's network devices that the plan names to the network namespace of the
 * process `pid`. 0, or -errno with *r set.
 */
int network_give(const struct plan *p, pid_t pid, struct report *r);

/*
 * In the container's first process, as root of its user namespace: loopback up, then interfaces,
 * addresses, routes. Ends the process on failure (setup.h).
 */
void network_set_up(const struct plan *p);

/*
 * Init's side: the same, all of it, for a container whose first process `init` (pidfd init_fd) is held
 * before its exec; `plan` is a plan of a network. resolver[] is filled with sockets for resolver_open(),
 * the caller's also on failure, or with -1. 0, or -errno with *r set.
 */
int network_attach(const void *plan, size_t len, pid_t init, int init_fd,
		   int resolver[RESOLVE_TRANSPORT_COUNT], struct report *r);

#endif
