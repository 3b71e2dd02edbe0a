/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a network namespace had when a container was made, in short: kept in its state, so that its start can say
 * what has changed since. What a kernel changes by itself is left out: lifetimes and flags of addresses, those of
 * the host alone, and of IPv6 those that end or are of the link.
 */
#ifndef NACRE_RUNTIME_NET_SUMMARY_H
#define NACRE_RUNTIME_NET_SUMMARY_H

#include "net.h"

struct net_summary_part {
	uint32_t index; /* of the interface; 0: rules, and routes of none */
	char name[16];	/* "-" with index 0 */
	uint64_t digest;
};

struct net_summary {
	unsigned int n;
	struct net_summary_part part[NET_INTERFACES_MAX + 1];
};

/* Of what net_read() has read. */
void net_summarize(const struct net *net, struct net_summary *summary);

/* As one line of text, which net_summary_parse() reads; of the arena. */
const char *net_summary_text(const struct net_summary *summary, struct arena *arena);

/* 0, or -EINVAL: it is no such text. */
int net_summary_parse(struct net_summary *summary, const char *text);

enum net_change { NET_CAME, NET_CHANGED, NET_WENT };

/* Says of each part that differs how. `name` is NULL for rules and routes of no interface. */
void net_summary_compare(const struct net_summary *before, const struct net_summary *now,
			 void (*say)(enum net_change change, const char *name));

#endif
