/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the guest; see query.h. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "child.h"
#include "fd.h"
#include "guest_text.h"
#include "listener.h"
#include "query.h"
#include "state_files.h"

static int lost(const struct query *query, int err, struct failure *failure)
{
	if (err == -ETIMEDOUT)
		return failure_set(failure, err, "%s: the guest does not answer", query->id);
	if (err == -EPROTO)
		return failure_set(failure, err, "%s: the guest broke the control protocol",
				   query->id);
	return failure_set(failure, -ECONNRESET, "%s: container not running: the guest closed",
			   query->id);
}

int query_send(struct query *query, enum msg_type type, const void *body, size_t len,
	       struct failure *failure)
{
	struct {
		struct msg_header header;
		uint8_t body[PROTO_SMALL_MAX - sizeof(struct msg_header)];
	} message = {
		.header = { .len = le32_of((uint32_t)(sizeof(message.header) + len)),
			    .type = le16_of((uint16_t)type),
			    .container = le32_of(query->container) },
	};

	if (len > sizeof(message.body))
		return failure_set(failure, -E2BIG, "%s: too long an order", query->id);
	if (len > 0)
		memcpy(message.body, body, len);
	/* The peer's buffer takes more than one message: this does not wait. */
	if (send(query->fd, &message, sizeof(message.header) + len, MSG_NOSIGNAL) < 0)
		return lost(query, -ECONNRESET, failure);
	return 0;
}

/* Exactly `len` bytes until the deadline (-1: none). 0 or -errno. */
static int read_all(int fd, void *to, size_t len, int64_t deadline)
{
	size_t have = 0;

	while (have < len) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline < 0 ? -1 : deadline - child_now_ms();
		ssize_t n;

		if (deadline >= 0 && left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
		n = recv(fd, (uint8_t *)to + have, len - have, MSG_DONTWAIT);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		have += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int guest_failed(const struct query *query, struct failure *failure)
{
	struct msg_failed failed;
	char text[PROTO_SMALL_MAX];

	if (query->body_len < sizeof(failed))
		return lost(query, -EPROTO, failure);
	memcpy(&failed, query->body, sizeof(failed));
	if (le16_get(failed.text_len) != query->body_len - sizeof(failed))
		return lost(query, -EPROTO, failure);
	guest_text_copy(text, query->body + sizeof(failed), le16_get(failed.text_len));
	return failure_set(failure, -EIO, "%s: %s", query->id, text);
}

int query_receive(struct query *query, int ms, struct failure *failure)
{
	int64_t deadline = ms < 0 ? -1 : child_now_ms() + ms;
	struct msg_header header;
	uint32_t len;
	int err = read_all(query->fd, &header, sizeof(header), deadline);

	if (err)
		return lost(query, err, failure);
	len = le32_get(header.len);
	if (len < sizeof(header) || len > PROTO_SMALL_MAX || le16_get(header.zero) != 0 ||
	    le32_get(header.container) != query->container)
		return lost(query, -EPROTO, failure);
	query->type = le16_get(header.type);
	query->body_len = len - sizeof(header);
	err = read_all(query->fd, query->body, query->body_len, deadline);
	if (err)
		return lost(query, err, failure);
	return query->type == MSG_FAILED ? guest_failed(query, failure) : 0;
}

int query_order(struct query *query, enum msg_type type, const void *body, size_t len, int ms,
		struct failure *failure)
{
	int err = query_send(query, type, body, len, failure);

	if (!err)
		err = query_receive(query, ms, failure);
	if (!err && (query->type != MSG_DONE || query->body_len != 0))
		err = lost(query, -EPROTO, failure);
	return err;
}

int query_figure(struct query *query, enum figure figure, uint64_t *value, struct failure *failure)
{
	struct le64 wire;
	int err = query_send(query, MSG_STATS, NULL, 0, failure);

	if (!err)
		err = query_receive(query, QUERY_WAIT_MS, failure);
	if (!err && (query->type != MSG_FIGURES || query->body_len != FIGURE_COUNT * sizeof(wire)))
		err = lost(query, -EPROTO, failure);
	if (err)
		return err;
	memcpy(&wire, query->body + figure * sizeof(wire), sizeof(wire));
	*value = le64_get(wire);
	return 0;
}

int query_set_clock(struct query *query, struct failure *failure)
{
	struct msg_set_clock clock;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	clock.realtime_ns = le64_of((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
	return query_order(query, MSG_SET_CLOCK, &clock, sizeof(clock), QUERY_WAIT_MS, failure);
}

int query_open(struct query *query, const struct state *state, struct failure *failure)
{
	struct msg_hello hello = {
		.magic = le32_of(PROTO_MAGIC),
		.version = le16_of(PROTO_VERSION),
		.role = le16_of(ROLE_QUERY),
	};
	struct msg_hello_ack ack;
	int err;

	query->id = state->id;
	query->container = state->number;
	query->fd = -1;
	if (state->vmm.pid == 0)
		return failure_set(failure, -ENOTSUP, "%s: " STATE_NO_VM, state->id);
	query->fd = listener_connect(state->dir_fd, SOCKET_FILE, SOCK_STREAM);
	if (query->fd < 0)
		return listener_refused(failure, query->fd, state->id);
	if (getrandom(hello.token, sizeof(hello.token), 0) != (ssize_t)sizeof(hello.token))
		return failure_set(failure, -EIO, "no random numbers");
	err = query_send(query, MSG_HELLO, &hello, sizeof(hello), failure);
	if (!err)
		err = query_receive(query, QUERY_WAIT_MS, failure);
	if (err)
		return err;
	if (query->type != MSG_HELLO_ACK || query->body_len != sizeof(ack))
		return lost(query, -EPROTO, failure);
	memcpy(&ack, query->body, sizeof(ack));
	if (le16_get(ack.version) != PROTO_VERSION)
		return failure_set(failure, -EPROTO, "%s: the guest speaks version %u of the "
				   "control protocol, expected %u", query->id,
				   le16_get(ack.version), PROTO_VERSION);
	return 0;
}

void query_close(struct query *query)
{
	drop_fd(&query->fd);
}
