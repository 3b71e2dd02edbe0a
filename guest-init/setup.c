/* SPDX-License-Identifier: Apache-2.0 */
/* The channel between nacre-init and a process before its exec; see setup.h. */
#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int setup_pair(int ends[2])
{
	int on = 1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	if (fcntl(ends[0], F_SETFL, O_RDWR | O_NONBLOCK) == 0 &&
	    setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0)
		return 0;
	on = -errno;
	close(ends[0]);
	close(ends[1]);
	return on;
}

int setup_tell(int fd, enum setup_type type)
{
	struct setup_message m = { .type = type };

	return write(fd, &m, sizeof(m)) < 0 ? -errno : 0;
}

int setup_receive(int fd, struct setup_message *m, pid_t *pid, int *passed_fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = m, .iov_len = sizeof(*m) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

	*passed_fd = -1;
	*pid = -1;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	/*
	 * Not CMSG_NXTHDR: musl's has a sign conversion in it. The kernel wrote what is read here.
	 */
	for (size_t at = 0; range_fits(at, sizeof(struct cmsghdr), msg.msg_controllen);) {
		struct cmsghdr *c = (struct cmsghdr *)(void *)(control.buf + at);

		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			memcpy(passed_fd, CMSG_DATA(c), sizeof(int));
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			memcpy(pid, CMSG_DATA(c) + offsetof(struct ucred, pid), sizeof(*pid));
		at += CMSG_ALIGN(c->cmsg_len);
	}
	m->report.text[sizeof(m->report.text) - 1] = 0;
	return n == sizeof(*m) ? 1 : -EPROTO;
}

void setup_wait(enum setup_type type)
{
	struct setup_message m;
	ssize_t n;

	do
		n = read(SETUP_FD, &m, sizeof(m));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(m) || m.type != type)
		_exit(FAILED_NACRE);
}

void setup_held(int fd)
{
	struct setup_message m = { .type = SETUP_HELD };
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .buf = { 0 } };
	struct iovec iov = { .iov_base = &m, .iov_len = sizeof(m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	if (sendmsg(SETUP_FD, &msg, 0) < 0)
		_exit(FAILED_NACRE);
}

void setup_fail_code(enum failed_code code, int err, const char *format, ...)
{
	struct setup_message m = { .type = SETUP_FAILED };
	va_list ap;

	va_start(ap, format);
	report_vset(&m.report, code, err, format, ap);
	va_end(ap);
	/* A write that fails leaves init with a closed channel, which it reports as well. */
	_exit(write(SETUP_FD, &m, sizeof(m)) < 0 ? FAILED_NACRE + 1 : FAILED_NACRE);
}
