/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of virtio-vsock: a fixed table, and per connection a ring of bytes from the guest
 * that its UNIX socket could not take yet. The ring is as large as the credit that the guest is
 * given, so it cannot overflow. Device thread, dev->lock held.
 */
#ifndef NACRE_VMM_VSOCK_CONN_H
#define NACRE_VMM_VSOCK_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "loop.h"

#define VSOCK_CONNS_MAX	 1024u
#define VSOCK_PARKED_MAX 8u	      /* guest connections that wait for a client */
#define VSOCK_RING	 (1u << 16) /* bytes, also the credit (buf_alloc) of the guest */

enum conn_state {
	CONN_FREE,
	CONN_SILENT,  /* a UNIX connection that has said nothing yet */
	CONN_WAITING, /* one that has, without a guest's */
	CONN_PARKED,  /* a guest's connection without a UNIX one */
	CONN_OPEN,    /* both */
	CONN_CLOSING, /* the UNIX side is gone; the guest was told and has to confirm with RST */
};

/* Packets owed to the guest, sent when it has a receive buffer. */
enum conn_owes {
	OWES_RESPONSE = 1u << 0,
	OWES_CREDIT = 1u << 1,
	OWES_SHUTDOWN = 1u << 2,
	OWES_RST = 1u << 3, /* and then the connection is freed */
};

struct vsock_conn {
	enum conn_state state;
	struct loop_source src; /* the UNIX socket */
	uint64_t order;		/* of arrival */
	uint32_t guest_port;
	/* To the guest (§5.10.6.3): sent, and what the guest said of its buffer. */
	uint32_t tx_cnt, peer_buf_alloc, peer_fwd_cnt;
	/* From the guest: received, passed on, and what it was last told of that. */
	uint32_t rx_cnt, fwd_cnt, told_fwd_cnt;
	uint32_t owes;		 /* enum conn_owes */
	uint32_t shutdown_flags; /* VIRTIO_VSOCK_SHUTDOWN_*: what we announced or shall announce */
	bool guest_sends_no_more, guest_receives_no_more;
	bool client_gone; /* the UNIX peer closed both directions */
	uint8_t *ring;
	uint32_t ring_at, ring_len;
};

/* Maps the rings. 0 or -errno. */
int vsock_conns_init(void);

/*
 * One past the last slot that was ever used: most VMs have a handful, and memory and time of the others
 * are saved.
 */
unsigned int vsock_conns_used(void);

/* Connection number i < vsock_conns_used(), in any state. */
struct vsock_conn *vsock_conn_at(unsigned int i);

/* A free slot in the given state, or NULL. */
struct vsock_conn *vsock_conn_new(enum conn_state state);

/* The connection of a guest's port, or NULL. */
struct vsock_conn *vsock_conn_by_port(uint32_t guest_port);

/* The oldest connection in a state, or NULL; *n, if not NULL, gets their number. */
struct vsock_conn *vsock_conn_oldest(enum conn_state state, unsigned int *n);

/* Closes the UNIX socket, gives the ring's memory back, frees the slot. */
void vsock_conn_free(struct vsock_conn *c);

/* Bytes that the guest can take now. */
uint32_t vsock_conn_credit(const struct vsock_conn *c);

/*
 * Passes bytes of the guest on: to the UNIX socket as far as it takes them, the rest to the ring.
 * The caller has checked the credit. 0, or -EPIPE when the peer reads no more.
 */
int vsock_conn_deliver(struct vsock_conn *c, struct iovec *iov, int n_iov, uint32_t len);

/* Writes the ring to the UNIX socket as far as it takes it. 0, or -EPIPE. */
int vsock_conn_flush(struct vsock_conn *c);

#endif
