/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that ran out, told to the host; see oom.h. */
#include "oom.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "cgroup.h"

/* Reading arms the next notification: kernel 6.1, kernfs_generic_poll. */
static void arm(int fd)
{
	char text[512];

	if (pread(fd, text, sizeof(text), 0) < 0)
		return; /* the cgroup goes away, and the session with it */
}

static void events_changed(void *owner, uint32_t events)
{
	struct session *s = owner;
	uint64_t kills;

	(void)events;
	arm(s->oom.fd);
	kills = cgroup_number(s->container->cgroup, "memory.events", "oom_kill");
	/* OOM has a place in the protocol between STARTED and EXITED. */
	if (kills <= s->oom_kills || s->state < SESSION_RUNNING || s->state >= SESSION_TOLD)
		return;
	s->oom_kills = kills;
	session_send(s, MSG_OOM, NULL, 0);
}

void oom_watch(struct session *s)
{
	s->oom = (struct watch){
		.fd = openat(s->container->cgroup, "memory.events",
			     O_RDONLY | O_NOFOLLOW | O_CLOEXEC),
		.ready = events_changed,
		.owner = s,
	};
	if (s->oom.fd < 0)
		return;
	arm(s->oom.fd);
	if (loop_watch(&s->oom, EPOLLPRI) < 0)
		loop_close(&s->oom);
}
