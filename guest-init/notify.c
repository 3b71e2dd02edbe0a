/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness messages of a container; see notify.h. */
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "machine.h"
#include "mounts.h"
#include "rootpath.h"
#include "session_impl.h"
#include "setup.h"

/* Messages that are passed on after the process has ended. */
#define LAST_MESSAGES 4

/* The file of init's, among the nodes that devices.c makes for a container. */
static void socket_path(char *path, size_t size, uint32_t number)
{
	snprintf(path, size, "%s/%u/notify", MACHINE_DEVICES, number);
}

/* Everybody in the container may send, as on the host. */
static int bind_socket(int fd, uint32_t number)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%u", MACHINE_DEVICES, number);
	if (mkdir(address.sun_path, 0755) < 0 && errno != EEXIST)
		return -errno;
	socket_path(address.sun_path, sizeof(address.sun_path), number);
	/* an earlier container of this number may have left it */
	if (unlink(address.sun_path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chown(address.sun_path, PLAN_ID_BASE, PLAN_ID_BASE) < 0 ||
	    chmod(address.sun_path, 0666) < 0)
		return -errno;
	return 0;
}

int notify_make(uint32_t number, const struct plan *p, int *fd, struct report *r)
{
	int err;

	if (p->count[PLAN_NOTIFY] == 0)
		return 0;
	*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	err = *fd < 0 ? -errno : bind_socket(*fd, number);
	return err < 0 ? report_set(r, FAILED_NACRE, -err, "NOTIFY_SOCKET") : 0;
}

void notify_bind(int root, const struct plan *p, uint32_t number)
{
	size_t pos = 0;
	const char *path = plan_next_string(p, &pos, PLAN_NOTIFY);
	char source[64];
	int target, err;

	if (!path)
		return;
	socket_path(source, sizeof(source), number);
	target = rootpath_make(root, path, true, NULL);
	err = target < 0 ? target : mounts_bind(AT_FDCWD, source, target);
	if (err < 0)
		setup_fail(-err, "NOTIFY_SOCKET %s", path);
	close(target);
}

/* Reads one message and sends it on. False if there was none. */
static bool pass(struct session *s)
{
	char message[PROTO_NOTIFY_MAX + 1];
	ssize_t n = recv(s->notify.fd, message, sizeof(message), MSG_DONTWAIT);

	if (n < 0)
		return false;
	if (n > 0 && n <= (ssize_t)PROTO_NOTIFY_MAX)
		session_send(s, MSG_NOTIFY, message, (size_t)n);
	return true;
}

void notify_ready(void *owner, uint32_t events)
{
	(void)events;
	pass(owner);
}

void notify_rearm(struct session *s)
{
	if (s->notify.fd < 0)
		return;
	if (s->state == SESSION_RUNNING && s->out.len == 0)
		(void)loop_watch(&s->notify, EPOLLIN); /* else the messages are lost, no more */
	else
		loop_forget(&s->notify);
}

void notify_end(struct session *s)
{
	if (s->notify.fd < 0)
		return;
	for (int i = 0; i < LAST_MESSAGES && s->state == SESSION_RUNNING && s->out.len == 0; i++) {
		if (!pass(s))
			break;
	}
	loop_close(&s->notify);
}
