/* SPDX-License-Identifier: Apache-2.0 */
/* Query connections, and the children that serve them; see query.h. */
#include "query.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "container.h"
#include "kernel.h"
#include "machine.h"
#include "query_impl.h"

/* The only descriptors of a child that serves, beside /dev/null at 0 to 2. */
enum { FD_CONNECTION = 3, FD_CGROUP = 4, FDS_END = 5 };

static pid_t children[QUERIES_MAX]; /* 0: free */

bool query_child_ended(pid_t pid)
{
	for (unsigned int i = 0; i < QUERIES_MAX; i++) {
		if (children[i] == pid) {
			children[i] = 0;
			return true;
		}
	}
	return false;
}

bool query_answer(const struct query *q, enum msg_type type, const void *body, size_t len)
{
	static struct wire_out out;

	out.off = out.len = 0;
	return wire_put(&out, type, q->number, body, len) == 0 && wire_flush(&out, q->fd) == 1;
}

/* The connection and the cgroup at their numbers; all others, those to the host above all, closed. */
static void take_descriptors(struct query *q)
{
	int fd = fcntl(q->fd, F_DUPFD_CLOEXEC, 64);
	int cgroup = q->cgroup < 0 ? -1 : fcntl(q->cgroup, F_DUPFD_CLOEXEC, 64);

	if (fd < 0 || dup3(fd, FD_CONNECTION, O_CLOEXEC) < 0 ||
	    (cgroup >= 0 && dup3(cgroup, FD_CGROUP, O_CLOEXEC) < 0) ||
	    (cgroup < 0 && close(FD_CGROUP) < 0 && errno != EBADF) ||
	    kernel_close_range(FDS_END, ~0u) < 0 || fcntl(FD_CONNECTION, F_SETFL, O_RDWR) < 0)
		_exit(1);
	q->fd = FD_CONNECTION;
	q->cgroup = cgroup < 0 ? -1 : FD_CGROUP;
}

static _Noreturn void serve(struct query *q, bool known_version)
{
	struct msg_hello_ack ack = { .version = le16_of(PROTO_VERSION) };

	prctl(PR_SET_NAME, "nacre-query", 0, 0, 0);
	take_descriptors(q);
	if (!query_answer(q, MSG_HELLO_ACK, &ack, sizeof(ack)) || !known_version)
		_exit(0);
	while (wire_read(&q->in, q->fd) == 1 && query_obey(q))
		wire_in_done(&q->in);
	_exit(0);
}

void query_open(int fd, uint32_t number, const struct msg_hello *hello)
{
	const struct container *c = container_find(number);
	static struct query q;
	unsigned int i = 0;
	struct report r;
	pid_t pid;

	while (i < QUERIES_MAX && children[i] != 0)
		i++;
	q = (struct query){ .fd = fd, .number = number, .cgroup = -1 };
	if (i == QUERIES_MAX) {
		report_set(&r, FAILED_NACRE, 0, "%u callers ask of the virtual machine already, as many "
			   "as it takes", QUERIES_MAX);
		(void)query_fail(&q, &r);
	} else {
		if (c && c->made && c->init > 0) {
			q.cgroup = c->cgroup;
			q.init = c->init;
			q.reaper = c->reaper ? c->init : 0;
		}
		pid = fork();
		if (pid == 0)
			serve(&q, le16_get(hello->version) == PROTO_VERSION);
		if (pid > 0)
			children[i] = pid;
		else
			machine_log("query: %s", strerror(errno));
	}
	close(fd);
}
