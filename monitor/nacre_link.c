/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitor says to nacre and to the user; see nacre_link.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nacre_link.h"

static void packet_send(int sync_fd, const struct monitor_packet *packet, size_t text_len)
{
	if (sync_fd >= 0 && send(sync_fd, packet, offsetof(struct monitor_packet, text) + text_len,
				 MSG_NOSIGNAL) < 0)
		return; /* nacre is gone: the lifeline tells */
}

void link_say(int sync_fd, enum monitor_packet_type type)
{
	struct monitor_packet packet = { .type = le32_of(type) };

	packet_send(sync_fd, &packet, 0);
}

void link_failed(int sync_fd, int status, const char *text)
{
	struct monitor_packet packet = {
		.type = le32_of(MONITOR_FAILED),
		.status = le32_of((uint32_t)status),
	};
	size_t len = strnlen(text, MONITOR_TEXT_MAX);

	packet.text_len = le32_of((uint32_t)len);
	memcpy(packet.text, text, len);
	packet_send(sync_fd, &packet, len);
}

enum link_event link_receive(int sync_fd, struct monitor_packet *packet)
{
	const size_t head = offsetof(struct monitor_packet, text);
	ssize_t n = recv(sync_fd, packet, sizeof(*packet), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return LINK_NOTHING;
	if (n < (ssize_t)head || le32_get(packet->text_len) > (size_t)n - head)
		return LINK_CLOSED;
	switch (le32_get(packet->type)) {
	case MONITOR_START:
		return LINK_START;
	case MONITOR_DETACH:
		return LINK_DETACH;
	default:
		return LINK_CLOSED;
	}
}

void link_log(int log_fd, const char *text)
{
	char line[MONITOR_TEXT_MAX + 16];
	int n = snprintf(line, sizeof(line), "%s%s\n", log_fd < 0 ? "nacre: " : "", text);
	size_t len = n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1;

	if (write(log_fd < 0 ? STDERR_FILENO : log_fd, line, len) < 0)
		return; /* nobody reads it */
}
