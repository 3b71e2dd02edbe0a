/* SPDX-License-Identifier: Apache-2.0 */
/* The network in the plan; see net.h. */
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "plan.h"

/* Settings of IPv6 that the host's interface has, too. Names with a dot are no names of sysctls. */
static void add_settings(const struct net_interface *interface, struct plan_buffer *plan)
{
	const struct {
		bool given;
		const char *name, *value;
	} settings[] = {
		{ interface->no_router, "accept_ra", "0" },
		{ interface->no_autoconf, "autoconf", "0" },
		{ interface->no_ipv6, "disable_ipv6", "1" },
	};
	char name[64];

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (!settings[i].given || strchr(interface->name, '.'))
			continue;
		snprintf(name, sizeof(name), "net.ipv6.conf.%s.%s", interface->name,
			 settings[i].name);
		plan_buffer_add_pair(plan, PLAN_SYSCTL, name, settings[i].value);
	}
}

void net_add_to_plan(const struct net *net, struct plan_buffer *plan)
{
	for (unsigned int i = 0; i < net->n; i++) {
		const struct net_interface *interface = &net->interface[i];
		struct plan_link link = {
			.index = le32_of(interface->index),
			.mtu = le32_of(interface->mtu),
			.flags = le32_of(interface->flags),
		};

		if (interface->is_spare)
			continue;
		memcpy(link.device, interface->device, sizeof(link.device));
		memcpy(link.mac, interface->mac, sizeof(link.mac));
		plan_buffer_add(plan, PLAN_LINK, &link, sizeof(link),
				(const char *const[]){ interface->name, NULL });
		add_settings(interface, plan);
	}
	for (size_t i = 0; i < net->messages.n; i++) {
		const struct net_message *message = &net->messages.v[i];
		struct {
			struct plan_netlink head;
			uint8_t body[PLAN_NETLINK_MAX];
		} record = { .head.type = le16_of(message->type) };

		/* net_add_message_of() has bounded it */
		memcpy(record.body, message->body, message->len);
		plan_buffer_add(plan, PLAN_NETLINK, &record, sizeof(record.head) + message->len,
				NULL);
	}
}
