/* SPDX-License-Identifier: Apache-2.0 */
/* A network that was attached between create and start; see net_late.h. */
#include "net_late.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <net/if.h>

#include "fd.h"
#include "net_join.h"
#include "net_read.h"
#include "net_resolver.h"
#include "net_socket.h"
#include "net_summary.h"
#include "plan.h"
#include "proto.h"
#include "report.h"

/* What taps of ours a namespace has: spare ones, or such of interfaces that were joined. */
struct taps {
	unsigned int n_spares;
	bool joined;
};

/* Of the namespace where it runs. 0 or -errno. */
static int find_taps(void *ctx)
{
	struct if_nameindex *interfaces = if_nameindex();
	struct taps *taps = ctx;
	char name[IFNAMSIZ];

	if (!interfaces)
		return -errno;
	for (size_t i = 0; interfaces[i].if_index; i++)
		taps->joined |= net_is_our_tap(interfaces[i].if_name);
	if_freenameindex(interfaces);
	while (taps->n_spares < NET_INTERFACES_MAX) {
		snprintf(name, sizeof(name), NET_TAP_NAME, NET_SPARE_INDEX(taps->n_spares));
		if (!if_nametoindex(name))
			break;
		taps->n_spares++;
	}
	/* the first one is the first that is taken */
	if (taps->n_spares)
		taps->joined = false;
	return 0;
}

/* Whether the container asks Docker's resolver; one that it asks in vain is a warning. */
static bool asks_inside(const struct state *state, int ns_fd)
{
	struct net_resolvers resolvers;
	struct failure ignored = { .text = "" };

	net_resolvers_read(&resolvers, &state->resolv_conf);
	if (ns_fd < 0 || !resolvers.n ||
	    net_within(ns_fd, net_resolvers_listening, &resolvers, &ignored) != 0)
		return resolvers.is_inside;
	for (unsigned int i = 0; i < resolvers.n; i++) {
		const uint8_t *ip = resolvers.other[i];

		report_warning("resolv.conf: nameserver %u.%u.%u.%u: it listens in the container's "
			       "network namespace on the host, where the VM cannot reach it",
			       ip[0], ip[1], ip[2], ip[3]);
	}
	return resolvers.is_inside;
}

/* What START carries. */
static int make_plan(const struct net *net, bool with_resolver, struct monitor_packet *start,
		     struct failure *failure)
{
	struct plan_buffer plan;
	int err = -E2BIG;

	if (net->n == 0 && !with_resolver)
		return 0;
	plan_buffer_begin(&plan);
	net_add_to_plan(net, &plan);
	if (with_resolver)
		plan_buffer_add(&plan, PLAN_RESOLVER, NULL, 0, NULL);
	if (plan_buffer_end(&plan) == 0 && plan.len <= PROTO_START_MAX) {
		memcpy(start->text, plan.bytes, plan.len);
		start->text_len = le32_of((uint32_t)plan.len);
		start->status = le32_of(with_resolver ? MONITOR_START_RESOLVER : 0);
		err = 0;
	}
	plan_buffer_free(&plan);
	if (err)
		failure_set(failure, -E2BIG, "network: too many addresses and routes were attached "
			    "after create: expected at most %u bytes of them", PROTO_START_MAX);
	return err;
}

int net_late_tell(const struct state *state, int ns_fd, struct monitor_packet *start,
		  struct failure *failure)
{
	const struct net none = { .n = 0 };

	return make_plan(&none, asks_inside(state, ns_fd), start, failure);
}

/* Reads what has come, which is to be on the devices of the spare taps. 0 or -errno. */
static int read_attached(struct net *net, int ns_fd, unsigned int n_spares, struct arena *arena,
			 struct failure *failure)
{
	int err = net_read(net, ns_fd, arena, failure);

	if (!err && !n_spares && net->n > 0)
		return failure_set(failure, -ENODEV, "network interface %s: attached after create, "
				   "and no tap was made for it then: /dev/net/tun: expected a device "
				   "that nacre may open", net->interface[0].name);
	if (!err && net->n > n_spares)
		return failure_set(failure, -E2BIG, "network interface %s: expected at most "
				   "%u that are attached after create%s",
				   net->interface[n_spares].name, n_spares,
				   n_spares == 1 ? " by none of its hooks" : "");
	for (unsigned int i = 0; i < net->n && !err; i++)
		net_plain_device(&net->interface[i], i);
	return err;
}

static void say_change(enum net_change change, const char *name)
{
	if (!name)
		report_warning("network: routes or rules changed after create: the container has "
			       "those that there were then");
	else if (change == NET_CAME)
		report_warning("network interface %s: attached after create, beside others: the "
			       "container will not have it", name);
	else if (change == NET_WENT)
		report_warning("network interface %s: taken away after create: the container has "
			       "it all the same", name);
	else
		report_warning("network interface %s: changed after create: the container has the "
			       "addresses, routes and neighbours that there were then", name);
}

/* The guest has what there was at create. What an engine has done since is not carried out, and said. */
static void tell_changes(const struct state *state, int ns_fd, struct arena *arena)
{
	struct net_summary before, now;
	struct failure why = { .text = "" };
	struct net net = { .n = 0 };

	if (!state->network || net_summary_parse(&before, state->network) != 0)
		return;
	if (net_read(&net, ns_fd, arena, &why) != 0) {
		report_warning("%s; what came after create the container will not have", why.text);
		return;
	}
	net_summarize(&net, &now);
	net_summary_compare(&before, &now, say_change);
}

int net_late_attach(const struct state *state, struct monitor_packet *start, struct arena *arena,
		    struct failure *failure)
{
	struct net net = { .n = 0 };
	struct taps taps = { .n_spares = 0 };
	autoclose int ns_fd = -1;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)state->monitor.pid);
	ns_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (ns_fd < 0 && errno == ENOENT) /* it has ended: start will say so */
		return net_late_tell(state, -1, start, failure);
	if (ns_fd < 0)
		return failure_set(failure, -errno, "%s: %s", path, strerror(errno));
	err = net_within(ns_fd, find_taps, &taps, failure);
	if (err)
		return failure_set(failure, err, "the container's network interfaces: %s",
				   strerror(-err));
	if (taps.joined && !state->network)
		return failure_set(failure, -EALREADY, "%s: a start that was ended half-way has joined "
				   "its network: expected the container to be made anew", state->id);
	if (taps.joined) {
		tell_changes(state, ns_fd, arena);
		return net_late_tell(state, ns_fd, start, failure);
	}
	err = read_attached(&net, ns_fd, taps.n_spares, arena, failure);
	if (!err)
		err = make_plan(&net, asks_inside(state, ns_fd), start, failure);
	/* last: who starts the container once more after an error finds all as it was */
	if (!err && net.n > 0)
		err = net_join_late(&net, ns_fd, failure);
	return err;
}
