/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side of a control connection; see protocol.h. */
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
#include "sanitize.h"

/* Room behind the plan, so that no message has to wait for memory. */
#define OUT_SLACK 4096u

static const char *receive_ack(struct protocol *protocol, const uint8_t *body, size_t len);
static const char *receive_failed(struct protocol *protocol, const uint8_t *body, size_t len);
static const char *receive_exited(struct protocol *protocol, const uint8_t *body, size_t len);
static const char *receive_clock_ask(struct protocol *protocol, const uint8_t *body, size_t len);
static const char *receive_notify(struct protocol *protocol, const uint8_t *body, size_t len);

#define IN(state) (1u << (state))

/* What a guest may send, when, how long, and what becomes of it. */
static const struct rule {
	uint16_t type;
	uint16_t states; /* IN() of those in which it may come */
	size_t min, max; /* of the body */
	enum protocol_state next;
	enum protocol_event event;
	const char *(*receive)(struct protocol *protocol, const uint8_t *body, size_t len);
} rules[] = {
	{ MSG_HELLO_ACK, IN(PROTOCOL_HELLO), sizeof(struct msg_hello_ack),
	  sizeof(struct msg_hello_ack), PROTOCOL_ACKED, PROTOCOL_NOTHING, receive_ack },
	{ MSG_CREATED, IN(PROTOCOL_ACKED), 0, 0, PROTOCOL_CREATED, PROTOCOL_EVENT_CREATED, NULL },
	{ MSG_STARTED, IN(PROTOCOL_STARTING), 0, 0, PROTOCOL_RUNNING, PROTOCOL_EVENT_STARTED,
	  NULL },
	{ MSG_FAILED,
	  IN(PROTOCOL_HELLO) | IN(PROTOCOL_ACKED) | IN(PROTOCOL_CREATED) | IN(PROTOCOL_STARTING),
	  sizeof(struct msg_failed), sizeof(struct msg_failed) + PROTO_TEXT_MAX, PROTOCOL_ENDED,
	  PROTOCOL_EVENT_FAILED, receive_failed },
	{ MSG_CLOCK_ASK,
	  IN(PROTOCOL_CREATED) | IN(PROTOCOL_STARTING) | IN(PROTOCOL_RUNNING),
	  sizeof(struct msg_clock_ask), sizeof(struct msg_clock_ask), PROTOCOL_SAME,
	  PROTOCOL_NOTHING, receive_clock_ask },
	{ MSG_OOM, IN(PROTOCOL_RUNNING), 0, 0, PROTOCOL_SAME, PROTOCOL_EVENT_OOM, NULL },
	{ MSG_NOTIFY, IN(PROTOCOL_RUNNING), 1, PROTO_NOTIFY_MAX, PROTOCOL_SAME,
	  PROTOCOL_EVENT_NOTIFY, receive_notify },
	{ MSG_EXITED, IN(PROTOCOL_RUNNING), sizeof(struct msg_exited), sizeof(struct msg_exited),
	  PROTOCOL_ENDED, PROTOCOL_EVENT_EXITED, receive_exited },
};

static const char *receive_ack(struct protocol *protocol, const uint8_t *body, size_t len)
{
	struct msg_hello_ack ack;

	(void)protocol;
	(void)len;
	memcpy(&ack, body, sizeof(ack));
	if (le16_get(ack.version) != PROTO_VERSION)
		return "another version of the control protocol: kernel, init and VMM of a release "
		       "belong together";
	return le16_get(ack.zero) ? "an acknowledgement that is not zero where it must be" : NULL;
}

static const char *receive_failed(struct protocol *protocol, const uint8_t *body, size_t len)
{
	struct msg_failed failed;
	size_t text_len;

	memcpy(&failed, body, sizeof(failed));
	text_len = le16_get(failed.text_len);
	if (text_len != len - sizeof(failed))
		return "a failure whose text is not as long as it says";
	protocol->failed_code = le16_get(failed.code);
	if (protocol->failed_code < FAILED_NACRE || protocol->failed_code > FAILED_NOT_FOUND)
		return "a failure with an unknown code";
	sanitize_text(protocol->failed_text, sizeof(protocol->failed_text), body + sizeof(failed),
		      text_len);
	return NULL;
}

static const char *receive_exited(struct protocol *protocol, const uint8_t *body, size_t len)
{
	struct msg_exited exited;
	uint16_t how, value;

	(void)len;
	memcpy(&exited, body, sizeof(exited));
	how = le16_get(exited.how);
	value = le16_get(exited.value);
	if (how != EXITED_CODE && how != EXITED_SIGNAL)
		return "an exit of an unknown kind";
	if (how == EXITED_CODE ? value > 255 : value < 1 || value > 64)
		return "an exit code or signal that does not exist";
	protocol->exited_by_signal = how == EXITED_SIGNAL;
	protocol->exited_value = (uint8_t)value;
	protocol->exited_flags = le32_get(exited.flags);
	return NULL;
}

/* Questions that come before the last one was answered count as one. */
static const char *receive_clock_ask(struct protocol *protocol, const uint8_t *body, size_t len)
{
	struct msg_clock_ask ask;

	(void)len;
	memcpy(&ask, body, sizeof(ask));
	protocol->clock_stamp = le64_get(ask.stamp);
	protocol->clock_wanted = true;
	return NULL;
}

static const char *receive_notify(struct protocol *protocol, const uint8_t *body, size_t len)
{
	protocol->notify_len = notify_filter(protocol->notify_text,
					     sizeof(protocol->notify_text), body, len);
	return NULL;
}

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

int protocol_begin(struct protocol *protocol, int fd, uint32_t container, enum msg_type type,
		   int plan_fd, const uint8_t token[PROTO_TOKEN_LEN])
{
	struct msg_hello hello = hello_of(ROLE_CONTROL, 0, token);
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
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	tell.realtime_ns = le64_of((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
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

static enum protocol_event broken(struct protocol *protocol, const char *how)
{
	protocol->state = PROTOCOL_ENDED;
	protocol->broken = how;
	return PROTOCOL_EVENT_BROKEN;
}

/* A whole message is in the buffer. */
static enum protocol_event message_handle(struct protocol *protocol,
					  const struct msg_header *header, size_t len)
{
	const uint8_t *body = protocol->in + sizeof(*header);
	const struct rule *rule = NULL;
	const char *wrong = NULL;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && !rule; i++) {
		if (rules[i].type == le16_get(header->type))
			rule = &rules[i];
	}
	if (!rule)
		return broken(protocol, "a message of unknown type");
	if (!(rule->states & IN(protocol->state)))
		return broken(protocol, "a message out of order");
	if (le16_get(header->zero) || le32_get(header->container) != protocol->container)
		return broken(protocol, "a message for another container");
	len -= sizeof(*header);
	if (len < rule->min || len > rule->max)
		return broken(protocol, "a message of wrong length");
	if (rule->receive)
		wrong = rule->receive(protocol, body, len);
	if (wrong)
		return broken(protocol, wrong);
	if (rule->next != PROTOCOL_SAME)
		protocol->state = rule->next;
	return rule->event;
}

/* Takes a whole message off the buffer, if there is one. *had tells. */
static enum protocol_event message_take(struct protocol *protocol, bool *had)
{
	struct msg_header header;
	enum protocol_event event;
	size_t len;

	*had = false;
	if (protocol->in_len < sizeof(header))
		return PROTOCOL_NOTHING;
	memcpy(&header, protocol->in, sizeof(header));
	len = le32_get(header.len);
	if (len < sizeof(header) || len > PROTO_SMALL_MAX)
		return broken(protocol, "a message of wrong length");
	if (protocol->in_len < len)
		return PROTOCOL_NOTHING;
	*had = true;
	event = message_handle(protocol, &header, len);
	protocol->in_len -= len;
	memmove(protocol->in, protocol->in + len, protocol->in_len);
	return event;
}

enum protocol_event protocol_receive(struct protocol *protocol)
{
	for (;;) {
		enum protocol_event event;
		bool had;
		ssize_t n;

		if (protocol->broken)
			return PROTOCOL_EVENT_BROKEN;
		event = message_take(protocol, &had);
		if (event != PROTOCOL_NOTHING)
			return event;
		if (had)
			continue;
		/* there is room: the longest message fits the buffer, and none is whole in it */
		n = recv(protocol->fd, protocol->in + protocol->in_len,
			 sizeof(protocol->in) - protocol->in_len, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return PROTOCOL_NOTHING;
		if (n <= 0)
			return PROTOCOL_EVENT_CLOSED;
		protocol->in_len += (size_t)n;
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

void protocol_end(struct protocol *protocol)
{
	free(protocol->out);
	protocol->out = NULL;
	if (protocol->fd >= 0)
		close(protocol->fd);
	protocol->fd = -1;
}
