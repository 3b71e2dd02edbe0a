/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins the interfaces of a network namespace to the VM: a tap for each, and filters of tc(8) that pass
 * every frame from one to the other. Of what the guest sends only frames with its own MAC and IP
 * addresses pass; the rest is dropped.
 */
#ifndef NACRE_RUNTIME_NET_JOIN_H
#define NACRE_RUNTIME_NET_JOIN_H

#include "net.h"

/* Made for the interface with index N: "nacreN". */
#define NET_TAP_PREFIX "nacre"
#define NET_TAP_NAME   NET_TAP_PREFIX "%u"
/* The tap of a spare device. */
#define NET_SPARE_INDEX 0u

/*
 * Makes taps of `queues` queues each and sets taps[], n_taps and watch_fd of each interface. Returns
 * 0, or -errno with the failure set; net_part() takes away what was made by then.
 */
int net_join(struct net *net, int ns_fd, unsigned int queues, struct failure *failure);

/* Whether nacre may make taps here, and net_join_spare() will make one. */
bool net_has_taps(void);

/*
 * For a container whose network may be attached between create and start (containerd's CNI, Docker,
 * hooks), and for a template: a device and its tap of `queues` queues, without an interface yet; none where nacre may
 * not open /dev/net/tun. 0, or -errno with the failure set.
 */
int net_join_spare(struct net *net, int ns_fd, unsigned int queues, struct failure *failure);

/*
 * Joins the one interface that *net was filled with (net_read()) to the spare tap of the namespace.
 * Returns 1; 0 when there is no spare tap, or no interface; or -errno with the failure set and all as it was.
 */
int net_join_late(struct net *net, int ns_fd, struct failure *failure);

/*
 * Takes our filters away from every interface of the namespace that no VM has any more: its own
 * network stack gets the frames again. The taps ended with the VMM. For a namespace that is gone it
 * does nothing.
 */
void net_part(const char *path);

/* tc's part of net_join(): redirects between the interface and the tap with that index. 0 or -errno. */
int net_redirect(struct mnl_socket *socket, const struct net_interface *interface, uint32_t tap);

/* Takes our filters, and a queueing discipline that then has none, from an interface. */
void net_redirect_undo(struct mnl_socket *socket, uint32_t index);

#endif
