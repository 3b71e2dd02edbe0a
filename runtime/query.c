/* SPDX-License-Identifier: Apache-2.0 */
/* Asks nacre-init; see query.h. Blocking, with a time limit on each step. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "fd.h"
#include "listener.h"
#include "query.h"
#include "state_files.h"

static int fail(struct failure *failure, const struct state *state, int err, const char *what)
{
	return failure_set(failure, err, "%s: the guest %s", state->id, what);
}

/* Receives exactly so many bytes. 0 or -errno. */
static int receive_all(int fd, void *to, size_t len)
{
	ssize_t n = recv(fd, to, len, MSG_WAITALL);

	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return n == (ssize_t)len ? 0 : -EPIPE;
}

int query_send(int fd, const struct state *state, enum msg_type type, const void *body, size_t len,
	       struct failure *failure)
{
	uint8_t message[PROTO_SMALL_MAX];
	struct msg_header header = {
		.len = le32_of((uint32_t)(sizeof(header) + len)),
		.type = le16_of((uint16_t)type),
		.container = le32_of(state->number),
	};

	if (len > sizeof(message) - sizeof(header))
		return fail(failure, state, -EMSGSIZE, "cannot be asked so much at once");
	memcpy(message, &header, sizeof(header));
	if (len > 0)
		memcpy(message + sizeof(header), body, len);
	if (send(fd, message, sizeof(header) + len, MSG_NOSIGNAL) != (ssize_t)(sizeof(header) + len))
		return fail(failure, state, -EPIPE, "has closed the connection");
	return 0;
}

static int refused(const struct state *state, const uint8_t *body, size_t len,
		   struct failure *failure)
{
	struct msg_failed failed;
	char text[PROTO_TEXT_MAX + 1] = "";

	if (len < sizeof(failed))
		return fail(failure, state, -EPROTO, "gave an answer of wrong length");
	memcpy(&failed, body, sizeof(failed));
	if (le16_get(failed.text_len) != len - sizeof(failed) || len - sizeof(failed) >= sizeof(text))
		return fail(failure, state, -EPROTO, "gave an answer of wrong length");
	/* sanitized when it is reported */
	memcpy(text, body + sizeof(failed), len - sizeof(failed));
	return failure_set(failure, -EIO, "%s: %s", state->id, text);
}

int query_receive(int fd, const struct state *state, enum msg_type *type, void *body, size_t room,
		  struct failure *failure)
{
	uint8_t bytes[PROTO_SMALL_MAX];
	struct msg_header header;
	int err = receive_all(fd, &header, sizeof(header));
	size_t len = err ? 0 : le32_get(header.len);

	if (err)
		return fail(failure, state, err, err == -ETIMEDOUT ? "does not answer" :
						 "has closed the connection");
	if (len < sizeof(header) || len > sizeof(bytes) || le16_get(header.zero) ||
	    le32_get(header.container) != state->number)
		return fail(failure, state, -EPROTO, "gave an answer that is none");
	len -= sizeof(header);
	err = len ? receive_all(fd, bytes, len) : 0;
	if (err)
		return fail(failure, state, err, "broke off its answer");
	*type = (enum msg_type)le16_get(header.type);
	if (*type == MSG_FAILED)
		return refused(state, bytes, len, failure);
	if (len > room)
		return fail(failure, state, -EPROTO, "gave an answer of wrong length");
	if (len > 0)
		memcpy(body, bytes, len);
	return (int)len;
}

static int say_hello(int fd, const struct state *state, struct failure *failure)
{
	struct msg_hello hello = {
		.magic = le32_of(PROTO_MAGIC),
		.version = le16_of(PROTO_VERSION),
		.role = le16_of(ROLE_QUERY),
	};
	struct msg_hello_ack ack;
	enum msg_type type;
	int n;

	if (getrandom(hello.token, sizeof(hello.token), 0) != (ssize_t)sizeof(hello.token))
		return failure_set(failure, -EIO, "getrandom: %s", strerror(errno));
	n = query_send(fd, state, MSG_HELLO, &hello, sizeof(hello), failure);
	if (n == 0)
		n = query_receive(fd, state, &type, &ack, sizeof(ack), failure);
	if (n < 0)
		return n;
	if (type != MSG_HELLO_ACK || n != sizeof(ack) || le16_get(ack.version) != PROTO_VERSION)
		return fail(failure, state, -EPROTO, "speaks another version of the protocol");
	return 0;
}

int query_open(const struct state *state, struct failure *failure)
{
	const struct timeval limit = { .tv_sec = QUERY_TIMEOUT_MS / 1000 };
	autoclose int fd = listener_connect(state->dir_fd, SOCKET_FILE, SOCK_STREAM, failure);
	int err;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return failure_set(failure, -errno, "setsockopt: %s", strerror(errno));
	err = say_hello(fd, state, failure);
	return err ? err : steal_fd(&fd);
}
