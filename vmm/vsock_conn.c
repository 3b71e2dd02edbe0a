/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of virtio-vsock. See vsock_conn.h. */
#include "vsock_conn.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
	struct vsock_conn conn[VSOCK_CONNS_MAX];
	unsigned int n_used;
	uint8_t *rings;
	uint64_t next_order;
} table;

int vsock_conns_init(void)
{
	/* 64 MiB of address space; pages come into being when a peer does not read. */
	table.rings = mmap(NULL, (size_t)VSOCK_CONNS_MAX * VSOCK_RING, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table.rings == MAP_FAILED)
		return -errno;
	/* A first byte must not bring 2 MiB into being on a host with huge pages for all. */
	(void)madvise(table.rings, (size_t)VSOCK_CONNS_MAX * VSOCK_RING, MADV_NOHUGEPAGE);
	return 0;
}

unsigned int vsock_conns_used(void)
{
	return table.n_used;
}

struct vsock_conn *vsock_conn_at(unsigned int i)
{
	return &table.conn[i];
}

struct vsock_conn *vsock_conn_new(enum conn_state state)
{
	for (unsigned int i = 0; i < VSOCK_CONNS_MAX; i++) {
		struct vsock_conn *c = &table.conn[i];

		if (c->state != CONN_FREE)
			continue;
		if (i >= table.n_used)
			table.n_used = i + 1;
		*c = (struct vsock_conn){ .state = state,
					  .src = { .fd = -1 },
					  .order = table.next_order++,
					  .ring = table.rings + (size_t)i * VSOCK_RING };
		return c;
	}
	return NULL;
}

struct vsock_conn *vsock_conn_by_port(uint32_t guest_port)
{
	for (unsigned int i = 0; i < table.n_used; i++) {
		struct vsock_conn *c = &table.conn[i];

		if (c->state >= CONN_PARKED && c->guest_port == guest_port)
			return c;
	}
	return NULL;
}

struct vsock_conn *vsock_conn_oldest(enum conn_state state, unsigned int *n)
{
	struct vsock_conn *oldest = NULL;

	if (n)
		*n = 0;
	for (unsigned int i = 0; i < table.n_used; i++) {
		struct vsock_conn *c = &table.conn[i];

		if (c->state != state)
			continue;
		if (n)
			(*n)++;
		if (!oldest || c->order < oldest->order)
			oldest = c;
	}
	return oldest;
}

void vsock_conn_free(struct vsock_conn *c)
{
	int fd = c->src.fd;

	if (fd >= 0) {
		loop_remove(&c->src);
		close(fd);
	}
	if (c->ring_len)
		madvise(c->ring, VSOCK_RING, MADV_DONTNEED);
	c->state = CONN_FREE;
}

uint32_t vsock_conn_credit(const struct vsock_conn *c)
{
	uint32_t in_flight = c->tx_cnt - c->peer_fwd_cnt;

	/* A guest that lies about what it forwarded gets no credit, not a huge one. */
	return in_flight < c->peer_buf_alloc ? c->peer_buf_alloc - in_flight : 0;
}

static void ring_append(struct vsock_conn *c, const uint8_t *p, uint32_t len)
{
	while (len) {
		uint32_t at = (c->ring_at + c->ring_len) % VSOCK_RING;
		uint32_t n = VSOCK_RING - at < len ? VSOCK_RING - at : len;

		/* For the peer's eyes only: copied, not looked at. */
		memcpy(c->ring + at, p, n);
		c->ring_len += n;
		p += n;
		len -= n;
	}
}

static int send_error(void)
{
	return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
}

int vsock_conn_deliver(struct vsock_conn *c, struct iovec *iov, int n_iov, uint32_t len)
{
	ssize_t sent = 0;

	c->rx_cnt += len;
	if (c->ring_len == 0 && c->state == CONN_OPEN) {
		/* Not sendmsg: the filter leaves no call that could pass a descriptor on. */
		sent = writev(c->src.fd, iov, n_iov);
		if (sent < 0) {
			if (send_error())
				return -EPIPE;
			sent = 0;
		}
		c->fwd_cnt += (uint32_t)sent;
	}
	for (int i = 0; i < n_iov; i++) {
		size_t skip = (size_t)sent < iov[i].iov_len ? (size_t)sent : iov[i].iov_len;

		sent -= (ssize_t)skip;
		ring_append(c, (const uint8_t *)iov[i].iov_base + skip,
			    (uint32_t)(iov[i].iov_len - skip));
	}
	return 0;
}

int vsock_conn_flush(struct vsock_conn *c)
{
	while (c->ring_len) {
		uint32_t n = VSOCK_RING - c->ring_at < c->ring_len ? VSOCK_RING - c->ring_at
								   : c->ring_len;
		ssize_t sent = send(c->src.fd, c->ring + c->ring_at, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0)
			return send_error();
		c->ring_at = (c->ring_at + (uint32_t)sent) % VSOCK_RING;
		c->ring_len -= (uint32_t)sent;
		c->fwd_cnt += (uint32_t)sent;
	}
	return 0;
}
