/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nacre run --net passt`: a network without privileges. passt (passt.top) turns the guest's frames
 * into sockets of the caller's; nothing listens on the host, and the host's loopback is out of reach, but for the
 * first resolver in the host's resolv.conf, whom passt asks what the guest asks an address of its own.
 */
#ifndef NACRE_RUNTIME_NET_PASST_H
#define NACRE_RUNTIME_NET_PASST_H

#include "net.h"
#include "spawn.h"

/* Where Debian has it. */
#define NET_PASST_PATH "/usr/bin/passt"

/* Gives the guest one interface, eth0, on a network that passt makes up. */
void net_passt_configure(struct net *net, const char *path, struct arena *arena);

/*
 * Makes the interface's stream and fills in how passt is started with the other end of it, which the
 * caller closes: *passt_fd. 0, or -errno with the failure set.
 */
int net_passt_prepare(struct net *net, struct spawn *spawn, int *passt_fd, struct arena *arena,
		      struct failure *failure);

/* Waits until passt answers on the stream. 0; -EPIPE when it has ended, or -ETIMEDOUT. */
int net_passt_wait(const struct net *net);

#endif
