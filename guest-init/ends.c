/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes and sockets of a process that is being made; see ends.h. */
#include "ends.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "setup.h"

/* A pipe whose end `ours` does not block; the other is the process's and belongs to its user. */
static int make_pipe(int *ours, int *theirs, bool we_write, const struct plan *p)
{
	uint32_t uid = PLAN_ID_BASE + le32_get(p->process->uid);
	uint32_t gid = PLAN_ID_BASE + le32_get(p->process->gid);
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ours = ends[we_write ? 1 : 0];
	*theirs = ends[we_write ? 0 : 1];
	if (fcntl(*ours, F_SETFL, O_NONBLOCK) < 0 || fchown(*theirs, uid, gid) < 0)
		return -errno;
	return 0;
}

static int make_pair(int *ours, int *theirs)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	*ours = ends[0];
	*theirs = ends[1];
	return fcntl(*ours, F_SETFL, O_RDWR | O_NONBLOCK) < 0 ? -errno : 0;
}

static int make_preserved(const struct plan *p, struct process_ends *ends,
			  struct process_start *start)
{
	int r = 0;

	for (unsigned int i = 0; i < p->count[PLAN_FD] && r == 0; i++) {
		enum pump_kind kind = ends_pump_kind(p, i);

		r = kind == PUMP_BOTH
			    ? make_pair(&ends->fds[i], &start->fds[i])
			    : make_pipe(&ends->fds[i], &start->fds[i], kind == PUMP_IN, p);
	}
	return r;
}

void ends_init(struct process_ends *ends)
{
	memset(ends, -1, sizeof(*ends));
}

int ends_open(const struct plan *p, struct process_ends *ends, struct process_start *start)
{
	int pair[2], r = setup_pair(pair);

	memset(start->stdio, -1, sizeof(start->stdio));
	memset(start->fds, -1, sizeof(start->fds));
	start->setup_fd = start->status_fd = -1;
	if (r < 0)
		return r;
	ends->setup_fd = pair[0];
	start->setup_fd = pair[1];
	for (int i = 0; i < 3 && r == 0 && !plan_has(p, PLAN_TERMINAL); i++)
		r = make_pipe(&ends->stdio[i], &start->stdio[i], i == 0, p);
	if (r == 0 && plan_has(p, PLAN_INIT_REAPER))
		r = make_pipe(&ends->status_fd, &start->status_fd, false, p);
	return r == 0 ? make_preserved(p, ends, start) : r;
}

enum pump_kind ends_pump_kind(const struct plan *p, unsigned int n)
{
	static const enum pump_kind kinds[] = {
		[PLAN_FD_READ] = PUMP_IN,
		[PLAN_FD_WRITE] = PUMP_OUT,
		[PLAN_FD_BOTH] = PUMP_BOTH,
	};
	const struct plan_fd *fd = NULL;
	struct cursor body;
	size_t pos = 0;

	for (unsigned int i = 0; i <= n && plan_next(p, &pos, PLAN_FD, &body); i++)
		fd = cursor_take(&body, sizeof(*fd));
	return fd ? kinds[le32_get(fd->kind)] : PUMP_NONE; /* decoded: in bounds */
}

static void close_some(int *fds, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

void ends_close(struct process_ends *ends)
{
	close_some(ends->stdio, 3);
	close_some(ends->fds, PROTO_PRESERVED_MAX);
	close_some(&ends->notify_fd, 1);
	close_some(&ends->setup_fd, 1);
	close_some(&ends->status_fd, 1);
}

void ends_close_theirs(struct process_start *start)
{
	close_some(start->stdio, 3);
	close_some(start->fds, PROTO_PRESERVED_MAX);
	close_some(&start->setup_fd, 1);
	close_some(&start->status_fd, 1);
}
