/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker's loop. See serve.h.
 *
 * Received without a control buffer: a descriptor that the peer sends along is dropped by the
 * kernel. Sent with one descriptor at most.
 */
#include "serve.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int send_reply(struct fsd *f, int socket_fd, size_t len, int donate)
{
	struct iovec iov = {.iov_base = f->out, .iov_len = len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct cmsghdr *c;
	ssize_t n;

	if (donate >= 0) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &donate, sizeof(donate));
	}
	do {
		n = sendmsg(socket_fd, &m, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int serve(struct fsd *f, int socket_fd)
{
	for (;;) {
		/* MSG_TRUNC: the packet's own length, also when it does not fit. */
		ssize_t n = recv(socket_fd, f->in, sizeof(f->in), MSG_TRUNC);
		size_t len;
		int donate, err;

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return 0;
		if (n < 0)
			return -errno;
		if ((size_t)n > sizeof(f->in))
			continue;
		len = request_serve(f, (size_t)n, &donate);
		if (len == 0)
			continue;
		err = send_reply(f, socket_fd, len, donate);
		if (err == -EPIPE || err == -ECONNRESET)
			return 0;
		if (err)
			return err;
	}
}
