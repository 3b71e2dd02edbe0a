/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes, rules and neighbours of a network namespace; see net_read.h. Messages of the kernel are kept
 * for the guest's nearly as they are, as `ip route save` does it: what the guest's kernel makes by
 * itself is left out.
 */
#include <errno.h>
#include <string.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "net_read.h"
#include "net_socket.h"

/* Rules that every namespace has, by their priority. */
static const struct {
	uint32_t priority, table;
} rules_of_the_kernel[] = {
	{ 0, RT_TABLE_LOCAL },
	{ 32766, RT_TABLE_MAIN },
	{ 32767, RT_TABLE_DEFAULT },
};

static uint32_t attr_u32(const struct nlmsghdr *head, size_t skip, uint16_t type, uint32_t other)
{
	const struct nlattr *attr;

	NET_FOR_EACH_ATTR(attr, head, skip) {
		if (mnl_attr_get_type(attr) == type)
			return mnl_attr_get_u32(attr);
	}
	return other;
}

static bool attr_is_there(const struct nlmsghdr *head, size_t skip, uint16_t type)
{
	const struct nlattr *attr;

	NET_FOR_EACH_ATTR(attr, head, skip) {
		if (mnl_attr_get_type(attr) == type)
			return true;
	}
	return false;
}

/* Whether the guest has to be told of a route. */
static bool route_is_told(const struct nlmsghdr *head, const struct rtmsg *route)
{
	uint32_t table = attr_u32(head, sizeof(*route), RTA_TABLE, route->rtm_table);

	if (route->rtm_flags & RTM_F_CLONED || table == RT_TABLE_LOCAL)
		return false;
	/* Made with an address, by a router's redirect or advertisement: the guest's kernel will. */
	if (route->rtm_protocol == RTPROT_KERNEL || route->rtm_protocol == RTPROT_REDIRECT ||
	    route->rtm_protocol == RTPROT_RA)
		return false;
	switch (route->rtm_type) {
	case RTN_UNICAST:
	case RTN_LOCAL: /* in another table: what a transparent proxy takes */
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
	case RTN_THROW:
		return true;
	default:
		return false;
	}
}

static bool route_has_gateway(const struct nlmsghdr *head)
{
	return attr_is_there(head, sizeof(struct rtmsg), RTA_GATEWAY) ||
	       attr_is_there(head, sizeof(struct rtmsg), RTA_VIA) ||
	       attr_is_there(head, sizeof(struct rtmsg), RTA_MULTIPATH);
}

/* Copies a message without attributes that only tell how things are on the host. */
static int tell(struct net_reading *reading, const struct nlmsghdr *head, size_t len,
		const uint16_t *types, size_t n_types)
{
	char buf[NET_REQUEST_MAX];
	const struct nlattr *attr;
	void *body;
	struct nlmsghdr *message = net_request(buf, head->nlmsg_type, 0, len, &body);

	memcpy(body, mnl_nlmsg_get_payload(head), len);
	NET_FOR_EACH_ATTR(attr, head, len) {
		uint16_t type = mnl_attr_get_type(attr);
		size_t i = 0;

		while (i < n_types && types[i] != type)
			i++;
		if (i < n_types && !mnl_attr_put_check(message, sizeof(buf), type,
						       mnl_attr_get_payload_len(attr),
						       mnl_attr_get_payload(attr)))
			return -EMSGSIZE;
	}
	if (head->nlmsg_type == RTM_NEWROUTE)
		((struct rtmsg *)body)->rtm_flags &= RTNH_F_ONLINK;
	/* The kernel does not say a priority of 0, and chooses where none is said. */
	if (head->nlmsg_type == RTM_NEWRULE && !attr_is_there(head, len, FRA_PRIORITY))
		mnl_attr_put_u32(message, FRA_PRIORITY, 0);
	return net_add_message_of(reading->net, message, reading->arena);
}

static int refuse_route(struct net_reading *reading, int err, const char *why)
{
	reading->err = failure_set(reading->failure, err, "network: %s", why);
	return MNL_CB_STOP;
}

/* A default route of the same weight as an earlier one: which of them would hold? */
static bool is_second_default(const struct net *net, const struct nlmsghdr *head)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(head);
	uint32_t priority = attr_u32(head, sizeof(*route), RTA_PRIORITY, 0);
	uint32_t table = attr_u32(head, sizeof(*route), RTA_TABLE, route->rtm_table);

	for (size_t i = 0; i < net->messages.n; i++) {
		const struct net_message *m = &net->messages.v[i];
		const struct rtmsg *other = m->body;
		struct {
			struct nlmsghdr head;
			char body[NET_REQUEST_MAX];
		} copy = { .head.nlmsg_len = (uint32_t)(sizeof(copy.head) + m->len) };

		if (m->type != RTM_NEWROUTE || other->rtm_family != route->rtm_family ||
		    other->rtm_dst_len || other->rtm_tos != route->rtm_tos)
			continue;
		memcpy(copy.body, m->body, m->len);
		if (attr_u32(&copy.head, sizeof(*other), RTA_PRIORITY, 0) == priority &&
		    attr_u32(&copy.head, sizeof(*other), RTA_TABLE, other->rtm_table) == table)
			return true;
	}
	return false;
}

static int on_route(const struct nlmsghdr *head, void *ctx)
{
	static const uint16_t types[] = { RTA_DST, RTA_SRC, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY,
					  RTA_PREFSRC, RTA_METRICS, RTA_MULTIPATH, RTA_TABLE,
					  RTA_PREF, RTA_VIA, RTA_FLOW };
	struct net_reading *reading = ctx;
	const struct rtmsg *route = mnl_nlmsg_get_payload(head);

	if (route->rtm_protocol == RTPROT_KERNEL && route->rtm_type == RTN_UNICAST && !reading->with_gateway)
		net_note_prefix(reading, head);
	if (!route_is_told(head, route) || route_has_gateway(head) != reading->with_gateway)
		return MNL_CB_OK;
	if (attr_is_there(head, sizeof(*route), RTA_ENCAP))
		return refuse_route(reading, -EINVAL, "a route with an encapsulation: expected "
				    "plain routes");
	if (!route->rtm_dst_len && route->rtm_type == RTN_UNICAST &&
	    is_second_default(reading->net, head))
		return refuse_route(reading, -EINVAL, "two default routes of the same metric: "
				    "expected one, or different metrics");
	if (tell(reading, head, sizeof(*route), types, sizeof(types) / sizeof(types[0])))
		return refuse_route(reading, -EMSGSIZE, "a route with too many next hops");
	return MNL_CB_OK;
}

/* Whether a rule is one that the guest's kernel has as well: for all packets. */
static bool rule_is_the_kernels(const struct nlmsghdr *head)
{
	static const uint16_t selectors[] = {
		FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_OIFNAME, FRA_FWMARK, FRA_UID_RANGE, FRA_IP_PROTO,
		FRA_SPORT_RANGE, FRA_DPORT_RANGE, FRA_GOTO,
	};
	const struct fib_rule_hdr *rule = mnl_nlmsg_get_payload(head);
	const size_t len = sizeof(*rule);
	uint32_t priority = attr_u32(head, len, FRA_PRIORITY, 0);
	uint32_t table = attr_u32(head, len, FRA_TABLE, rule->table);

	if (rule->action != FR_ACT_TO_TBL || rule->tos || rule->flags & FIB_RULE_INVERT)
		return false;
	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
		if (attr_is_there(head, len, selectors[i]))
			return false;
	}
	for (size_t i = 0; i < sizeof(rules_of_the_kernel) / sizeof(rules_of_the_kernel[0]); i++) {
		if (rules_of_the_kernel[i].priority == priority && rules_of_the_kernel[i].table == table)
			return true;
	}
	return false;
}

static int on_rule(const struct nlmsghdr *head, void *ctx)
{
	static const uint16_t types[] = {
		FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_GOTO, FRA_PRIORITY, FRA_FWMARK, FRA_FLOW,
		FRA_TABLE, FRA_FWMASK, FRA_OIFNAME, FRA_SUPPRESS_IFGROUP,
		FRA_SUPPRESS_PREFIXLEN, FRA_UID_RANGE, FRA_PROTOCOL, FRA_IP_PROTO,
		FRA_SPORT_RANGE, FRA_DPORT_RANGE,
	};
	struct net_reading *reading = ctx;
	const size_t len = sizeof(struct fib_rule_hdr);

	if (rule_is_the_kernels(head))
		return MNL_CB_OK;
	if (attr_is_there(head, len, FRA_L3MDEV) || attr_is_there(head, len, FRA_TUN_ID))
		return refuse_route(reading, -EINVAL, "a rule with l3mdev or tun_id: expected rules of "
				    "addresses, marks, ports and interfaces");
	if (tell(reading, head, len, types, sizeof(types) / sizeof(types[0])))
		return refuse_route(reading, -EMSGSIZE, "a rule that is too long");
	return MNL_CB_OK;
}

static int on_neighbour(const struct nlmsghdr *head, void *ctx)
{
	static const uint16_t types[] = { NDA_DST, NDA_LLADDR };
	struct net_reading *reading = ctx;
	const struct ndmsg *neighbour = mnl_nlmsg_get_payload(head);

	/* Others are found when they are needed. */
	if (!(neighbour->ndm_state & NUD_PERMANENT) ||
	    !net_interface_of(reading->net, (uint32_t)neighbour->ndm_ifindex))
		return MNL_CB_OK;
	if (tell(reading, head, sizeof(*neighbour), types, sizeof(types) / sizeof(types[0])))
		return refuse_route(reading, -EMSGSIZE, "a neighbour that is too long");
	return MNL_CB_OK;
}

int net_read_routes(struct net_reading *reading)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	static const struct {
		uint16_t type;
		bool with_gateway;
		mnl_cb_t each;
	} passes[] = {
		{ RTM_GETROUTE, false, on_route },
		{ RTM_GETROUTE, true, on_route },
		{ RTM_GETRULE, false, on_rule },
		{ RTM_GETNEIGH, false, on_neighbour },
	};
	int err = 0;

	for (size_t p = 0; p < sizeof(passes) / sizeof(passes[0]); p++) {
		reading->with_gateway = passes[p].with_gateway;
		for (size_t f = 0; f < 2 && !err && !reading->err; f++) {
			err = net_dump(reading->socket, passes[p].type, families[f],
				       passes[p].each, reading);
			/* a host without IPv6 */
			if (err == -EOPNOTSUPP || err == -EAFNOSUPPORT)
				err = 0;
		}
	}
	return err;
}
