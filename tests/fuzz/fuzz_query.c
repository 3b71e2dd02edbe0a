/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Query connections as the guest hears them: messages of any type and length, torn, of another
 * container, orders with any content. What an order would do to processes, files and the clock is
 * stood in for here; the container's cgroup is a directory without files.
 */
/* SOURCES: guest-init/query_orders.c guest-init/wire.c guest-init/report.c guest-init/cgroup.c */
/* SOURCES: guest-init/figures.c guest-init/procfs.c */
#include <sys/socket.h>

#include "fuzz.h"
#include "guest-init/layers.h"
#include "guest-init/machine.h"
#include "guest-init/processes.h"
#include "guest-init/query_impl.h"

#define NUMBER 3u

static unsigned int answers;
static bool fresh;

bool query_answer(const struct query *q, enum msg_type type, const void *body, size_t len)
{
	volatile uint8_t sum = 0;

	CLAIM(q->number == NUMBER && len <= WIRE_SMALL_BODY);
	CLAIM(type == MSG_DONE || type == MSG_FAILED || type == MSG_FIGURES ||
	      type == MSG_PROCESSES || type == MSG_LAYERS_FOUND);
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)body)[i]);
	answers++;
	return true;
}

int processes_list(uint32_t number,
		   bool (*take)(void *ctx, const struct msg_process *p, size_t n), void *ctx)
{
	static const struct msg_process some[PROTO_PROCESSES_MAX];

	CLAIM(number == NUMBER);
	return take(ctx, some, PROTO_PROCESSES_MAX) ? 0 : -EPIPE;
}

unsigned int processes_signal(uint32_t number, uint32_t pid, int signo, pid_t except)
{
	CLAIM(number == NUMBER && signo >= 1 && signo <= 64);
	CLAIM(except == 0 || pid == 0);
	return pid % 2;
}

int layers_read(pid_t init, bool reaper, int cgroup, struct msg_layers *m)
{
	CLAIM(cgroup >= 0);
	memset(m, 0, sizeof(*m));
	return reaper || init ? -ESRCH : 0;
}

void machine_sync(void)
{
	fresh = false;
}

int machine_set_clock(uint64_t ns)
{
	return ns ? 0 : -EINVAL;
}

void machine_log(const char *format, ...)
{
	(void)format;
}

/* A message of a good type and perhaps good length, or any bytes. */
static void say(int fd, struct cursor *c)
{
	static const uint8_t types[] = { MSG_KILL, MSG_SYNC, MSG_SET_CLOCK, MSG_UPDATE,
					 MSG_LIST, MSG_STATS, MSG_WATCH, MSG_LAYERS };
	static const uint8_t lens[] = { sizeof(struct msg_kill), 0, sizeof(struct msg_set_clock),
					0, 0, 0, 0, 0 };
	struct {
		struct msg_header h;
		uint8_t body[256];
	} m = { 0 };
	uint8_t how = in8(c), kind = how & 7;
	size_t len = lens[kind];

	if (kind == 3 || how & 0x40)
		len = in8(c);
	(void)in_bytes(c, m.body, len);
	m.h.type = le16_of(types[kind]);
	m.h.len = le32_of((uint32_t)(sizeof(m.h) + len));
	m.h.container = le32_of(NUMBER);
	if (how & 0x80)
		((uint8_t *)&m)[in8(c) % sizeof(m.h)] = in8(c);
	(void)send(fd, &m, sizeof(m.h) + len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct query q;
	struct cursor c = cursor_over(data, size);
	int pair[2];

	CLAIM(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	memset(&q, 0, sizeof(q));
	q.fd = pair[0];
	q.number = NUMBER;
	q.cgroup = in8(&c) & 1 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
	while (in_more(&c))
		say(pair[1], &c);
	close(pair[1]);
	/* As query.c serves it: each message is answered or ends the connection. */
	for (;;) {
		unsigned int before = answers;

		if (wire_read(&q.in, q.fd) != 1 || !query_obey(&q))
			break;
		CLAIM(answers > before);
		wire_in_done(&q.in);
	}
	wire_in_done(&q.in);
	close(q.fd);
	if (q.cgroup >= 0)
		close(q.cgroup);
	return 0;
}
