/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest says on a control connection; see protocol.h. What is said to it is in protocol_out.c. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol.h"
#include "sanitize.h"

static const char *receive_ack(struct protocol *protocol, const uint8_t *body, size_t len);
static const char *receive_failed(struct protocol *protocol, const uint8_t *body, size_t len);
static const char *receive_exited(struct protocol *protocol, const uint8_t *body, size_t len);
static const char *receive_clock_ask(struct protocol *protocol, const uint8_t *body, size_t len);
static const char *receive_notify(struct protocol *protocol, const uint8_t *body, size_t len);
static const char *receive_resolve(struct protocol *protocol, const uint8_t *body, size_t len);

#define IN(state) (1u << (state))
/* What is taken of messages that are no event, before the caller has its turn. */
#define HANDLED_MAX 64

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
	{ MSG_RESOLVE, IN(PROTOCOL_STARTING) | IN(PROTOCOL_RUNNING),
	  sizeof(struct msg_resolve) + 1, sizeof(struct msg_resolve) + PROTO_RESOLVE_MAX,
	  PROTOCOL_SAME, PROTOCOL_NOTHING, receive_resolve },
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
	if (protocol->failed_code < FAILED_HOOK || protocol->failed_code > FAILED_NOT_FOUND)
		return "a failure with an unknown code";
	if (sanitize_text(protocol->failed_text, sizeof(protocol->failed_text), body + sizeof(failed),
			  text_len) == 0)
		return "a failure that says nothing";
	return NULL;
}

/* By default, that is; a monitor that died by one of the others would stop, or live on. */
static bool signal_ends(uint16_t signo)
{
	switch (signo) {
	case SIGCHLD:
	case SIGCONT:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGURG:
	case SIGWINCH:
		return false;
	default:
		return signo >= 1 && signo <= 64;
	}
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
	if (how == EXITED_CODE ? value > 255 : !signal_ends(value))
		return "an exit code or signal by which no process ends";
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

static const char *receive_resolve(struct protocol *protocol, const uint8_t *body, size_t len)
{
	struct msg_resolve ask;

	memcpy(&ask, body, sizeof(ask));
	if (le16_get(ask.transport) >= RESOLVE_TRANSPORT_COUNT || le16_get(ask.zero))
		return "a question of an unknown kind";
	if (!protocol->resolver)
		return "a question for a resolver that is not there";
	resolver_ask(protocol->resolver, (enum resolve_transport)le16_get(ask.transport),
		     body + sizeof(ask), len - sizeof(ask));
	return NULL;
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
	for (int i = 0; i < HANDLED_MAX; i++) {
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
	return PROTOCOL_EVENT_MORE;
}
