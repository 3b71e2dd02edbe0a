/* SPDX-License-Identifier: Apache-2.0 */
/* Routes that come with addresses, and addresses whose route is gone; see net_read.h. */
#include <string.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "net_read.h"
#include "net_socket.h"

static size_t bytes_of(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

void net_note_prefix(struct net_reading *reading, const struct nlmsghdr *head)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(head);
	struct net_prefix *prefix = net_add_prefix(reading->arena, &reading->prefixes);
	const struct nlattr *attr;

	prefix->family = route->rtm_family;
	prefix->len = route->rtm_dst_len;
	NET_FOR_EACH_ATTR(attr, head, sizeof(*route)) {
		if (mnl_attr_get_type(attr) == RTA_OIF)
			prefix->index = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == RTA_DST &&
			 mnl_attr_get_payload_len(attr) == bytes_of(prefix->family))
			memcpy(prefix->bytes, mnl_attr_get_payload(attr), bytes_of(prefix->family));
	}
}

/* Whether the first `len` bits are equal. */
static bool is_in(const uint8_t *address, const uint8_t *prefix, uint8_t len)
{
	unsigned int whole = len / 8u, rest = len % 8u;

	return memcmp(address, prefix, whole) == 0 &&
	       (!rest || (address[whole] ^ prefix[whole]) >> (8 - rest) == 0);
}

static bool has_route(const struct net_prefixes *prefixes, const struct ifaddrmsg *info,
		      const uint8_t *address)
{
	for (size_t i = 0; i < prefixes->n; i++) {
		const struct net_prefix *p = &prefixes->v[i];

		if (p->family == info->ifa_family && p->len == info->ifa_prefixlen &&
		    p->index == info->ifa_index && is_in(address, p->bytes, p->len))
			return true;
	}
	return false;
}

/*
 * `message` is one that net_read.c made: short, and with IFA_FLAGS. With a peer, the route leads to
 * IFA_ADDRESS, the peer's.
 */
static void mark(struct net_message *message, const struct net_reading *reading)
{
	size_t len = sizeof(struct nlmsghdr) + message->len;
	struct nlmsghdr *head = arena_take(reading->arena, len);
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(head);
	const struct nlattr *attr;
	uint32_t *flags = NULL;

	*head = (struct nlmsghdr){ .nlmsg_len = (uint32_t)len };
	memcpy(mnl_nlmsg_get_payload(head), message->body, message->len);
	/* what leads to a loopback interface's addresses are local routes */
	if (!net_interface_of(reading->net, info->ifa_index))
		return;
	NET_FOR_EACH_ATTR(attr, head, sizeof(*info)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == IFA_FLAGS)
			flags = mnl_attr_get_payload(attr);
		if ((type == IFA_ADDRESS || type == IFA_LOCAL) &&
		    mnl_attr_get_payload_len(attr) == bytes_of(info->ifa_family) &&
		    has_route(&reading->prefixes, info, mnl_attr_get_payload(attr)))
			return;
	}
	if (!flags)
		return;
	*flags |= IFA_F_NOPREFIXROUTE;
	message->body = info;
}

void net_mark_addresses(struct net_reading *reading)
{
	struct net_messages *messages = &reading->net->messages;

	for (size_t i = 0; i < messages->n; i++) {
		if (messages->v[i].type == RTM_NEWADDR)
			mark(&messages->v[i], reading);
	}
}
