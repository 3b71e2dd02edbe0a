/* SPDX-License-Identifier: Apache-2.0 */
/* The network in the plan; see net.h. */
#include <string.h>

#include "net.h"
#include "plan.h"

void net_add_to_plan(const struct net *net, struct plan_buffer *plan)
{
	for (unsigned int i = 0; i < net->n; i++) {
		const struct net_interface *interface = &net->interface[i];
		struct plan_link link = {
			.index = le32_of(interface->index),
			.mtu = le32_of(interface->mtu),
			.flags = le32_of(interface->flags),
		};

		for (unsigned int k = 0; k < sizeof(link.mac); k++)
			link.mac[k] = interface->mac[k];
		plan_buffer_add(plan, PLAN_LINK, &link, sizeof(link),
				(const char *const[]){ interface->name, NULL });
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
