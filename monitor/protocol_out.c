/* SPDX-License-Identifier: Apache-2.0 */
/* What the host says on a control connection; see protocol.h. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "protocol.h"

/* Room behind the plan, so that no message has to wait for memory. */
#define OUT_SLACK 4096u

/* Appends to the buffer; there is always room for a small message when the one before was sent. */
static void append(struct protocol *protocol, const void *bytes, size_t len)
{
	if (len > 0 && range_fits(protocol->out_len, len, protocol->out_room)) {
		memcpy(protocol->out + protocol->out_len, bytes, len);
		protocol->out_len += len;
	}
}

static struct msg_header header_of(uint32_t container, enum msg_type type, size_t body_len)
{
	return (struct msg_header){
		.len = le32_of((uint32_t)(sizeof(struct msg_header) + body_len)),
		.type = le16_of((uint16_t)type),
		.container = le32_of(container),
	};
}

static void append_message(struct protocol *protocol, enum msg_type type, const void *body,
			   size_t len)
{
	struct msg_header header = header_of(protocol->container, type, len);

	append(protocol, &header, sizeof(header));
	append(protocol, body, len);
}

static struct msg_hello hello_of(enum msg_role role, uint16_t stream, const uint8_t *token)
{
	struct msg_hello hello = {
		.magic = le32_of(PROTO_MAGIC),
		.version = le16_of(PROTO_VERSION),
		.role = le16_of((uint16_t)role),
		.stream = le16_of(stream),
	};

	memcpy(hello.token, token, PROTO_TOKEN_LEN);
	return hello;
}

static int plan_append(struct protocol *protocol, enum msg_type type, int plan_fd, size_t plan_len)
{
	struct msg_header header = header_of(protocol->container, type, plan_len);
	size_t have = 0;

	append(protocol, &header, sizeof(header));
	while (have < plan_len) {
		ssize_t n = pread(plan_fd, protocol->out + protocol->out_len, plan_len - have,
				  (off_t)have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		have += (size_t)n;
		protocol->out_len += (size_t)n;
	}
	return 0;
}

static uint64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void append_set_clock(struct protocol *protocol)
{
	struct msg_set_clock set = { .realtime_ns = le64_of(realtime_ns()) };

	append_message(protocol, MSG_SET_CLOCK, &set, sizeof(set));
}

int protocol_begin(struct protocol *protocol, int fd, uint32_t container, enum msg_type type,
		   int plan_fd, const struct protocol_random *random)
{
	struct msg_hello hello = hello_of(ROLE_CONTROL, 0, random->token);
	struct stat st;
	int flags;

	*protocol = (struct protocol){ .fd = fd, .container = container };
	if (fstat(plan_fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || st.st_size > (off_t)(PROTO_MSG_MAX - sizeof(struct msg_header)))
		return -EMSGSIZE;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	protocol->out_room = (size_t)st.st_size + OUT_SLACK + PROTO_START_MAX;
	protocol->out = malloc(protocol->out_room);
	if (!protocol->out)
		return -ENOMEM;
	append_message(protocol, MSG_HELLO, &hello, sizeof(hello));
	if (type == MSG_PLAN) {
		append_message(protocol, MSG_RESEED, random->seed, sizeof(random->seed));
		append_set_clock(protocol);
	}
	return plan_append(protocol, type, plan_fd, (size_t)st.st_size);
}

int protocol_hello_stream(int fd, uint32_t container, enum msg_stream stream,
			  const uint8_t token[PROTO_TOKEN_LEN])
{
	struct {
		struct msg_header header;
		struct msg_hello hello;
	} message = {
		.header = header_of(container, MSG_HELLO, sizeof(struct msg_hello)),
		.hello = hello_of(ROLE_STREAM, (uint16_t)stream, token),
	};
	ssize_t n;

	static_assert(sizeof(message) == sizeof(struct msg_header) + sizeof(struct msg_hello),
		      "no padding");
	/* the first bytes of a connection: its buffer is empty, so this neither waits nor tears */
	n = send(fd, &message, sizeof(message), MSG_NOSIGNAL);
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(message) ? 0 : -EIO;
}

/* The time as it is when the message is made: how long it then lies about shows in its stamp. */
static void append_clock(struct protocol *protocol)
{
	struct msg_clock_tell tell = { .stamp = le64_of(protocol->clock_stamp) };

	tell.realtime_ns = le64_of(realtime_ns());
	protocol->clock_wanted = false;
	append_message(protocol, MSG_CLOCK_TELL, &tell, sizeof(tell));
}

/* Puts the next small message into the empty buffer, if one is wanted. */
static void out_fill(struct protocol *protocol)
{
	struct msg_signal signal_message = { .scope = le32_of(SIGNAL_PROCESS) };
	struct msg_winsize winsize = {
		.rows = le16_of(protocol->winsize.ws_row),
		.cols = le16_of(protocol->winsize.ws_col),
		.xpixel = le16_of(protocol->winsize.ws_xpixel),
		.ypixel = le16_of(protocol->winsize.ws_ypixel),
	};

	protocol->out_len = protocol->out_sent = 0;
	if (protocol->clock_wanted) {
		append_clock(protocol);
	} else if (protocol->clock_hint_wanted) {
		protocol->clock_hint_wanted = false;
		append_message(protocol, MSG_CLOCK_HINT, NULL, 0);
	} else if (protocol->start_wanted) {
		protocol->start_wanted = false;
		append_message(protocol, MSG_START, protocol->network, protocol->network_len);
	} else if (protocol->winsize_wanted) {
		protocol->winsize_wanted = false;
		append_message(protocol, MSG_WINSIZE, &winsize, sizeof(winsize));
	} else if (protocol->signals_wanted) {
		unsigned int bit = (unsigned int)__builtin_ctzll(protocol->signals_wanted);

		protocol->signals_wanted &= ~(UINT64_C(1) << bit);
		signal_message.signo = le32_of(bit + 1);
		append_message(protocol, MSG_SIGNAL, &signal_message, sizeof(signal_message));
	}
}

/* Signals and sizes are for the process: they wait until it runs. */
static bool out_waits(const struct protocol *protocol)
{
	if (protocol->out_sent < protocol->out_len || protocol->start_wanted ||
	    protocol->clock_wanted)
		return true;
	return protocol->state == PROTOCOL_RUNNING &&
	       (protocol->winsize_wanted || protocol->signals_wanted ||
		protocol->clock_hint_wanted);
}

short protocol_poll_events(const struct protocol *protocol)
{
	return (short)(POLLIN | (out_waits(protocol) ? POLLOUT : 0));
}

void protocol_send(struct protocol *protocol)
{
	while (out_waits(protocol)) {
		ssize_t n;

		if (protocol->out_sent == protocol->out_len)
			out_fill(protocol);
		n = send(protocol->fd, protocol->out + protocol->out_sent,
			 protocol->out_len - protocol->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) { /* gone: nothing waits any more */
			protocol->out_sent = protocol->out_len = 0;
			protocol->start_wanted = protocol->winsize_wanted = false;
			protocol->clock_wanted = protocol->clock_hint_wanted = false;
			protocol->signals_wanted = 0;
			return; /* protocol_receive() will see it */
		}
		protocol->out_sent += (size_t)n;
	}
}

void protocol_want_start(struct protocol *protocol, const void *network, size_t len)
{
	if (protocol->state != PROTOCOL_CREATED || len > sizeof(protocol->network))
		return;
	if (len)
		memcpy(protocol->network, network, len);
	protocol->network_len = len;
	protocol->state = PROTOCOL_STARTING;
	protocol->start_wanted = true;
}

void protocol_want_signal(struct protocol *protocol, int signo)
{
	if (signo >= 1 && signo <= 64 && protocol->state < PROTOCOL_ENDED)
		protocol->signals_wanted |= UINT64_C(1) << (signo - 1);
}

void protocol_want_winsize(struct protocol *protocol, const struct winsize *winsize)
{
	if (protocol->state >= PROTOCOL_ENDED)
		return;
	protocol->winsize = *winsize;
	protocol->winsize_wanted = true;
}

void protocol_want_clock_hint(struct protocol *protocol)
{
	protocol->clock_hint_wanted = protocol->state < PROTOCOL_ENDED;
}

bool protocol_takes_answer(const struct protocol *protocol)
{
	return (protocol->state == PROTOCOL_STARTING || protocol->state == PROTOCOL_RUNNING) &&
	       !out_waits(protocol);
}

void protocol_send_answer(struct protocol *protocol, enum resolve_transport transport,
			  const void *bytes, size_t len)
{
	struct {
		struct msg_resolve head;
		uint8_t bytes[PROTO_RESOLVE_MAX];
	} answer = { .head.transport = le16_of((uint16_t)transport) };

	memcpy(answer.bytes, bytes, len);
	protocol->out_len = protocol->out_sent = 0;
	append_message(protocol, MSG_RESOLVED, &answer, sizeof(answer.head) + len);
	protocol_send(protocol);
}

void protocol_end(struct protocol *protocol)
{
	free(protocol->out);
	protocol->out = NULL;
	if (protocol->fd >= 0)
		close(protocol->fd);
	protocol->fd = -1;
}
