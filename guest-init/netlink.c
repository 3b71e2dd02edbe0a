/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to rtnetlink(7); see netlink.h. */
#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

/* Lengths of messages and attributes are multiples of four. */
static size_t aligned(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

int netlink_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

void netlink_begin(struct netlink_request *r, uint16_t type, uint16_t flags, const void *body,
		   size_t len)
{
	r->head = (struct nlmsghdr){
		.nlmsg_len = (uint32_t)(sizeof(struct nlmsghdr) + aligned(len)),
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST | NLM_F_ACK),
	};
	memset(r->body, 0, aligned(len));
	memcpy(r->body, body, len);
}

void netlink_attr(struct netlink_request *r, uint16_t type, const void *data, size_t len)
{
	struct nlattr attr = { .nla_len = (uint16_t)(sizeof(attr) + len), .nla_type = type };
	uint8_t *at = r->body + (r->head.nlmsg_len - sizeof(struct nlmsghdr));

	memset(at, 0, sizeof(attr) + aligned(len));
	memcpy(at, &attr, sizeof(attr));
	memcpy(at + sizeof(attr), data, len);
	r->head.nlmsg_len += (uint32_t)(sizeof(attr) + aligned(len));
}

int netlink_do(int fd, struct netlink_request *r)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		uint8_t more[NETLINK_BODY_MAX];
	} answer;
	ssize_t n = send(fd, r, r->head.nlmsg_len, 0);

	if (n < 0)
		return -errno;
	do
		n = recv(fd, &answer, sizeof(answer), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n < sizeof(answer.head) + sizeof(answer.error) ||
	    answer.head.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return answer.error.error;
}
