/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redirects of tc(8); see net_join.h.
 *
 *   interface, ingress   everything -> tap
 *   tap, ingress         IPv4 from the guest's MAC and one of its addresses -> interface
 *                        ARP likewise, and probes for an address (sender 0.0.0.0)
 *                        IPv6 likewise, and ICMPv6 from :: (duplicate detection)
 *                        everything else is dropped
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>

#include "net_join.h"
#include "net_socket.h"

/* Priorities: on the interface one that nobody else takes, so that our filter is known by it. */
#define PRIO_INTERFACE 20033u
#define PRIO_IPV4      1u
#define PRIO_ARP       2u
#define PRIO_IPV6      3u
#define PRIO_DROP      0xfff0u

#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)

static struct nlmsghdr *begin(char *buf, uint16_t type, uint16_t flags, uint32_t index,
			      uint32_t parent, struct tcmsg **tcm)
{
	struct nlmsghdr *request = net_request(buf, type, flags, sizeof(**tcm), (void **)tcm);

	(*tcm)->tcm_family = AF_UNSPEC;
	(*tcm)->tcm_ifindex = (int)index;
	(*tcm)->tcm_parent = parent;
	return request;
}

/* A classifier's place. One that is there already (an ingress discipline, too) serves as well. */
static int add_clsact(struct mnl_socket *socket, uint32_t index)
{
	char buf[NET_REQUEST_MAX];
	struct tcmsg *tcm;
	struct nlmsghdr *request = begin(buf, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, index,
					 TC_H_CLSACT, &tcm);
	int err;

	tcm->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz(request, TCA_KIND, "clsact");
	err = net_request_send(socket, request);
	return err == -EEXIST ? 0 : err;
}

static struct nlmsghdr *begin_filter(char *buf, uint32_t index, uint16_t prio, uint16_t protocol,
				     const char *kind, struct nlattr **options)
{
	struct tcmsg *tcm;
	struct nlmsghdr *request = begin(buf, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, index,
					 INGRESS, &tcm);

	tcm->tcm_info = TC_H_MAKE((uint32_t)prio << 16, htons(protocol));
	mnl_attr_put_strz(request, TCA_KIND, kind);
	*options = mnl_attr_nest_start(request, TCA_OPTIONS);
	return request;
}

/* The filter's only action: out of another interface, or (to = 0) nowhere. */
static void put_action(struct nlmsghdr *request, uint16_t type, uint32_t to)
{
	struct tc_mirred redirect = { .action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR,
				      .ifindex = to };
	struct tc_gact drop = { .action = TC_ACT_SHOT };
	struct nlattr *actions = mnl_attr_nest_start(request, type);
	struct nlattr *action = mnl_attr_nest_start(request, 1);
	struct nlattr *options;

	mnl_attr_put_strz(request, TCA_ACT_KIND, to ? "mirred" : "gact");
	options = mnl_attr_nest_start(request, TCA_ACT_OPTIONS);
	if (to)
		mnl_attr_put(request, TCA_MIRRED_PARMS, sizeof(redirect), &redirect);
	else
		mnl_attr_put(request, TCA_GACT_PARMS, sizeof(drop), &drop);
	mnl_attr_nest_end(request, options);
	mnl_attr_nest_end(request, action);
	mnl_attr_nest_end(request, actions);
}

/* Everything that comes in at `from`. */
static int redirect_all(struct mnl_socket *socket, uint32_t from, uint16_t prio, uint32_t to)
{
	char buf[NET_REQUEST_MAX];
	struct nlattr *options;
	struct nlmsghdr *request = begin_filter(buf, from, prio, ETH_P_ALL, "matchall", &options);

	put_action(request, TCA_MATCHALL_ACT, to);
	mnl_attr_nest_end(request, options);
	return net_request_send(socket, request);
}

static void put_key(struct nlmsghdr *request, uint16_t key, uint16_t mask, const void *value,
		    size_t len)
{
	uint8_t ones[16];

	memset(ones, 0xff, sizeof(ones));
	mnl_attr_put(request, key, len, value);
	mnl_attr_put(request, mask, len, ones);
}

/* A kind of frame with a sender's address in it. */
struct match {
	uint16_t protocol, prio;
	uint16_t key, mask;
	size_t len;
	uint8_t ip_proto; /* 0: any */
};

static const struct match match_ipv4 = { ETH_P_IP, PRIO_IPV4, TCA_FLOWER_KEY_IPV4_SRC,
					 TCA_FLOWER_KEY_IPV4_SRC_MASK, 4, 0 };
static const struct match match_arp = { ETH_P_ARP, PRIO_ARP, TCA_FLOWER_KEY_ARP_SIP,
					TCA_FLOWER_KEY_ARP_SIP_MASK, 4, 0 };
static const struct match match_ipv6 = { ETH_P_IPV6, PRIO_IPV6, TCA_FLOWER_KEY_IPV6_SRC,
					 TCA_FLOWER_KEY_IPV6_SRC_MASK, 16, 0 };
static const struct match match_icmpv6 = { ETH_P_IPV6, PRIO_IPV6, TCA_FLOWER_KEY_IPV6_SRC,
					   TCA_FLOWER_KEY_IPV6_SRC_MASK, 16, IPPROTO_ICMPV6 };

static int pass(struct mnl_socket *socket, const struct net_interface *interface, uint32_t tap,
		const struct match *match, const uint8_t *sender)
{
	char buf[NET_REQUEST_MAX];
	struct nlattr *options;
	struct nlmsghdr *request = begin_filter(buf, tap, match->prio, match->protocol, "flower",
						&options);
	int err;

	mnl_attr_put_u16(request, TCA_FLOWER_KEY_ETH_TYPE, htons(match->protocol));
	put_key(request, TCA_FLOWER_KEY_ETH_SRC, TCA_FLOWER_KEY_ETH_SRC_MASK, interface->mac,
		sizeof(interface->mac));
	put_key(request, match->key, match->mask, sender, match->len);
	if (match->protocol == ETH_P_ARP)
		put_key(request, TCA_FLOWER_KEY_ARP_SHA, TCA_FLOWER_KEY_ARP_SHA_MASK,
			interface->mac, sizeof(interface->mac));
	if (match->ip_proto)
		mnl_attr_put_u8(request, TCA_FLOWER_KEY_IP_PROTO, match->ip_proto);
	put_action(request, TCA_FLOWER_ACT, interface->index);
	mnl_attr_nest_end(request, options);
	err = net_request_send(socket, request);
	return err == -EEXIST ? 0 : err; /* an address that two prefixes have */
}

/* The link-local address that the guest's kernel makes from the MAC address, RFC 4291 appendix A. */
static void make_link_local(const uint8_t *mac, uint8_t *bytes)
{
	const uint8_t id[8] = { mac[0] ^ 2u, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5] };

	memset(bytes, 0, 16);
	bytes[0] = 0xfe;
	bytes[1] = 0x80;
	memcpy(bytes + 8, id, sizeof(id));
}

static int pass_own(struct mnl_socket *socket, const struct net_interface *interface, uint32_t tap)
{
	static const uint8_t nobody[16];
	uint8_t link_local[16];
	int err = pass(socket, interface, tap, &match_arp, nobody);

	for (size_t i = 0; i < interface->addresses.n && !err; i++) {
		const struct net_address *a = &interface->addresses.v[i];

		if (a->family == AF_INET6) {
			err = pass(socket, interface, tap, &match_ipv6, a->bytes);
			continue;
		}
		err = pass(socket, interface, tap, &match_ipv4, a->bytes);
		if (!err)
			err = pass(socket, interface, tap, &match_arp, a->bytes);
	}
	if (err || interface->no_ipv6)
		return err;
	make_link_local(interface->mac, link_local);
	err = pass(socket, interface, tap, &match_ipv6, link_local);
	return err ? err : pass(socket, interface, tap, &match_icmpv6, nobody);
}

int net_redirect(struct mnl_socket *socket, const struct net_interface *interface, uint32_t tap)
{
	int err = add_clsact(socket, tap);

	/* What is not ours is dropped before anything passes. */
	if (!err)
		err = redirect_all(socket, tap, PRIO_DROP, 0);
	if (!err)
		err = pass_own(socket, interface, tap);
	if (!err)
		err = add_clsact(socket, interface->index);
	if (!err)
		err = redirect_all(socket, interface->index, PRIO_INTERFACE, tap);
	return err;
}

static int note_filter(const struct nlmsghdr *head, void *ctx)
{
	(void)head;
	*(bool *)ctx = true;
	return MNL_CB_OK;
}

/* Whether an interface has filters in one direction. */
static bool has_filters(struct mnl_socket *socket, uint32_t index, uint32_t parent)
{
	char buf[NET_REQUEST_MAX];
	struct tcmsg *tcm;
	struct nlmsghdr *request = begin(buf, RTM_GETTFILTER, 0, index, parent, &tcm);
	bool found = false;

	return net_dump_request(socket, request, note_filter, &found) || found;
}

void net_redirect_clear(struct mnl_socket *socket, uint32_t tap)
{
	char buf[NET_REQUEST_MAX];
	struct tcmsg *tcm;
	struct nlmsghdr *request = begin(buf, RTM_DELQDISC, 0, tap, TC_H_CLSACT, &tcm);

	tcm->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz(request, TCA_KIND, "clsact");
	(void)net_request_send(socket, request);
}

void net_redirect_undo(struct mnl_socket *socket, uint32_t index)
{
	char buf[NET_REQUEST_MAX];
	struct tcmsg *tcm;
	struct nlmsghdr *request = begin(buf, RTM_DELTFILTER, 0, index, INGRESS, &tcm);

	tcm->tcm_info = TC_H_MAKE(PRIO_INTERFACE << 16, htons(ETH_P_ALL));
	if (net_request_send(socket, request))
		return;
	if (has_filters(socket, index, INGRESS) ||
	    has_filters(socket, index, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)))
		return;
	net_redirect_clear(socket, index);
}
