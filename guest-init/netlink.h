/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to rtnetlink(7), one at a time: no dump, no library. Answers are the guest kernel's.
 */
#ifndef NACRE_INIT_NETLINK_H
#define NACRE_INIT_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

#define NETLINK_BODY_MAX 4096u

/* A request under construction. */
struct netlink_request {
	struct nlmsghdr head;
	uint8_t body[NETLINK_BODY_MAX];
};

/* A socket in the calling process's network namespace, or -errno. */
int netlink_open(void);

/* Begins a request with a body of `len` bytes (at most NETLINK_BODY_MAX). */
void netlink_begin(struct netlink_request *r, uint16_t type, uint16_t flags, const void *body,
		   size_t len);

/* Appends an attribute; there must be room for it. */
void netlink_attr(struct netlink_request *r, uint16_t type, const void *data, size_t len);

/* Sends the request and waits for its acknowledgement. 0 or -errno. */
int netlink_do(int fd, struct netlink_request *r);

#endif
