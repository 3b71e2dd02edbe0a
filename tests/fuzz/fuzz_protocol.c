/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control protocol as nacre-monitor hears it: a guest that says anything, in pieces of any
 * size, and a host that wants things at any moment. Also the sanitizer, for text of any kind.
 */
/* SOURCES: monitor/protocol.c monitor/protocol_out.c monitor/resolver.c monitor/notify.c monitor/sanitize.c */
#include <sys/mman.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "monitor/protocol.h"
#include "monitor/sanitize.h"

static void check_text(const char *text, size_t room)
{
	size_t len = strnlen(text, room);

	CLAIM(len < room);
	for (size_t i = 0; i < len; i++)
		CLAIM(text[i] >= ' ' && text[i] <= '~');
}

static void sanitize(const uint8_t *data, size_t size)
{
	char out[200];
	size_t room = size ? 1 + data[0] % sizeof(out) : 1;

	CLAIM(sanitize_text(out, room, data, size) < room);
	check_text(out, room);
	CLAIM(sanitize_log_tail(out, room, data, size, 3) < room);
	check_text(out, room);
}

/* Everything that came, until it has to wait. The state may only go on. */
static bool receive_all(struct protocol *p)
{
	for (;;) {
		enum protocol_state before = p->state;
		enum protocol_event event = protocol_receive(p);

		CLAIM(p->state >= before && p->in_len <= sizeof(p->in));
		switch (event) {
		case PROTOCOL_NOTHING:
			return true;
		case PROTOCOL_EVENT_BROKEN:
			CLAIM(p->broken && p->state == PROTOCOL_ENDED);
			return false;
		case PROTOCOL_EVENT_CLOSED:
			return false;
		case PROTOCOL_EVENT_MORE:
			break;
		case PROTOCOL_EVENT_CREATED:
			protocol_want_start(p, NULL, 0);
			break;
		case PROTOCOL_EVENT_FAILED:
			CLAIM(p->failed_code >= FAILED_HOOK && p->failed_code <= FAILED_NOT_FOUND);
			CLAIM(p->failed_text[0]);
			check_text(p->failed_text, sizeof(p->failed_text));
			break;
		case PROTOCOL_EVENT_EXITED:
			CLAIM(!p->exited_by_signal || (p->exited_value >= 1 && p->exited_value <= 64));
			break;
		case PROTOCOL_EVENT_NOTIFY:
			CLAIM(p->notify_len < sizeof(p->notify_text));
			CLAIM(strlen(p->notify_text) == p->notify_len);
			break;
		case PROTOCOL_EVENT_STARTED:
		case PROTOCOL_EVENT_OOM:
			break;
		}
	}
}

/* A well-formed message now and then, so that later states are reached. */
static void speak(int fd, struct cursor *c)
{
	static const uint8_t types[] = { MSG_HELLO_ACK, MSG_CREATED, MSG_STARTED, MSG_FAILED,
					 MSG_EXITED, MSG_RESOLVE, MSG_NOTIFY };
	struct {
		struct msg_header h;
		uint8_t body[64];
	} m = { 0 };
	uint8_t how = in8(c);
	size_t len = 0;

	if (how & 0x80) {
		uint8_t bytes[256];

		len = in_bytes(c, bytes, how & 0x7f);
		(void)send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		return;
	}
	m.h.type = le16_of(types[how % 7]);
	if (how % 7 == 0) {
		len = sizeof(struct msg_hello_ack);
		m.body[0] = PROTO_VERSION;
	} else if (how % 7 == 3) {
		m.body[0] = FAILED_NACRE;
		len = in_bytes(c, m.body + 4, in8(c) % 32);
		m.body[2] = (uint8_t)len;
		len += 4;
	} else if (how % 7 == 6) {
		len = in_bytes(c, m.body, in8(c) % sizeof(m.body));
	} else if (how % 7 == 4) {
		m.body[0] = in8(c) & 3;
		m.body[2] = in8(c);
		len = sizeof(struct msg_exited);
	}
	m.h.len = le32_of((uint32_t)(sizeof(m.h) + len));
	(void)send(fd, &m, sizeof(m.h) + len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void converse(struct protocol *p, int guest, struct cursor *c)
{
	static uint8_t sink[65536];
	struct winsize size = { .ws_row = 1 };

	while (in_more(c)) {
		switch (in8(c) % 6) {
		case 0:
			protocol_want_signal(p, in8(c));
			break;
		case 1:
			protocol_want_winsize(p, &size);
			break;
		case 2:
			(void)recv(guest, sink, sizeof(sink), MSG_DONTWAIT);
			break;
		case 3:
			(void)protocol_poll_events(p);
			protocol_send(p);
			CLAIM(p->out_sent <= p->out_len && p->out_len <= p->out_room);
			break;
		default:
			speak(guest, c);
			if (!receive_all(p))
				return;
		}
	}
	shutdown(guest, SHUT_RDWR);
	CLAIM(!receive_all(p));
	protocol_send(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct protocol_random random = { .token = { 1 } };
	struct cursor c = cursor_over(data, size);
	static int plan_fd = -1;
	static struct protocol p;
	int pair[2];

	sanitize(data, size);
	if (plan_fd < 0) {
		plan_fd = memfd_create("plan", MFD_CLOEXEC);
		CLAIM(ftruncate(plan_fd, 300) == 0);
	}
	CLAIM(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	CLAIM(protocol_begin(&p, pair[0], 0, MSG_PLAN, plan_fd, &random) == 0);
	converse(&p, pair[1], &c);
	protocol_end(&p);
	close(pair[1]);
	return 0;
}
