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
#include "plan.h"
#include "proto.h"

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

/* What START carries. */
static int make_plan(const struct net *net, const char *resolv_conf, struct monitor_packet *start,
		     struct failure *failure)
{
	bool asks_inside = net_resolver_is_inside(resolv_conf);
	struct plan_buffer plan;
	int err = -E2BIG;

	if (net->n == 0 && !asks_inside)
		return 0;
	plan_buffer_begin(&plan);
	net_add_to_plan(net, &plan);
	if (asks_inside)
		plan_buffer_add(&plan, PLAN_RESOLVER, NULL, 0, NULL);
	if (plan_buffer_end(&plan) == 0 && plan.len <= PROTO_START_MAX) {
		memcpy(start->text, plan.bytes, plan.len);
		start->text_len = le32_of((uint32_t)plan.len);
		start->status = le32_of(asks_inside ? MONITOR_START_RESOLVER : 0);
		err = 0;
	}
	plan_buffer_free(&plan);
	if (err)
		failure_set(failure, -E2BIG, "network: too many addresses and routes were attached "
			    "after create: expected at most %u bytes of them", PROTO_START_MAX);
	return err;
}

int net_late_tell(const char *resolv_conf, struct monitor_packet *start, struct failure *failure)
{
	const struct net none = { .n = 0 };

	return make_plan(&none, resolv_conf, start, failure);
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

int net_late_attach(pid_t monitor, const char *resolv_conf, struct monitor_packet *start,
		    struct arena *arena, struct failure *failure)
{
	struct net net = { .n = 0 };
	struct taps taps = { .n_spares = 0 };
	autoclose int ns_fd = -1;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)monitor);
	ns_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (ns_fd < 0) /* it has ended: start will say so */
		return net_late_tell(resolv_conf, start, failure);
	err = net_within(ns_fd, find_taps, &taps, failure);
	if (err)
		return failure_set(failure, err, "the container's network interfaces: %s",
				   strerror(-err));
	if (taps.joined)
		return net_late_tell(resolv_conf, start, failure);
	err = read_attached(&net, ns_fd, taps.n_spares, arena, failure);
	if (!err)
		err = make_plan(&net, resolv_conf, start, failure);
	/* last: who starts the container once more after an error finds all as it was */
	if (!err && net.n > 0)
		err = net_join_late(&net, ns_fd, failure);
	return err;
}
