/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink(7) in a network namespace; see net_socket.h. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <linux/nsfs.h>
#include <linux/rtnetlink.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "fd.h"
#include "net_socket.h"

/* Answers come in messages of up to 32 KiB, and a link with many virtual functions is larger. */
#define ANSWER_MAX (256 * 1024)

static bool same_namespace(int fd, const char *path)
{
	struct stat one, other;

	return fstat(fd, &one) == 0 && stat(path, &other) == 0 && one.st_ino == other.st_ino &&
	       one.st_dev == other.st_dev;
}

int net_namespace_open(const char *path, struct failure *failure)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return failure_set(failure, -errno, "linux.namespaces: network: %s: expected a "
				   "network namespace: %s", path, strerror(errno));
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return failure_set(failure, -EINVAL, "linux.namespaces: network: %s: expected a "
				   "network namespace", path);
	if (same_namespace(fd, "/proc/self/ns/net") || same_namespace(fd, "/proc/1/ns/net"))
		return failure_set(failure, -EINVAL, "linux.namespaces: network: %s: expected a "
				   "namespace of the container's own: a VM cannot share the host's "
				   "network", path);
	return steal_fd(&fd);
}

static int open_own(void *ctx)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	(void)ctx;
	return fd < 0 ? -errno : fd;
}

int net_namespace_make(struct failure *failure)
{
	int fd, err = visit_namespace(-1, CLONE_NEWNET, open_own, NULL, &fd);

	if (err)
		return failure_set(failure, err, "cannot make a network namespace: %s",
				   strerror(-err));
	return fd < 0 ? failure_set(failure, fd, "cannot open a network namespace: %s",
				    strerror(-fd)) : fd;
}

int net_within(int ns_fd, visit_fn *work, void *ctx, struct failure *failure)
{
	int result, err = visit_namespace(ns_fd, CLONE_NEWNET, work, ctx, &result);

	return err ? failure_set(failure, err, "cannot enter the network namespace: %s",
				 strerror(-err)) : result;
}

struct mnl_socket *net_socket_open(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0)
		return socket;
	if (socket)
		mnl_socket_close(socket);
	return NULL;
}

struct nlmsghdr *net_request(void *buf, uint16_t type, uint16_t flags, size_t len, void **extra)
{
	struct nlmsghdr *request;

	memset(buf, 0, NET_REQUEST_MAX);
	request = mnl_nlmsg_put_header(buf);
	request->nlmsg_type = type;
	request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	*extra = mnl_nlmsg_put_extra_header(request, len);
	return request;
}

static int answer(struct mnl_socket *socket, mnl_cb_t each, void *ctx)
{
	static char buf[ANSWER_MAX];
	ssize_t n;
	int r;

	do {
		n = mnl_socket_recvfrom(socket, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(socket), each, ctx);
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : 0;
}

int net_request_send(struct mnl_socket *socket, struct nlmsghdr *request)
{
	request->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	return answer(socket, NULL, NULL);
}

int net_dump_request(struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t each, void *ctx)
{
	request->nlmsg_flags |= NLM_F_DUMP;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	return answer(socket, each, ctx);
}

int net_dump(struct mnl_socket *socket, uint16_t type, uint8_t family, mnl_cb_t each, void *ctx)
{
	char buf[NET_REQUEST_MAX];
	struct rtgenmsg *body; /* the family alone: all that a dump of any kind has to say */
	struct nlmsghdr *request = net_request(buf, type, 0, sizeof(*body), (void **)&body);

	body->rtgen_family = family;
	return net_dump_request(socket, request, each, ctx);
}
