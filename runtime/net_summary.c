/* SPDX-License-Identifier: Apache-2.0 */
/* A network namespace in short; see net_summary.h. */
#include "net_summary.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "net_socket.h"

#define FOREVER UINT32_MAX /* ifa_valid */

/* FNV-1a, 64 bits: whoever could make two networks alike would hide them from a warning only. */
#define HASH_BASIS UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)

static uint64_t hash_add(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * HASH_PRIME;
	return hash;
}

static uint64_t hash_attr(uint64_t hash, const struct nlattr *attr)
{
	uint16_t type = mnl_attr_get_type(attr);

	hash = hash_add(hash, &type, sizeof(type));
	return hash_add(hash, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
}

/* What a message says, and of which interface; 0: of none. */
struct said {
	uint32_t index;
	uint64_t hash;
	bool is_left_out;
};

static void say_address(struct said *said, const struct nlmsghdr *head)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(head);
	struct ifa_cacheinfo lifetime = { .ifa_valid = FOREVER };
	const struct nlattr *attr;

	said->index = info->ifa_index;
	said->hash = hash_add(said->hash, &info->ifa_family, sizeof(info->ifa_family));
	said->hash = hash_add(said->hash, &info->ifa_prefixlen, sizeof(info->ifa_prefixlen));
	NET_FOR_EACH_ATTR(attr, head, sizeof(*info)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == IFA_LOCAL || type == IFA_ADDRESS)
			said->hash = hash_attr(said->hash, attr);
		else if (type == IFA_CACHEINFO &&
			 mnl_attr_get_payload_len(attr) >= sizeof(lifetime))
			memcpy(&lifetime, mnl_attr_get_payload(attr), sizeof(lifetime));
	}
	/* loopback's come when that is brought up */
	said->is_left_out = info->ifa_scope >= RT_SCOPE_HOST ||
			    (info->ifa_family == AF_INET6 &&
			     (info->ifa_scope >= RT_SCOPE_LINK || lifetime.ifa_valid != FOREVER));
}

/* The flags of next hops tell of the carrier. */
static void say_route(struct said *said, const struct nlmsghdr *head)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(head);
	const struct nlattr *attr;

	said->hash = hash_add(said->hash, route, sizeof(*route));
	NET_FOR_EACH_ATTR(attr, head, sizeof(*route)) {
		if (mnl_attr_get_type(attr) == RTA_OIF)
			said->index = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) != RTA_MULTIPATH)
			said->hash = hash_attr(said->hash, attr);
	}
}

static struct said message_says(const struct net_message *m)
{
	union {
		struct nlmsghdr head;
		char bytes[sizeof(struct nlmsghdr) + NET_REQUEST_MAX];
	} copy = { .head = { .nlmsg_len = (uint32_t)(sizeof(copy.head) + m->len) } };
	struct said said = { .hash = hash_add(HASH_BASIS, &m->type, sizeof(m->type)) };
	const struct ndmsg *neighbour = mnl_nlmsg_get_payload(&copy.head);

	/* net_add_message_of() has bounded it */
	memcpy(mnl_nlmsg_get_payload(&copy.head), m->body, m->len);
	if (m->type == RTM_NEWADDR) {
		say_address(&said, &copy.head);
	} else if (m->type == RTM_NEWROUTE) {
		say_route(&said, &copy.head);
	} else {
		said.hash = hash_add(said.hash, m->body, m->len);
		if (m->type == RTM_NEWNEIGH)
			said.index = (uint32_t)neighbour->ndm_ifindex;
	}
	return said;
}

static struct net_summary_part *part_of(struct net_summary *summary, uint32_t index)
{
	for (unsigned int i = 0; i < summary->n; i++) {
		if (summary->part[i].index == index)
			return &summary->part[i];
	}
	return NULL;
}

void net_summarize(const struct net *net, struct net_summary *summary)
{
	*summary = (struct net_summary){ .n = 1, .part[0] = { .name = "-" } };
	for (unsigned int i = 0; i < net->n; i++) {
		const struct net_interface *interface = &net->interface[i];
		struct net_summary_part *part = &summary->part[summary->n++];

		part->index = interface->index;
		snprintf(part->name, sizeof(part->name), "%s", interface->name);
		part->digest = hash_add(HASH_BASIS, interface->name, strlen(interface->name));
		part->digest = hash_add(part->digest, interface->mac, sizeof(interface->mac));
		part->digest = hash_add(part->digest, &interface->mtu, sizeof(interface->mtu));
	}
	/* a sum: the kernel may list them in another order */
	for (size_t i = 0; i < net->messages.n; i++) {
		struct said said = message_says(&net->messages.v[i]);
		struct net_summary_part *part = part_of(summary, said.index);

		if (!said.is_left_out)
			(part ? part : &summary->part[0])->digest += said.hash;
	}
}

const char *net_summary_text(const struct net_summary *summary, struct arena *arena)
{
	const char *text = "";

	for (unsigned int i = 0; i < summary->n; i++) {
		const struct net_summary_part *part = &summary->part[i];

		text = arena_printf(arena, "%s%s%" PRIu32 " %s %016" PRIx64, text, i ? " " : "",
				    part->index, part->name, part->digest);
	}
	return text;
}

/* One part, and the blank behind it. What follows, or NULL. No name of an interface has a blank in it. */
static const char *parse_part(struct net_summary_part *part, const char *text)
{
	char *end;
	size_t len;

	part->index = (uint32_t)strtoul(text, &end, 10);
	if (end == text || *end != ' ')
		return NULL;
	text = end + 1;
	len = strcspn(text, " ");
	if (len == 0 || len >= sizeof(part->name) || text[len] != ' ')
		return NULL;
	memcpy(part->name, text, len);
	part->name[len] = '\0';
	text += len + 1;
	part->digest = strtoull(text, &end, 16);
	if (end == text || (*end && *end != ' '))
		return NULL;
	return end + (*end == ' ');
}

int net_summary_parse(struct net_summary *summary, const char *text)
{
	*summary = (struct net_summary){ .n = 0 };
	while (text && *text) {
		if (summary->n == NET_INTERFACES_MAX + 1)
			return -EINVAL;
		text = parse_part(&summary->part[summary->n++], text);
	}
	return text && summary->n ? 0 : -EINVAL;
}

void net_summary_compare(const struct net_summary *before, const struct net_summary *now,
			 void (*say)(enum net_change change, const char *name))
{
	struct net_summary then = *before, later = *now;

	for (unsigned int i = 0; i < later.n; i++) {
		const struct net_summary_part *part = &later.part[i];
		const struct net_summary_part *was = part_of(&then, part->index);

		if (!was)
			say(NET_CAME, part->name);
		else if (was->digest != part->digest)
			say(NET_CHANGED, part->index ? part->name : NULL);
	}
	for (unsigned int i = 0; i < then.n; i++) {
		if (!part_of(&later, then.part[i].index))
			say(NET_WENT, then.part[i].name);
	}
}
