/* SPDX-License-Identifier: Apache-2.0 */
/* The VMM's command line: network devices. See options.h. */
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "options.h"

enum net_option {
	NET_MAC, /* begins a device */
	NET_MTU,
	NET_TAP,
	NET_VHOST,
	NET_STREAM,
	NET_WATCH,
	NET_WATCH_INDEX,
	NET_TO_BYTES,
	NET_TO_FRAMES,
	NET_FROM_BYTES,
	NET_FROM_FRAMES,
};

static const struct {
	const char *name;
	int64_t min, max;
} table[] = {
	[NET_MAC] = { "--net", 0, 0 },
	[NET_MTU] = { "--net-mtu", 68, UINT16_MAX },
	[NET_TAP] = { "--net-tap", 0, FD_MAX },
	[NET_VHOST] = { "--net-vhost", 0, FD_MAX },
	[NET_STREAM] = { "--net-stream", 0, FD_MAX },
	[NET_WATCH] = { "--net-watch", 0, FD_MAX },
	[NET_WATCH_INDEX] = { "--net-watch-index", 1, INT32_MAX },
	[NET_TO_BYTES] = { "--net-to-guest-bytes", 1, OPTIONS_RATE_MAX },
	[NET_TO_FRAMES] = { "--net-to-guest-frames", 1, OPTIONS_RATE_MAX },
	[NET_FROM_BYTES] = { "--net-from-guest-bytes", 1, OPTIONS_RATE_MAX },
	[NET_FROM_FRAMES] = { "--net-from-guest-frames", 1, OPTIONS_RATE_MAX },
};

#define N_OPTIONS (sizeof(table) / sizeof(table[0]))

/* "02:00:00:00:00:01", of one station. */
static bool parse_mac(const char *text, uint8_t *mac)
{
	for (unsigned int i = 0; i < 6; i++) {
		char *end;
		unsigned long v = strtoul(text, &end, 16);

		if (end != text + 2 || *end != (i < 5 ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)v;
		text = end + 1;
	}
	return !(mac[0] & 1);
}

static void begin_device(struct options *o, const char *text)
{
	struct net_options *n;

	if (o->n_nets == NET_MAX)
		setup_fail(0, "--net: at most %u devices", NET_MAX);
	n = &o->net[o->n_nets++];
	*n = (struct net_options){ .mtu = 1500, .stream = -1, .watch = -1 };
	if (!text || !parse_mac(text, n->mac))
		setup_fail(0, "--net: a MAC address is needed");
}

static void set(struct net_options *n, enum net_option which, int64_t v)
{
	switch (which) {
	case NET_MAC:
		break;
	case NET_MTU:
		n->mtu = (uint16_t)v;
		break;
	case NET_TAP:
		if (n->n_taps == NET_PAIRS_MAX)
			setup_fail(0, "--net-tap: at most %u queues", NET_PAIRS_MAX);
		n->tap[n->n_taps++] = (int)v;
		break;
	case NET_VHOST:
		if (n->n_vhosts == NET_PAIRS_MAX)
			setup_fail(0, "--net-vhost: at most %u queues", NET_PAIRS_MAX);
		n->vhost[n->n_vhosts++] = (int)v;
		break;
	case NET_STREAM:
		n->stream = (int)v;
		break;
	case NET_WATCH:
		n->watch = (int)v;
		break;
	case NET_WATCH_INDEX:
		n->watch_index = (uint32_t)v;
		break;
	case NET_TO_BYTES:
		n->to_guest.bytes = (uint64_t)v;
		break;
	case NET_TO_FRAMES:
		n->to_guest.frames = (uint64_t)v;
		break;
	case NET_FROM_BYTES:
		n->from_guest.bytes = (uint64_t)v;
		break;
	case NET_FROM_FRAMES:
		n->from_guest.frames = (uint64_t)v;
		break;
	}
}

bool options_take_net(struct options *o, const char *name, const char *value)
{
	size_t k = 0;

	while (k < N_OPTIONS && strcmp(name, table[k].name) != 0)
		k++;
	if (k == N_OPTIONS)
		return false;
	if (k == NET_MAC) {
		begin_device(o, value);
		return true;
	}
	if (!o->n_nets)
		setup_fail(0, "%s: --net is needed before it", name);
	set(&o->net[o->n_nets - 1], (enum net_option)k,
	    options_number(name, value, table[k].min, table[k].max));
	return true;
}

static bool has_rate(const struct net_options *n)
{
	return n->to_guest.bytes || n->to_guest.frames || n->from_guest.bytes ||
	       n->from_guest.frames;
}

void options_check_net(const struct options *o)
{
	for (unsigned int i = 0; i < o->n_nets; i++) {
		const struct net_options *n = &o->net[i];

		if (!n->n_taps == (n->stream < 0))
			setup_fail(0, "--net: either --net-tap or --net-stream is needed");
		if (n->n_vhosts && (n->n_vhosts != n->n_taps || has_rate(n)))
			setup_fail(0, "--net-vhost: one for each --net-tap is needed, and no rate");
		if (!n->n_vhosts != !o->net[0].n_vhosts)
			setup_fail(0, "--net-vhost: all devices are needed to have it, or none");
	}
}
