/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host may ask on a query connection (include/proto.h), one function for each message. Runs
 * in a child of init that may block. A message of unknown type or wrong length ends the connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "figures.h"
#include "layers.h"
#include "machine.h"
#include "processes.h"
#include "query_impl.h"

bool query_fail(const struct query *q, const struct report *r)
{
	struct {
		struct msg_failed head;
		char text[PROTO_TEXT_MAX];
	} m = { .head = { .code = le16_of((uint16_t)r->code) } };
	size_t len = strnlen(r->text, sizeof(m.text));

	m.head.text_len = le16_of((uint16_t)len);
	memcpy(m.text, r->text, len);
	return query_answer(q, MSG_FAILED, &m, sizeof(m.head) + len);
}

/* DONE, or FAILED with the words for -err. */
static bool done(const struct query *q, int err, const char *what)
{
	struct report r;

	if (err == 0)
		return query_answer(q, MSG_DONE, NULL, 0);
	report_set(&r, FAILED_NACRE, -err, "%s", what);
	return query_fail(q, &r);
}

static bool on_kill(struct query *q)
{
	const struct msg_kill *m = wire_in_body(&q->in);
	uint32_t signo = le32_get(m->signo), pid = le32_get(m->pid);
	struct report r;

	if (signo < 1 || signo > 64)
		return false;
	if (pid == 0 && signo == SIGKILL)
		return done(q, cgroup_kill(q->cgroup), "cgroup.kill");
	if (processes_signal(q->number, pid, (int)signo, pid == 0 ? q->reaper : 0) > 0 || pid == 0)
		return done(q, 0, NULL);
	report_set(&r, FAILED_NACRE, ESRCH, "process %u", pid);
	return query_fail(q, &r);
}

static bool on_sync(struct query *q)
{
	machine_sync();
	return done(q, 0, NULL);
}

static bool on_set_clock(struct query *q)
{
	const struct msg_set_clock *m = wire_in_body(&q->in);

	return done(q, machine_set_clock(le64_get(m->realtime_ns)), "clock");
}

static bool on_update(struct query *q)
{
	struct report r;

	switch (cgroup_update(q->cgroup, wire_in_body(&q->in), q->in.body_len, &r)) {
	case 0:
		return done(q, 0, NULL);
	case -EBADMSG:
		return false;
	default:
		return query_fail(q, &r);
	}
}

static bool send_processes(void *ctx, const struct msg_process *p, size_t n)
{
	return query_answer(ctx, MSG_PROCESSES, p, n * sizeof(*p));
}

static bool on_list(struct query *q)
{
	int r = processes_list(q->number, send_processes, q);

	return r != -EPIPE && done(q, r, "processes");
}

static bool on_stats(struct query *q)
{
	struct le64 figures[FIGURE_COUNT];

	figures_read(q->cgroup, figures);
	return query_answer(q, MSG_FIGURES, figures, sizeof(figures));
}

static bool on_layers(struct query *q)
{
	struct msg_layers m;
	int err = layers_read(q->init, q->reaper != 0, q->cgroup, &m);

	return err ? done(q, err, "container not running") :
		     query_answer(q, MSG_LAYERS_FOUND, &m, sizeof(m));
}

/* Until the host closes: each time that the count has grown, one message. */
static bool on_watch(struct query *q)
{
	uint64_t before = cgroup_number(q->cgroup, "memory.events", "oom_kill");
	int fd = openat(q->cgroup, "memory.events", O_RDONLY | O_CLOEXEC);
	struct pollfd p[2] = { { .fd = q->fd, .events = POLLIN }, { .fd = fd, .events = POLLPRI } };
	char text[512];

	if (fd < 0)
		return done(q, -errno, "memory.events");
	for (;;) {
		uint64_t now;

		/* Reading it arms the notification: kernel 6.1, kernfs_generic_poll. */
		if (pread(fd, text, sizeof(text), 0) < 0)
			return false; /* the cgroup is gone */
		now = cgroup_number(q->cgroup, "memory.events", "oom_kill");
		for (; before < now; before++) {
			if (!query_answer(q, MSG_OOM, NULL, 0))
				return false;
		}
		if ((poll(p, 2, -1) < 0 && errno != EINTR) || p[0].revents)
			return false; /* the host closed, or spoke where it may not */
	}
}

static const struct {
	uint32_t min_len, max_len;
	bool without; /* also when there is no such container */
	bool (*obey)(struct query *q);
} orders[] = {
	[MSG_KILL] = { sizeof(struct msg_kill), sizeof(struct msg_kill), false, on_kill },
	[MSG_SYNC] = { 0, 0, true, on_sync },
	[MSG_SET_CLOCK] = { sizeof(struct msg_set_clock), sizeof(struct msg_set_clock), true,
			    on_set_clock },
	[MSG_UPDATE] = { 4, WIRE_SMALL_BODY, false, on_update },
	[MSG_LIST] = { 0, 0, false, on_list },
	[MSG_STATS] = { 0, 0, false, on_stats },
	[MSG_WATCH] = { 0, 0, false, on_watch },
	[MSG_LAYERS] = { 0, 0, false, on_layers },
};

bool query_obey(struct query *q)
{
	uint16_t type = wire_in_type(&q->in);
	struct report r;

	if (type >= sizeof(orders) / sizeof(orders[0]) || !orders[type].obey ||
	    q->in.body_len < orders[type].min_len || q->in.body_len > orders[type].max_len ||
	    le32_get(q->in.head.container) != q->number)
		return false;
	if (q->cgroup < 0 && !orders[type].without) {
		report_set(&r, FAILED_NACRE, 0, "container not running");
		return query_fail(q, &r);
	}
	return orders[type].obey(q);
}
