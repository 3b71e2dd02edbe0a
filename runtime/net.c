/* SPDX-License-Identifier: Apache-2.0 */
/* The network of a container; see net.h. */
#include "net.h"

#include <errno.h>
#include <string.h>

#include "fd.h"
#include "plan.h"

struct net_interface *net_add_interface(struct net *net)
{
	struct net_interface *interface = &net->interface[net->n];

	if (net->n == NET_INTERFACES_MAX)
		return NULL;
	net->n++;
	*interface = (struct net_interface){ .stream_fd = -1, .watch_fd = -1 };
	return interface;
}

void net_plain_device(struct net_interface *interface, unsigned int nth)
{
	memcpy(interface->device, (const uint8_t[])NET_PLAIN_MAC, sizeof(interface->device));
	interface->device[5] = (uint8_t)(interface->device[5] + nth);
	interface->device_mtu = NET_MTU_MAX;
}

int net_add_message_of(struct net *net, const struct nlmsghdr *head, struct arena *arena)
{
	size_t len = mnl_nlmsg_get_payload_len(head);
	struct net_message *message;
	void *body;

	if (len > PLAN_NETLINK_MAX)
		return -EMSGSIZE;
	body = arena_take(arena, len);
	memcpy(body, mnl_nlmsg_get_payload(head), len);
	message = net_add_message(arena, &net->messages);
	*message = (struct net_message){ .type = head->nlmsg_type, .body = body,
					 .len = (uint32_t)len };
	return 0;
}

static void add_limits(const struct net_limits *limits, struct spawn *vmm)
{
	const struct {
		const char *option;
		uint64_t value;
	} options[] = {
		{ "--net-to-guest-bytes", limits->to_guest_bytes },
		{ "--net-to-guest-frames", limits->to_guest_frames },
		{ "--net-from-guest-bytes", limits->from_guest_bytes },
		{ "--net-from-guest-frames", limits->from_guest_frames },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (!options[i].value)
			continue;
		spawn_arg(vmm, options[i].option);
		spawn_arg(vmm, arena_printf(vmm->arena, "%llu",
					    (unsigned long long)options[i].value));
	}
}

void net_add_to_vmm(const struct net *net, struct spawn *vmm)
{
	for (unsigned int i = 0; i < net->n; i++) {
		const struct net_interface *interface = &net->interface[i];
		const uint8_t *m = interface->device;

		spawn_arg(vmm, "--net");
		spawn_arg(vmm, arena_printf(vmm->arena, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1],
					    m[2], m[3], m[4], m[5]));
		spawn_arg(vmm, "--net-mtu");
		spawn_arg(vmm, arena_printf(vmm->arena, "%u", interface->device_mtu));
		add_limits(&net->limits, vmm);
		for (unsigned int k = 0; k < interface->n_taps; k++)
			spawn_arg_fd(vmm, "--net-tap", interface->taps[k]);
		for (unsigned int k = 0; k < interface->n_vhosts; k++)
			spawn_arg_fd(vmm, "--net-vhost", interface->vhosts[k]);
		if (interface->stream_fd >= 0)
			spawn_arg_fd(vmm, "--net-stream", interface->stream_fd);
		if (interface->watch_fd >= 0) {
			spawn_arg_fd(vmm, "--net-watch", interface->watch_fd);
			spawn_arg(vmm, "--net-watch-index");
			spawn_arg(vmm, arena_printf(vmm->arena, "%u", interface->index));
		}
	}
}

void net_close(struct net *net)
{
	for (unsigned int i = 0; i < net->n; i++) {
		struct net_interface *interface = &net->interface[i];

		for (unsigned int k = 0; k < interface->n_taps; k++)
			drop_fd(&interface->taps[k]);
		interface->n_taps = 0;
		for (unsigned int k = 0; k < interface->n_vhosts; k++)
			drop_fd(&interface->vhosts[k]);
		interface->n_vhosts = 0;
		drop_fd(&interface->stream_fd);
		drop_fd(&interface->watch_fd);
	}
}
