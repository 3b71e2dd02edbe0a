/* SPDX-License-Identifier: Apache-2.0 */
/* Taps for the interfaces of a network namespace; see net_join.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "fd.h"
#include "net_join.h"
#include "net_socket.h"
#include "report.h"

/* struct virtio_net_hdr_v1: what the VMM's device speaks. */
#define HEADER_LEN 12

#define TUN "/dev/net/tun"

/* One queue of a tap; the first one makes the tap, and none joins another VM's. -errno. */
static int tap_open(const char *name, bool many, bool first)
{
	autoclose int fd = open(TUN, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq ifr = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
						  (many ? IFF_MULTI_QUEUE : 0) |
						  (first ? IFF_TUN_EXCL : 0)) };
	int len = HEADER_LEN, little_endian = 1;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &len) < 0 ||
	    ioctl(fd, TUNSETVNETLE, &little_endian) < 0)
		return -errno;
	return steal_fd(&fd);
}

/* In the namespace. */
static int taps_open(struct net_interface *interface, unsigned int queues, struct failure *failure)
{
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), NET_TAP_NAME, interface->index);
	while (interface->n_taps < queues) {
		int fd = tap_open(name, queues > 1, interface->n_taps == 0);

		if (fd == -EBUSY || fd == -EINVAL)
			return failure_set(failure, fd, "network interface %s: another VM has it "
					   "(%s): expected a network namespace of the container's "
					   "own", interface->name, name);
		if (fd < 0)
			return failure_set(failure, fd, "network interface %s: cannot make a tap: "
					   TUN ": %s", interface->name, strerror(-fd));
		interface->taps[interface->n_taps++] = fd;
	}
	return 0;
}

/* As large as the interface, silent by itself (no IPv6 address of its own), and up. 0 or -errno. */
static int tap_set_up(struct mnl_socket *socket, uint32_t index, uint32_t mtu)
{
	char buf[NET_REQUEST_MAX];
	struct ifinfomsg *info;
	struct nlmsghdr *request = net_request(buf, RTM_NEWLINK, 0, sizeof(*info), (void **)&info);
	struct nlattr *spec, *inet6;
	int err;

	info->ifi_index = (int)index;
	mnl_attr_put_u32(request, IFLA_MTU, mtu);
	err = net_request_send(socket, request);
	if (err)
		return err;
	request = net_request(buf, RTM_NEWLINK, 0, sizeof(*info), (void **)&info);
	info->ifi_index = (int)index;
	spec = mnl_attr_nest_start(request, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(request, AF_INET6);
	mnl_attr_put_u8(request, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(request, inet6);
	mnl_attr_nest_end(request, spec);
	(void)net_request_send(socket, request); /* a host without IPv6 has no such thing */
	request = net_request(buf, RTM_NEWLINK, 0, sizeof(*info), (void **)&info);
	info->ifi_index = (int)index;
	info->ifi_flags = info->ifi_change = IFF_UP | IFF_NOARP;
	return net_request_send(socket, request);
}

/*
 * A socket that hears of links; in it already lies the answer to how the interface is now. In the
 * namespace. -errno.
 */
static int watch_open(const struct net_interface *interface)
{
	autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
				  NETLINK_ROUTE);
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	char buf[NET_REQUEST_MAX];
	struct ifinfomsg *info;
	struct nlmsghdr *request = net_request(buf, RTM_GETLINK, 0, sizeof(*info), (void **)&info);

	info->ifi_index = (int)interface->index;
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(fd, request, request->nlmsg_len, 0) < 0)
		return -errno;
	return steal_fd(&fd);
}

static int interface_join(struct net_interface *interface, unsigned int queues,
			  struct mnl_socket *socket, struct failure *failure)
{
	char name[IFNAMSIZ];
	uint32_t tap;
	int err = taps_open(interface, queues, failure);

	if (err)
		return err;
	snprintf(name, sizeof(name), NET_TAP_NAME, interface->index);
	tap = if_nametoindex(name);
	err = tap_set_up(socket, tap, interface->mtu);
	if (err)
		return failure_set(failure, err, "network interface %s: cannot set up its tap: %s",
				   interface->name, strerror(-err));
	net_redirect_undo(socket, interface->index); /* what a killed one left */
	err = net_redirect(socket, interface, tap);
	if (err)
		return failure_set(failure, err, "network interface %s: the kernel refuses to "
				   "redirect it (tc: clsact, flower, matchall, mirred): %s",
				   interface->name, strerror(-err));
	interface->watch_fd = watch_open(interface);
	if (interface->watch_fd < 0)
		return failure_set(failure, interface->watch_fd, "network interface %s: netlink: "
				   "%s", interface->name, strerror(-interface->watch_fd));
	return 0;
}

/* What net_join() and its like carry into the namespace. */
struct joining {
	struct net *net;
	unsigned int queues;
	struct failure *failure;
};

bool net_has_taps(void)
{
	autoclose int fd = open(TUN, O_RDWR | O_CLOEXEC);

	return fd >= 0;
}

static unsigned int queues_of(unsigned int wanted)
{
	return wanted > NET_QUEUES_MAX ? NET_QUEUES_MAX : wanted;
}

static int make_spares(void *ctx)
{
	const struct joining *joining = ctx;
	struct net *net = joining->net;
	autoclose int fd = open(TUN, O_RDWR | O_CLOEXEC);
	int err = 0;

	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return failure_set(joining->failure, -errno, TUN ": %s", strerror(errno));
	if (fd < 0) {
		report_debug("no network can be attached after create: " TUN ": %s",
			     strerror(errno));
		net->n = 0;
		return 0;
	}
	for (unsigned int i = 0; i < net->n && !err; i++)
		err = taps_open(&net->interface[i], joining->queues, joining->failure);
	return err;
}

int net_join_spares(struct net *net, int ns_fd, unsigned int n, unsigned int queues,
		    struct failure *failure)
{
	struct joining joining = { .net = net, .queues = queues_of(queues), .failure = failure };

	for (unsigned int i = 0; i < n; i++) {
		struct net_interface *interface = net_add_interface(net);

		interface->is_spare = true;
		snprintf(interface->name, sizeof(interface->name), "(to come)");
		net_plain_device(interface, i);
		interface->index = NET_SPARE_INDEX(i);
	}
	return net_within(ns_fd, make_spares, &joining, failure);
}

/* A spare tap gets the name of an interface's, or its own again. In the namespace. */
static int tap_rename(struct mnl_socket *socket, uint32_t tap, uint32_t index)
{
	char buf[NET_REQUEST_MAX], name[IFNAMSIZ];
	struct ifinfomsg *info;
	struct nlmsghdr *request = net_request(buf, RTM_NEWLINK, 0, sizeof(*info), (void **)&info);

	snprintf(name, sizeof(name), NET_TAP_NAME, index);
	info->ifi_index = (int)tap;
	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	return net_request_send(socket, request);
}

/* As it was before late_redirect(), however far that came. An interface that is up keeps its name. */
static void late_undo(struct mnl_socket *socket, uint32_t index, uint32_t tap, unsigned int nth)
{
	char buf[NET_REQUEST_MAX];
	struct ifinfomsg *info;
	struct nlmsghdr *request = net_request(buf, RTM_NEWLINK, 0, sizeof(*info), (void **)&info);

	info->ifi_index = (int)tap;
	info->ifi_change = IFF_UP;
	(void)net_request_send(socket, request);
	(void)tap_rename(socket, tap, NET_SPARE_INDEX(nth));
	net_redirect_undo(socket, index);
	net_redirect_clear(socket, tap);
}

/* The new name says that all is done (net_late.c): so it is the last step but one. */
static int late_redirect(struct mnl_socket *socket, const struct net_interface *interface,
			 uint32_t tap)
{
	int err = net_redirect(socket, interface, tap);

	if (!err)
		err = tap_rename(socket, tap, interface->index);
	if (!err)
		err = tap_set_up(socket, tap, interface->mtu);
	return err;
}

static int join_late(void *ctx)
{
	const struct joining *joining = ctx;
	struct net *net = joining->net;
	struct mnl_socket *socket = net_socket_open();
	uint32_t taps[NET_INTERFACES_MAX];
	char name[IFNAMSIZ];
	unsigned int i;
	int err = 0;

	if (!socket)
		return failure_set(joining->failure, -errno, "netlink: %s", strerror(errno));
	for (i = 0; i < net->n && !err; i++) {
		snprintf(name, sizeof(name), NET_TAP_NAME, NET_SPARE_INDEX(i));
		taps[i] = if_nametoindex(name);
		err = taps[i] ? late_redirect(socket, &net->interface[i], taps[i]) : -ENODEV;
	}
	if (err) {
		failure_set(joining->failure, err, "network interface %s: cannot join it to the VM: "
			    "%s", net->interface[i - 1].name, strerror(-err));
		while (i-- > 0)
			late_undo(socket, net->interface[i].index, taps[i], i);
	}
	mnl_socket_close(socket);
	return err;
}

int net_join_late(struct net *net, int ns_fd, struct failure *failure)
{
	struct joining joining = { .net = net, .failure = failure };

	return net_within(ns_fd, join_late, &joining, failure);
}

static int join_all(void *ctx)
{
	const struct joining *joining = ctx;
	struct mnl_socket *socket = net_socket_open();
	int err = 0;

	if (!socket)
		return failure_set(joining->failure, -errno, "netlink: %s", strerror(errno));
	for (unsigned int i = 0; i < joining->net->n && !err; i++)
		err = interface_join(&joining->net->interface[i], joining->queues, socket,
				     joining->failure);
	mnl_socket_close(socket);
	return err;
}

int net_join(struct net *net, int ns_fd, unsigned int queues, struct failure *failure)
{
	struct joining joining = {
		.net = net,
		.queues = queues_of(queues),
		.failure = failure,
	};

	return net_within(ns_fd, join_all, &joining, failure);
}

struct indices {
	uint32_t v[64];
	size_t n;
};

static int on_link(const struct nlmsghdr *head, void *ctx)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(head);
	struct indices *indices = ctx;

	if (indices->n < sizeof(indices->v) / sizeof(indices->v[0]))
		indices->v[indices->n++] = (uint32_t)info->ifi_index;
	return MNL_CB_OK;
}

/* Whether a VM has the interface: its tap is there as long as the VM. In the namespace. */
static bool is_taken(uint32_t index)
{
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), NET_TAP_NAME, index);
	return if_nametoindex(name) != 0;
}

static int undo_all(void *ctx)
{
	struct mnl_socket *socket = net_socket_open();
	struct indices indices = { .n = 0 };

	(void)ctx;
	if (!socket)
		return -errno;
	if (net_dump(socket, RTM_GETLINK, AF_UNSPEC, on_link, &indices) == 0) {
		for (size_t i = 0; i < indices.n; i++) {
			if (!is_taken(indices.v[i]))
				net_redirect_undo(socket, indices.v[i]);
		}
	}
	mnl_socket_close(socket);
	return 0;
}

void net_part(const char *path)
{
	struct failure ignored = { .text = "" };
	autoclose int ns_fd = net_namespace_open(path, &ignored);

	if (ns_fd >= 0)
		(void)net_within(ns_fd, undo_all, NULL, &ignored);
}
