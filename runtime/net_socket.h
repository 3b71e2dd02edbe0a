/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtnetlink(7) in a network namespace that is not ours (visit.h). A socket that was opened there stays there.
 */
#ifndef NACRE_RUNTIME_NET_SOCKET_H
#define NACRE_RUNTIME_NET_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "failure.h"
#include "visit.h"

/* Room for a request that is built. */
#define NET_REQUEST_MAX 4096u

/* As libmnl's loops over attributes, without their implicit conversions. */
#define NET_FOR_EACH_ATTR(attr, head, skip)                                                        \
	for ((attr) = mnl_nlmsg_get_payload_offset((head), (skip));                                \
	     mnl_attr_ok((attr), (int)((const char *)mnl_nlmsg_get_payload_tail(head) -            \
				       (const char *)(attr)));                                     \
	     (attr) = mnl_attr_next(attr))
#define NET_FOR_EACH_NESTED(attr, in)                                                              \
	for ((attr) = mnl_attr_get_payload(in);                                                    \
	     mnl_attr_ok((attr), (int)((const char *)mnl_attr_get_payload(in) +                    \
				       mnl_attr_get_payload_len(in) - (const char *)(attr)));      \
	     (attr) = mnl_attr_next(attr))

/*
 * Opens a network namespace by its path. -EINVAL with the failure set when it is none, or the one that
 * this machine lives in: nothing is ever joined or redirected there.
 */
int net_namespace_open(const char *path, struct failure *failure);

/* Makes a new network namespace, with nothing up. A descriptor, or -errno with the failure set. */
int net_namespace_make(struct failure *failure);

/*
 * Runs `work` in the namespace ns_fd and waits for it. What it opens belongs to the namespace and stays
 * open. Returns what `work` does (-errno with the failure set by itself), or -errno with the failure set
 * when the namespace cannot be entered.
 */
int net_within(int ns_fd, visit_fn *work, void *ctx, struct failure *failure);

/* A socket for requests in the namespace where the thread is, or NULL with errno set. */
struct mnl_socket *net_socket_open(void);

/* Begins a request in buf, of NET_REQUEST_MAX bytes, with an extra header of `len` bytes, zeroed. */
struct nlmsghdr *net_request(void *buf, uint16_t type, uint16_t flags, size_t len, void **extra);

/* Sends a request and waits for the acknowledgement. 0 or -errno. */
int net_request_send(struct mnl_socket *socket, struct nlmsghdr *request);

/* Asks for all objects of a type and family; `each` gets them one by one (mnl_cb_t). 0 or -errno. */
int net_dump(struct mnl_socket *socket, uint16_t type, uint8_t family, mnl_cb_t each, void *ctx);

/* As net_dump(), of a request that was built. */
int net_dump_request(struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t each, void *ctx);

#endif
