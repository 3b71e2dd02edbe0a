/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split virtqueues. See virtq.h.
 *
 * Input: descriptor table and available ring, written by the guest at any moment from any vCPU. Each
 * field is loaded once. Everything that a later step relies on is checked on the loaded copy.
 */
#include "virtq.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "bytes.h"

/* virtio 1.2 §2.7.5 "The Virtqueue Descriptor Table" */
struct ring_desc {
	struct le64 addr;
	struct le32 len;
	struct le16 flags;
	struct le16 next;
};
static_assert(sizeof(struct ring_desc) == 16, "virtio 1.2 §2.7.5");

#define DESC_F_NEXT	1u
#define DESC_F_WRITE	2u
#define DESC_F_INDIRECT 4u

/* virtio 1.2 §2.7.8 "The Virtqueue Used Ring" */
struct used_elem {
	struct le32 id;
	struct le32 len;
};
static_assert(sizeof(struct used_elem) == 8, "virtio 1.2 §2.7.8");

#define AVAIL_F_NO_INTERRUPT 1u
#define USED_F_NO_NOTIFY     1u

/* Offsets in both rings: flags, idx, then the entries, then the event index of the other side. */
#define RING_FLAGS   0u
#define RING_IDX     2u
#define RING_ENTRIES 4u

static gpa_t gpa_add(gpa_t a, uint64_t off)
{
	return GPA(a.v + off);
}

static gpa_t avail_entry(const struct virtq *q, uint16_t i)
{
	return gpa_add(q->avail, RING_ENTRIES + 2ul * (i % q->size));
}

static gpa_t used_entry(const struct virtq *q, uint16_t i)
{
	return gpa_add(q->used, RING_ENTRIES + 8ul * (i % q->size));
}

/* Written by the driver: interrupt me when used_idx passes this (§2.7.7.1). */
static gpa_t used_event(const struct virtq *q)
{
	return gpa_add(q->avail, RING_ENTRIES + 2ul * q->size);
}

/* Written by the device: notify me when avail idx passes this (§2.7.10). */
static gpa_t avail_event(const struct virtq *q)
{
	return gpa_add(q->used, RING_ENTRIES + 8ul * q->size);
}

static bool test_in_flight(const struct virtq *q, uint16_t head)
{
	return q->in_flight[head / 64] >> (head % 64) & 1;
}

static void set_in_flight(struct virtq *q, uint16_t head, bool on)
{
	uint64_t bit = UINT64_C(1) << (head % 64);

	if (on)
		q->in_flight[head / 64] |= bit;
	else
		q->in_flight[head / 64] &= ~bit;
}

static int violation(struct virtq *q, int err)
{
	q->broken = true;
	return err;
}

int virtq_find(const struct virtq *q, const struct gmem *mem, struct virtq_rings *rings)
{
	uint16_t n = q->size;

	/* Both event indices count, whether VIRTIO_F_EVENT_IDX was negotiated or not. */
	rings->desc = gmem_slice(mem, q->desc, sizeof(struct ring_desc) * n);
	rings->avail = gmem_slice(mem, q->avail, RING_ENTRIES + 2ul * n + 2);
	rings->used = gmem_slice(mem, q->used, RING_ENTRIES + 8ul * n + 2);
	return rings->desc && rings->avail && rings->used ? 0 : -EFAULT;
}

int virtq_start(struct virtq *q, const struct gmem *mem)
{
	struct virtq_rings rings;
	uint16_t n = q->size;

	if (n == 0 || n > VIRTQ_SIZE_MAX || (n & (n - 1)))
		return -EINVAL;
	if (q->desc.v % 16 || q->avail.v % 2 || q->used.v % 4)
		return -EINVAL;
	if (virtq_find(q, mem, &rings))
		return -EFAULT;
	q->mem = mem;
	q->broken = false;
	q->last_avail = 0;
	q->used_idx = 0;
	q->signalled_used = 0;
	memset(q->in_flight, 0, sizeof(q->in_flight));
	q->ready = true;
	return 0;
}

void virtq_reset(struct virtq *q)
{
	memset(q, 0, sizeof(*q));
}

/* Copies descriptor `i` and appends it to the chain. 0 or a negative violation. */
static int append_piece(const struct virtq *q, struct chain *c, const struct ring_desc *d)
{
	struct chain_piece *p = &c->piece[c->n_read + c->n_write];
	uint16_t flags = le16_get(d->flags);

	p->gpa = GPA(le64_get(d->addr));
	p->len = le32_get(d->len);
	if (flags & DESC_F_INDIRECT)
		return -EPROTO;
	if (p->len && !gmem_slice(q->mem, p->gpa, p->len))
		return -EFAULT;
	if (flags & DESC_F_WRITE) {
		c->n_write++;
		c->write_len += p->len;
		return 0;
	}
	if (c->n_write) /* readable behind writable */
		return -EPROTO;
	c->n_read++;
	c->read_len += p->len;
	return 0;
}

/* Follows the chain from c->head; at most q->size descriptors, so a loop is a violation. */
static int walk_chain(const struct virtq *q, struct chain *c)
{
	uint16_t i = c->head;

	for (unsigned int n = 0; n < q->size; n++) {
		struct ring_desc d;
		int r;

		if (i >= q->size)
			return -EPROTO;
		r = gmem_read(q->mem, gpa_add(q->desc, sizeof(d) * i), &d, sizeof(d));
		if (r)
			return r;
		r = append_piece(q, c, &d);
		if (r)
			return r;
		if (!(le16_get(d.flags) & DESC_F_NEXT))
			return 0;
		i = le16_get(d.next);
	}
	return -EPROTO;
}

int virtq_pop(struct virtq *q, struct chain *c)
{
	uint16_t avail_idx;
	int r;

	if (!q->ready || q->broken)
		return q->broken ? -EPROTO : 0;
	r = gmem_load16(q->mem, gpa_add(q->avail, RING_IDX), &avail_idx);
	if (r)
		return violation(q, r);
	if (avail_idx == q->last_avail)
		return 0;
	/* §2.7.13.3: the driver cannot have made more entries available than the ring has. */
	if ((uint16_t)(avail_idx - q->last_avail) > q->size)
		return violation(q, -EPROTO);

	c->n_read = c->n_write = 0;
	c->read_len = c->write_len = 0;
	r = gmem_load16(q->mem, avail_entry(q, q->last_avail), &c->head);
	if (r)
		return violation(q, r);
	if (c->head >= q->size || test_in_flight(q, c->head))
		return violation(q, -EPROTO);
	r = walk_chain(q, c);
	if (r)
		return violation(q, r);
	set_in_flight(q, c->head, true);
	q->last_avail++;
	return 1;
}

bool virtq_pending(const struct virtq *q)
{
	uint16_t avail_idx;

	if (!q->ready || q->broken || gmem_load16(q->mem, gpa_add(q->avail, RING_IDX), &avail_idx))
		return false;
	return avail_idx != q->last_avail;
}

void virtq_unpop(struct virtq *q, const struct chain *c)
{
	if (!q->ready || q->broken)
		return;
	set_in_flight(q, c->head, false);
	q->last_avail--;
}

int virtq_put_used(struct virtq *q, uint16_t head, uint32_t written)
{
	struct used_elem e = { .id = le32_of(head), .len = le32_of(written) };
	int r;

	if (!q->ready || q->broken || head >= q->size || !test_in_flight(q, head))
		return -EPROTO;
	r = gmem_write(q->mem, used_entry(q, q->used_idx), &e, sizeof(e));
	if (r)
		return violation(q, r);
	set_in_flight(q, head, false);
	q->used_idx++;
	return 0;
}

int virtq_publish(struct virtq *q)
{
	int r;

	if (!q->ready || q->broken)
		return -EPROTO;
	/* Release: the entries are visible before the index (§2.7.8.2). */
	r = gmem_store16(q->mem, gpa_add(q->used, RING_IDX), q->used_idx);
	return r ? violation(q, r) : 0;
}

int virtq_push(struct virtq *q, uint16_t head, uint32_t written)
{
	int r = virtq_put_used(q, head, written);

	return r ? r : virtq_publish(q);
}

bool virtq_wants_interrupt(struct virtq *q)
{
	uint16_t old = q->signalled_used;
	uint16_t event, flags;

	if (!q->ready || q->broken || old == q->used_idx)
		return false;
	/* The store of idx must be visible before the driver's wish is read (§2.7.7.1). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->signalled_used = q->used_idx;
	if (!q->event_idx) {
		if (gmem_load16(q->mem, gpa_add(q->avail, RING_FLAGS), &flags))
			return false;
		return !(flags & AVAIL_F_NO_INTERRUPT);
	}
	if (gmem_load16(q->mem, used_event(q), &event))
		return false;
	/* §2.7.7.2: was `event` passed by going from old to used_idx? Modulo 2^16. */
	return (uint16_t)(q->used_idx - event - 1) < (uint16_t)(q->used_idx - old);
}

void virtq_set_notify(struct virtq *q, bool on)
{
	if (!q->ready || q->broken)
		return;
	if (!q->event_idx)
		(void)gmem_store16(q->mem, gpa_add(q->used, RING_FLAGS),
				   on ? 0 : (uint16_t)USED_F_NO_NOTIFY);
	else if (on)
		(void)gmem_store16(q->mem, avail_event(q), q->last_avail);
	/* The driver must see this before we look at the ring again (§2.7.10.1). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Where the readable or writable part of a chain lies in piece[]. */
static const struct chain_piece *part(const struct chain *c, bool writable, unsigned int *n)
{
	*n = writable ? c->n_write : c->n_read;
	return writable ? &c->piece[c->n_read] : c->piece;
}

static int copy(const struct chain *c, const struct gmem *m, bool writable, uint64_t off,
		uint8_t *to, const uint8_t *from, uint64_t len)
{
	unsigned int n;
	const struct chain_piece *p = part(c, writable, &n);

	if (!range_fits(off, len, writable ? c->write_len : c->read_len))
		return -EINVAL;
	for (; n && len; n--, p++) {
		uint64_t step;
		int r;

		if (off >= p->len) {
			off -= p->len;
			continue;
		}
		step = p->len - off < len ? p->len - off : len;
		r = writable ? gmem_write(m, gpa_add(p->gpa, off), from, step)
			     : gmem_read(m, gpa_add(p->gpa, off), to, step);
		if (r)
			return r;
		if (writable)
			from += step;
		else
			to += step;
		len -= step;
		off = 0;
	}
	return 0;
}

int chain_read(const struct chain *c, const struct gmem *m, uint64_t off, void *dst, size_t len)
{
	return copy(c, m, false, off, dst, NULL, len);
}

int chain_write(const struct chain *c, const struct gmem *m, uint64_t off, const void *src,
		size_t len)
{
	return copy(c, m, true, off, NULL, src, len);
}

int chain_iov(const struct chain *c, const struct gmem *m, bool writable, uint64_t off, uint64_t len,
	      struct iovec *iov, int max_iov)
{
	unsigned int n;
	const struct chain_piece *p = part(c, writable, &n);
	int n_iov = 0;

	if (!range_fits(off, len, writable ? c->write_len : c->read_len))
		return -EINVAL;
	for (; n && len; n--, p++) {
		uint8_t *at;
		uint64_t step;

		if (off >= p->len) {
			off -= p->len;
			continue;
		}
		step = p->len - off < len ? p->len - off : len;
		at = gmem_slice(m, gpa_add(p->gpa, off), step);
		if (!at)
			return -EINVAL;
		if (n_iov && (uint8_t *)iov[n_iov - 1].iov_base + iov[n_iov - 1].iov_len == at) {
			/* Pages that lie in a row: one piece is quicker than many of 4 KiB. */
			iov[n_iov - 1].iov_len += step;
		} else {
			if (n_iov == max_iov)
				return -EINVAL;
			iov[n_iov++] = (struct iovec){.iov_base = at, .iov_len = step};
		}
		len -= step;
		off = 0;
	}
	return n_iov;
}
