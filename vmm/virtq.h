/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split virtqueues (virtio 1.2 §2.7), device side, for hostile drivers.
 *
 * The device copies each descriptor once and checks the copy. It never follows more descriptors than
 * the ring has entries, so a loop ends; it never accepts a head that is still in flight; the avail
 * index may be ahead of ours by at most the ring's size. A violation is -EPROTO: the device then sets
 * DEVICE_NEEDS_RESET (§2.1.2) and touches the queue no more. VIRTIO_F_INDIRECT_DESC is not offered,
 * so an indirect descriptor is a violation as well.
 *
 * Called with the device's lock held, by the device thread or a worker of the device.
 */
#ifndef NACRE_VMM_VIRTQ_H
#define NACRE_VMM_VIRTQ_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "gmem.h"

/* Of any device; most take less (dev.h, queue_size_max). */
#define VIRTQ_SIZE_MAX 2048u

/* One piece of a chain; the address range has been checked to lie in guest memory. */
struct chain_piece {
	gpa_t gpa;
	uint32_t len; /* may be 0 */
};

/*
 * A descriptor chain as popped: the device-readable pieces first, the device-writable after them
 * (§2.7.4.2: a driver MUST place writable descriptors after readable ones; otherwise -EPROTO).
 */
struct chain {
	uint16_t head;
	uint16_t n_read;  /* pieces[0 .. n_read) are device-readable */
	uint16_t n_write; /* pieces[n_read .. n_read + n_write) are device-writable */
	uint64_t read_len, write_len; /* sums, bytes */
	struct chain_piece piece[VIRTQ_SIZE_MAX];
};

struct virtq {
	const struct gmem *mem;
	/* What the driver programmed; frozen while `ready`. */
	gpa_t desc, avail, used;
	uint16_t size; /* power of two, 1 to VIRTQ_SIZE_MAX */
	bool ready;
	/* Device state. */
	bool event_idx; /* VIRTIO_F_EVENT_IDX was negotiated */
	bool broken;	/* a violation was seen: nothing is popped or pushed any more */
	uint16_t last_avail;
	uint16_t used_idx; /* of what is put; the driver sees it once it is published */
	uint16_t signalled_used; /* used_idx at the last interrupt decision */
	uint64_t in_flight[VIRTQ_SIZE_MAX / 64];
};

/*
 * Starts a queue with the addresses and size that the driver programmed. Checks alignment (§2.7:
 * 16, 2, 4) and that all three parts lie in guest memory. 0, -EINVAL for bad size or alignment,
 * -EFAULT.
 */
int virtq_start(struct virtq *q, const struct gmem *mem);

/* Host addresses of the three parts of a ring. For system calls only. */
struct virtq_rings {
	void *desc, *avail, *used;
};

/* Where the parts of a queue lie, each as long as `size` makes it. 0, or -EFAULT: not guest memory. */
int virtq_find(const struct virtq *q, const struct gmem *mem, struct virtq_rings *rings);

/* Forgets everything; the queue is not ready. */
void virtq_reset(struct virtq *q);

/* Takes the next chain. 1 and *c filled, 0 when there is none, -EPROTO or -EFAULT (q is broken). */
int virtq_pop(struct virtq *q, struct chain *c);

/* Whether virtq_pop would find something, good or bad. */
bool virtq_pending(const struct virtq *q);

/* Puts the chain popped last back, untouched (for a device that cannot serve it yet). */
void virtq_unpop(struct virtq *q, const struct chain *c);

/* Returns a chain with `written` bytes to the driver. 0, -EPROTO (not in flight, broken) or -EFAULT. */
int virtq_push(struct virtq *q, uint16_t head, uint32_t written);

/*
 * The same in two steps, for chains that the driver must see at once: each is put, then all are
 * published. 0, -EPROTO or -EFAULT.
 */
int virtq_put_used(struct virtq *q, uint16_t head, uint32_t written);
int virtq_publish(struct virtq *q);

/*
 * Whether the driver wants an interrupt for what was pushed since the last call (§2.7.7, and with
 * event_idx §2.7.7.1). Call after a batch of pushes.
 */
bool virtq_wants_interrupt(struct virtq *q);

/* Asks the driver to notify (on) or not to bother (off); after `on` look at the ring once more. */
void virtq_set_notify(struct virtq *q, bool on);

/* Copies len bytes at offset off of the readable part. 0, -EINVAL (outside the chain) or -EFAULT. */
int chain_read(const struct chain *c, const struct gmem *m, uint64_t off, void *dst, size_t len);

/* Copies len bytes to offset off of the writable part. 0, -EINVAL (outside the chain) or -EFAULT. */
int chain_write(const struct chain *c, const struct gmem *m, uint64_t off, const void *src, size_t len);

/*
 * Fills iov with [off, off + len) of the readable (writable = false) or writable part, for a system
 * call. Empty pieces are left out. Returns the number of entries, or -EINVAL when the range is outside
 * of the chain or needs more than max_iov entries.
 */
int chain_iov(const struct chain *c, const struct gmem *m, bool writable, uint64_t off, uint64_t len,
	      struct iovec *iov, int max_iov);

#endif
