/* SPDX-License-Identifier: Apache-2.0 */
/* What the virtio-fs device sends to nacre-fsd (include/broker.h), for tests in the place of the latter. */
#ifndef NACRE_TESTS_BROKER_INBOX_H
#define NACRE_TESTS_BROKER_INBOX_H

#include <linux/fuse.h>
#include <string.h>
#include <sys/socket.h>

#include "broker.h"

/* A packet, of which `at` bytes were taken. */
struct broker_inbox {
	size_t at, len;
	uint8_t bytes[sizeof(struct broker_header) + BROKER_MSG_MAX];
};

/*
 * Takes the next request, of this packet or the next, into `to`, which has the room of a whole packet.
 * Its length, or what recv() says when there is none. Does not wait.
 */
static inline ssize_t broker_take(struct broker_inbox *in, int fd, void *to)
{
	struct {
		struct broker_header broker;
		struct fuse_in_header hdr;
	} head;
	size_t len;

	if (in->at == in->len) {
		ssize_t n = recv(fd, in->bytes, sizeof(in->bytes), MSG_DONTWAIT);

		if (n <= 0)
			return n;
		in->at = 0;
		in->len = (size_t)n;
	}
	len = in->len - in->at;
	if (len > sizeof(head)) {
		memcpy(&head, in->bytes + in->at, sizeof(head));
		if (head.hdr.len >= sizeof(head.hdr) && head.hdr.len < len - sizeof(head.broker))
			len = sizeof(head.broker) + head.hdr.len;
	}
	memcpy(to, in->bytes + in->at, len);
	in->at += len;
	return (ssize_t)len;
}

#endif
