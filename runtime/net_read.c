/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces and addresses of a network namespace; see net_read.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include "net_join.h"
#include "net_read.h"
#include "net_socket.h"

/* include/uapi/linux/ipv6.h cannot stand beside <net/if.h>: places in IFLA_INET6_CONF. */
enum { CONF_ACCEPT_RA = 4, CONF_AUTOCONF = 7, CONF_DISABLE_IPV6 = 26 };

#define LOOPBACK_INDEX 1u

/* A reading that ends here, with the failure set. */
static int refuse(struct net_reading *reading, int err)
{
	reading->err = err;
	return MNL_CB_STOP;
}

struct net_interface *net_interface_of(struct net *net, uint32_t index)
{
	for (unsigned int i = 0; i < net->n; i++) {
		if (net->interface[i].index == index)
			return &net->interface[i];
	}
	return NULL;
}

static const struct nlattr *find_nested(const struct nlattr *in, uint16_t type)
{
	const struct nlattr *attr;

	NET_FOR_EACH_NESTED(attr, in) {
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

/* IPv6 as it is set on the interface: whether there is any, and whether routers are listened to. */
static void read_ipv6(struct net_interface *interface, const struct nlattr *spec)
{
	const struct nlattr *inet6 = find_nested(spec, AF_INET6);
	const struct nlattr *conf = inet6 ? find_nested(inet6, IFLA_INET6_CONF) : NULL;
	const int32_t *values;

	interface->no_ipv6 = !inet6;
	if (!conf || mnl_attr_get_payload_len(conf) <= CONF_DISABLE_IPV6 * sizeof(*values))
		return;
	values = mnl_attr_get_payload(conf);
	interface->no_ipv6 = values[CONF_DISABLE_IPV6] != 0;
	interface->no_router = values[CONF_ACCEPT_RA] == 0;
	interface->no_autoconf = values[CONF_AUTOCONF] == 0;
}

static int refuse_kind(struct net_reading *reading, const char *name)
{
	return refuse(reading, failure_set(reading->failure, -EINVAL,
					   "network interface %s: expected Ethernet: a VM has no "
					   "other kind of interface", name));
}

bool net_is_our_tap(const char *name)
{
	size_t digits;

	if (strncmp(name, NET_TAP_PREFIX, strlen(NET_TAP_PREFIX)) != 0)
		return false;
	name += strlen(NET_TAP_PREFIX);
	digits = strspn(name, "0123456789");
	return digits && !name[digits];
}

static int on_link(const struct nlmsghdr *head, void *ctx)
{
	struct net_reading *reading = ctx;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(head);
	const struct nlattr *attr, *mac = NULL, *spec = NULL;
	struct net_interface *interface;
	const char *name = "";
	uint32_t mtu = 0;

	NET_FOR_EACH_ATTR(attr, head, sizeof(*info)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			name = mnl_attr_get_str(attr);
			break;
		case IFLA_ADDRESS:
			mac = attr;
			break;
		case IFLA_MTU:
			mtu = mnl_attr_get_u32(attr);
			break;
		case IFLA_AF_SPEC:
			spec = attr;
			break;
		}
	}
	/* What a module puts into every namespace (tunl0, sit0, ...) is down, and stays out. */
	if (info->ifi_flags & IFF_LOOPBACK || !(info->ifi_flags & IFF_UP) || net_is_our_tap(name))
		return MNL_CB_OK;
	if (info->ifi_type != ARPHRD_ETHER || !mac ||
	    mnl_attr_get_payload_len(mac) != sizeof(interface->mac))
		return refuse_kind(reading, name);
	if (mtu > NET_MTU_MAX)
		return refuse(reading, failure_set(reading->failure, -EINVAL,
						   "network interface %s: MTU %u: expected at most "
						   "%u", name, mtu, NET_MTU_MAX));
	interface = net_add_interface(reading->net);
	if (!interface)
		return refuse(reading, failure_set(reading->failure, -E2BIG,
						   "network interface %s: expected at most %u "
						   "interfaces", name, NET_INTERFACES_MAX));
	snprintf(interface->name, sizeof(interface->name), "%s", name);
	memcpy(interface->mac, mnl_attr_get_payload(mac), sizeof(interface->mac));
	memcpy(interface->device, interface->mac, sizeof(interface->device));
	interface->index = (uint32_t)info->ifi_index;
	interface->mtu = interface->device_mtu = mtu;
	interface->flags = info->ifi_flags & (IFF_UP | IFF_NOARP | IFF_ALLMULTI | IFF_PROMISC);
	if (spec)
		read_ipv6(interface, spec);
	return MNL_CB_OK;
}

/* What a guest may send as, and what it is told to have. */
static void note_address(struct net_reading *reading, struct net_interface *interface,
			 uint8_t family, const struct nlattr *attr)
{
	struct net_address *address = net_add_address(reading->arena, &interface->addresses);
	size_t len = family == AF_INET ? 4 : 16;

	address->family = family;
	memcpy(address->bytes, mnl_attr_get_payload(attr), len);
}

/* Copies an address, but for what belongs to the host's kernel alone. */
static void tell_address(struct net_reading *reading, const struct nlmsghdr *head, uint32_t flags)
{
	char buf[NET_REQUEST_MAX];
	const struct ifaddrmsg *from = mnl_nlmsg_get_payload(head);
	const struct nlattr *attr;
	struct ifaddrmsg *to;
	struct nlmsghdr *message = net_request(buf, RTM_NEWADDR, 0, sizeof(*to), (void **)&to);

	*to = *from;
	to->ifa_flags = 0;
	NET_FOR_EACH_ATTR(attr, head, sizeof(*from)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == IFA_ADDRESS || type == IFA_LOCAL || type == IFA_BROADCAST ||
		    type == IFA_LABEL || type == IFA_CACHEINFO || type == IFA_RT_PRIORITY)
			mnl_attr_put(message, type, mnl_attr_get_payload_len(attr),
				     mnl_attr_get_payload(attr));
	}
	flags &= IFA_F_NOPREFIXROUTE | IFA_F_HOMEADDRESS | IFA_F_MCAUTOJOIN;
	/* The host's kernel has looked for duplicates. */
	if (from->ifa_family == AF_INET6)
		flags |= IFA_F_NODAD;
	mnl_attr_put_u32(message, IFA_FLAGS, flags);
	net_add_message_of(reading->net, message, reading->arena); /* of 256 bytes at most */
}

static int on_address(const struct nlmsghdr *head, void *ctx)
{
	struct net_reading *reading = ctx;
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(head);
	struct net_interface *interface = net_interface_of(reading->net, info->ifa_index);
	const struct nlattr *attr, *own = NULL;
	uint32_t flags = info->ifa_flags;

	if (!interface && info->ifa_index != LOOPBACK_INDEX)
		return MNL_CB_OK;
	if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
		return MNL_CB_OK;
	NET_FOR_EACH_ATTR(attr, head, sizeof(*info)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == IFA_FLAGS)
			flags = mnl_attr_get_u32(attr);
		/* IFA_ADDRESS is the other end's where there are two. */
		if (type == IFA_LOCAL || (type == IFA_ADDRESS && !own))
			own = attr;
	}
	if (!own || mnl_attr_get_payload_len(own) != (info->ifa_family == AF_INET ? 4u : 16u))
		return MNL_CB_OK;
	if (interface) {
		note_address(reading, interface, info->ifa_family, own);
		interface->has_address |= info->ifa_scope < RT_SCOPE_LINK;
	}
	/* Privacy addresses are the guest's own business. */
	if (!(info->ifa_family == AF_INET6 && flags & IFA_F_TEMPORARY))
		tell_address(reading, head, flags);
	return MNL_CB_OK;
}

static int check_interfaces(const struct net *net, struct failure *failure)
{
	for (unsigned int i = 0; i < net->n; i++) {
		if (!net->interface[i].has_address)
			return failure_set(failure, -EINVAL,
					   "network interface %s: expected an address: without one "
					   "the container could send nothing",
					   net->interface[i].name);
	}
	return 0;
}

static int read_all(struct net_reading *reading)
{
	int err = net_dump(reading->socket, RTM_GETLINK, AF_UNSPEC, on_link, reading);

	if (!err && !reading->err)
		err = net_dump(reading->socket, RTM_GETADDR, AF_UNSPEC, on_address, reading);
	if (!err && !reading->err)
		err = check_interfaces(reading->net, reading->failure);
	if (!err && !reading->err)
		err = net_read_routes(reading);
	if (!err && !reading->err)
		net_mark_addresses(reading);
	if (err)
		failure_set(reading->failure, err, "cannot read the network namespace: %s",
			    strerror(-err));
	return err ? err : reading->err;
}

static int open_socket(void *ctx)
{
	struct net_reading *reading = ctx;

	reading->socket = net_socket_open();
	return reading->socket ? 0 : failure_set(reading->failure, -errno, "netlink: %s",
						 strerror(errno));
}

int net_read(struct net *net, int ns_fd, struct arena *arena, struct failure *failure)
{
	struct net_reading reading = { .net = net, .arena = arena, .failure = failure };
	int err = net_within(ns_fd, open_socket, &reading, failure);

	if (err)
		return err;
	err = read_all(&reading);
	mnl_socket_close(reading.socket);
	return err;
}
