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

/* Length of the first request of a packet; of all that is there when no other follows it. */
static size_t first_length(const struct fsd *f, size_t len)
{
	const size_t head = sizeof(struct broker_header) + sizeof(struct fuse_in_header);
	struct fuse_in_header hdr;

	if (len < head)
		return len;
	memcpy(&hdr, f->in + sizeof(struct broker_header), sizeof(hdr));
	if (hdr.len < sizeof(hdr) || hdr.len > len - sizeof(struct broker_header))
		return len;
	return sizeof(struct broker_header) + hdr.len;
}

/* The requests of a packet of `len` bytes, one after the other. 0 or -errno of the socket. */
static int serve_packet(struct fsd *f, int socket_fd, size_t len)
{
	while (len) {
		size_t one = first_length(f, len), reply_len;
		int donate, err = 0;

		reply_len = request_serve(f, one, &donate);
		if (reply_len)
			err = send_reply(f, socket_fd, reply_len, donate);
		if (err)
			return err;
		len -= one;
		/* Requests are read where they lie, and have the alignment of the buffer there. */
		memmove(f->in, f->in + one, len);
	}
	return 0;
}

int serve(struct fsd *f, int socket_fd)
{
	for (;;) {
		/* MSG_TRUNC: the packet's own length, also when it does not fit. */
		ssize_t n = recv(socket_fd, f->in, sizeof(f->in), MSG_TRUNC);
		int err;

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return 0;
		if (n < 0)
			return -errno;
		if ((size_t)n > sizeof(f->in))
			continue;
		err = serve_packet(f, socket_fd, (size_t)n);
		if (err == -EPIPE || err == -ECONNRESET)
			return 0;
		if (err)
			return err;
	}
}
