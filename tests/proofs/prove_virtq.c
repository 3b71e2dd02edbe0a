/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/virtq.c against a guest whose other processors rewrite memory all the time: here every load
 * from guest memory gives any value, each time anew (gmem.c itself is proved in prove_gmem.c).
 * Rings of up to RING entries, in any state that the device can be in.
 *
 * Claimed: the walk ends; what is popped is as long as it says, lies in guest memory and is in
 * flight once; the device writes to its used ring and nowhere else; put-back undoes a pop.
 */
/* SOURCES: vmm/virtq.c */
/* PROVES: prove_start prove_pop prove_push prove_notify prove_copy prove_iov */
/* LONG: prove_pop prove_copy prove_iov */
/* UNWIND: 4 */
#include <errno.h>

#include "bytes.h"
#include "prove.h"
#include "vmm/virtq.h"

#define RING   2u
#define PIECES 2u

void prove_start(void);
void prove_pop(void);
void prove_push(void);
void prove_notify(void);
void prove_copy(void);
void prove_iov(void);

/* ---- guest memory: [0, memory_size), its contents anything ---- */

static uint64_t memory_size;
static uint8_t somewhere[1];
static const struct gmem gmem;

/* Where the code under proof may write; checked at each store. */
static uint64_t may_write_from, may_write_to;

/* The first slices that were asked for. */
static struct {
	uint64_t base, len;
} slice[3];
static unsigned int n_slices;

/* Bytes copied from or to guest memory. */
static uint64_t n_copied;

void *gmem_slice(const struct gmem *m, gpa_t gpa, size_t len)
{
	(void)m;
	if (n_slices < 3) {
		slice[n_slices].base = gpa.v;
		slice[n_slices++].len = len;
	}
	return range_fits(gpa.v, len, memory_size) ? somewhere : NULL;
}

int gmem_read(const struct gmem *m, gpa_t gpa, void *dst, size_t len)
{
	uint8_t *to = dst;

	(void)m;
	if (!range_fits(gpa.v, len, memory_size))
		return -EFAULT;
	if (len == 16)
		__CPROVER_havoc_object(dst); /* a descriptor */
	else if (len)
		to[0] = to[len - 1] = any_u8();
	n_copied += len;
	return 0;
}

int gmem_write(const struct gmem *m, gpa_t gpa, const void *src, size_t len)
{
	const uint8_t *from = src;
	volatile uint8_t seen;

	(void)m;
	if (!range_fits(gpa.v, len, memory_size))
		return -EFAULT;
	CLAIM(gpa.v >= may_write_from && gpa.v + len <= may_write_to, "writes where it may");
	if (len) {
		seen = from[0];
		seen = from[len - 1];
	}
	n_copied += len;
	return 0;
}

int gmem_load16(const struct gmem *m, gpa_t gpa, uint16_t *value)
{
	(void)m;
	if (!range_fits(gpa.v, 2, memory_size) || gpa.v % 2)
		return -EFAULT;
	*value = any_u16();
	return 0;
}

int gmem_store16(const struct gmem *m, gpa_t gpa, uint16_t value)
{
	(void)m;
	(void)value;
	if (!range_fits(gpa.v, 2, memory_size) || gpa.v % 2)
		return -EFAULT;
	CLAIM(gpa.v >= may_write_from && gpa.v + 2 <= may_write_to, "stores where it may");
	return 0;
}

/* ---- queues ---- */

/* A started queue in any state; virtq_start() decides what its addresses may be. */
static struct virtq any_queue(void)
{
	struct virtq q = { .desc = GPA(any_u64()), .avail = GPA(any_u64()),
			   .used = GPA(any_u64()), .size = any_u16(), .event_idx = any_bool() };

	memory_size = any_u64();
	SUPPOSE(q.size <= RING);
	SUPPOSE(virtq_start(&q, &gmem) == 0);
	q.last_avail = any_u16();
	q.used_idx = any_u16();
	q.signalled_used = any_u16();
	q.in_flight[0] = any_u64() & ((UINT64_C(1) << q.size) - 1);
	q.broken = any_bool();
	may_write_from = q.used.v;
	may_write_to = q.used.v + 4 + 8ul * q.size + 2;
	return q;
}

static bool in_flight(const struct virtq *q, uint16_t head)
{
	return q->in_flight[head / 64] >> (head % 64) & 1;
}

void prove_start(void)
{
	struct virtq q = { .desc = GPA(any_u64()), .avail = GPA(any_u64()),
			   .used = GPA(any_u64()), .size = any_u16() };
	int r;

	memory_size = any_u64();
	r = virtq_start(&q, &gmem);
	CLAIM(q.ready == (r == 0), "ready when it was accepted");
	if (r)
		return;
	CLAIM(q.size >= 1 && q.size <= VIRTQ_SIZE_MAX && !(q.size & (q.size - 1)), "size");
	CLAIM(n_slices == 3, "each part was looked at");
	for (unsigned int i = 0; i < 3; i++) {
		/* Sizes are written out: a proof with a product of unknowns takes hours. */
		CLAIM(slice[i].base == (i == 0 ? q.desc.v : i == 1 ? q.avail.v : q.used.v), "where");
		CLAIM(slice[i].len == (i == 0 ? (uint64_t)q.size << 4 :
				       i == 1 ? 6 + ((uint64_t)q.size << 1) :
						6 + ((uint64_t)q.size << 3)), "all of it");
	}
}

void prove_pop(void)
{
	static struct chain c;
	struct virtq q = any_queue(), before = q;
	uint64_t read_len = 0, write_len = 0;
	int r;

	may_write_to = may_write_from; /* nowhere */
	r = virtq_pop(&q, &c);
	CLAIM(r == 1 || r == 0 || r == -EPROTO || r == -EFAULT, "answers");
	CLAIM(r >= 0 || q.broken, "a violation breaks the queue");
	CLAIM(r == 1 || (q.last_avail == before.last_avail && q.in_flight[0] == before.in_flight[0]),
	      "without a chain nothing changes");
	CLAIM(q.used_idx == before.used_idx && q.size == before.size, "the rest stays");
	if (r != 1)
		return;
	CLAIM(!before.broken && c.head < q.size, "head");
	CLAIM(!in_flight(&before, c.head) && in_flight(&q, c.head), "in flight from now on");
	CLAIM(q.in_flight[0] == (before.in_flight[0] | UINT64_C(1) << c.head), "and no other");
	CLAIM(q.last_avail == (uint16_t)(before.last_avail + 1), "one entry");
	CLAIM(c.n_read + c.n_write >= 1 && c.n_read + c.n_write <= q.size, "pieces");
	for (unsigned int i = 0; i < RING; i++) {
		const struct chain_piece *p = &c.piece[i];

		if (i >= (unsigned int)c.n_read + c.n_write)
			break;
		CLAIM(!p->len || range_fits(p->gpa.v, p->len, memory_size), "in guest memory");
		read_len += i < c.n_read ? p->len : 0;
		write_len += i < c.n_read ? 0 : p->len;
	}
	CLAIM(read_len == c.read_len && write_len == c.write_len, "as long as they say");
	virtq_unpop(&q, &c);
	CLAIM(q.last_avail == before.last_avail && q.in_flight[0] == before.in_flight[0],
	      "put back: as before");
}

void prove_push(void)
{
	struct virtq q = any_queue(), before = q;
	uint16_t head = any_u16();
	int r = virtq_push(&q, head, any_u32());

	CLAIM(r == 0 || r == -EPROTO || r == -EFAULT, "answers");
	if (r == 0) {
		CLAIM(!before.broken && head < q.size && in_flight(&before, head), "was in flight");
		CLAIM(!in_flight(&q, head), "and is no more");
		CLAIM(q.used_idx == (uint16_t)(before.used_idx + 1), "one entry");
	} else if (r == -EPROTO) {
		CLAIM(q.used_idx == before.used_idx, "refused without a trace");
	}
	CLAIM(virtq_push(&q, head, 0) != 0, "never twice");
}

void prove_notify(void)
{
	struct virtq q = any_queue();
	bool first = virtq_wants_interrupt(&q);

	CLAIM(!q.broken || !first, "a broken queue interrupts no more");
	CLAIM(!virtq_wants_interrupt(&q), "not twice for the same entries");
	virtq_set_notify(&q, any_bool());
	(void)virtq_pending(&q);
}

/* ---- chains: any that virtq_pop() could have given ---- */

static struct chain chain;

static void any_chain(void)
{
	chain.n_read = any_u16();
	chain.n_write = any_u16();
	chain.read_len = chain.write_len = 0;
	memory_size = any_u64();
	SUPPOSE(chain.n_read <= PIECES && chain.n_write <= PIECES - chain.n_read);
	for (unsigned int i = 0; i < PIECES; i++) {
		struct chain_piece *p = &chain.piece[i];

		if (i >= (unsigned int)chain.n_read + chain.n_write)
			break;
		p->gpa = GPA(any_u64());
		p->len = any_u32();
		SUPPOSE(!p->len || range_fits(p->gpa.v, p->len, memory_size));
		if (i < chain.n_read)
			chain.read_len += p->len;
		else
			chain.write_len += p->len;
	}
}

void prove_copy(void)
{
	uint8_t buf[2];
	uint64_t off = any_u64();
	size_t len = any_size();
	bool writes = any_bool();
	int r;

	any_chain();
	SUPPOSE(len <= sizeof(buf));
	may_write_from = 0;
	may_write_to = writes ? memory_size : 0;
	n_copied = 0;
	r = writes ? chain_write(&chain, &gmem, off, buf, len)
		   : chain_read(&chain, &gmem, off, buf, len);
	CLAIM((r == 0) == range_fits(off, len, writes ? chain.write_len : chain.read_len),
	      "exactly what lies in the chain");
	CLAIM(r == 0 || r == -EINVAL, "no other error");
	CLAIM(n_copied == (r ? 0 : len), "all of it or nothing");
}

void prove_iov(void)
{
	struct iovec iov[PIECES];
	uint64_t off = any_u64(), len = any_u64(), sum = 0;
	bool writable = any_bool();
	int max = any_u8(), n;

	any_chain();
	SUPPOSE(max <= (int)PIECES);
	n = chain_iov(&chain, &gmem, writable, off, len, iov, max);
	CLAIM(n == -EINVAL || (n >= 0 && n <= max), "entries");
	if (n < 0)
		return;
	for (int i = 0; i < (int)PIECES; i++) {
		if (i >= n)
			break;
		CLAIM(iov[i].iov_base && iov[i].iov_len, "no empty entry");
		sum += iov[i].iov_len;
	}
	CLAIM(sum == len, "as many bytes as were asked for");
}
