/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of a container: what interfaces it has, what they are joined to on the host, and what
 * the guest is told. One structure, filled from a network namespace (net_namespace.h) or for passt
 * (net_passt.h); both before anything is made on the host.
 */
#ifndef NACRE_RUNTIME_NET_H
#define NACRE_RUNTIME_NET_H

#include <stdbool.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "arena.h"
#include "failure.h"
#include "plan_buffer.h"
#include "spawn.h"

#define NET_INTERFACES_MAX 4u /* of one VM */
#define NET_QUEUES_MAX	   4u /* queue pairs of an interface */
/* The largest MTU of a tap: 65535 bytes with an Ethernet header. */
#define NET_MTU_MAX 65521u
/* MAC address of the first plain device of a VM; the last byte of the others' is greater. */
#define NET_PLAIN_MAC { 0x02, 0x6e, 0x61, 0x63, 0x72, 0x65 }

/* An address that an interface has. */
struct net_address {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t bytes[16];
};

struct net_addresses {
	struct net_address *v;
	size_t n, room;
};

struct net_interface {
	char name[16];
	uint8_t device[6]; /* MAC address of the VM's device, and the most that it takes */
	uint32_t device_mtu;
	uint8_t mac[6];
	bool is_spare; /* for an interface that is attached later: only a device so far */
	uint32_t index, mtu, flags; /* flags: IFF_* for the guest */
	bool no_ipv6, no_router, no_autoconf; /* as the host's interface is set */
	bool has_address;		       /* beside a link-local one */
	struct net_addresses addresses;	       /* what the guest may send as */
	unsigned int n_taps;
	int taps[NET_QUEUES_MAX];
	unsigned int n_vhosts; /* 0, or one for each tap */
	int vhosts[NET_QUEUES_MAX];
	int stream_fd; /* passt's, or -1 */
	int watch_fd;  /* netlink socket that hears of the interface, or -1 */
};

/* A message of rtnetlink(7) for the guest. */
struct net_message {
	uint16_t type;
	const void *body;
	uint32_t len;
};

struct net_messages {
	struct net_message *v;
	size_t n, room;
};

/* Per second, of each interface; 0: no limit. */
struct net_limits {
	uint64_t to_guest_bytes, to_guest_frames, from_guest_bytes, from_guest_frames;
};

struct net {
	unsigned int n;
	struct net_interface interface[NET_INTERFACES_MAX];
	struct net_messages messages;
	struct net_limits limits;
	const char *passt; /* path of the program whose stream is the interface's; NULL: none */
};

ARENA_LIST_ADD(net_add_message, struct net_messages, struct net_message)
ARENA_LIST_ADD(net_add_address, struct net_addresses, struct net_address)

/* A new interface, its descriptors -1. NULL: there are NET_INTERFACES_MAX. */
struct net_interface *net_add_interface(struct net *net);

/*
 * The VM's device is to be one that tells nothing of its interface: one that is not known yet, or the one that a
 * template has; the `nth` of them, from 0. The guest gives it the interface's MAC address and MTU.
 */
void net_plain_device(struct net_interface *interface, unsigned int nth);

/* Adds a copy of a message's body. 0, or -EMSGSIZE when it is longer than the guest takes. */
int net_add_message_of(struct net *net, const struct nlmsghdr *head, struct arena *arena);

/*
 * nacre.conf's vhost_net: that nothing is asked for that only nacre-vmm could do. 0, or -EINVAL with the
 * failure set.
 */
int net_vhost_check(const struct net *net, struct failure *failure);

/* Opens /dev/vhost-net for each tap. 0, or -errno with the failure set. */
int net_vhost_open(struct net *net, struct failure *failure);

/* Appends what the guest has to make. */
void net_add_to_plan(const struct net *net, struct plan_buffer *plan);

/* Appends the VMM's options. */
void net_add_to_vmm(const struct net *net, struct spawn *vmm);

/* Closes the descriptors: the VMM has its own. */
void net_close(struct net *net);

#endif
