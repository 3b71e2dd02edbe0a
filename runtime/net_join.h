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
/* In the names of the taps of spare devices: 0, and numbers that no interface has. */
#define NET_SPARE_INDEX(nth) ((nth) ? (uint32_t)INT32_MAX + (nth) : 0u)

/*
 * Makes taps of `queues` queues each and sets taps[], n_taps and watch_fd of each interface. Returns
 * 0, or -errno with the failure set; net_part() takes away what was made by then.
 */
int net_join(struct net *net, int ns_fd, unsigned int queues, struct failure *failure);

/* Whether nacre may make taps here, and net_join_spares() will make them. */
bool net_has_taps(void);

/*
 * For a container whose network may be attached between create and start (containerd's CNI, Docker,
 * hooks), and for a template: `n` devices and their taps of `queues` queues, without interfaces yet; none where nacre
 * may not open /dev/net/tun. 0, or -errno with the failure set.
 */
int net_join_spares(struct net *net, int ns_fd, unsigned int n, unsigned int queues,
		    struct failure *failure);

/*
 * Joins the interfaces that *net was filled with (net_read()) to the spare taps of the namespace, the first to the
 * first. 0, or -errno with the failure set and all as it was.
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

/* Takes all filters from a tap. */
void net_redirect_clear(struct mnl_socket *socket, uint32_t tap);

#endif
