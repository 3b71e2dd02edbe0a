/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The split ring alone: pops, pushes and put-backs in any order while the ring is rewritten.
 * Whatever is popped must lie in guest memory, be as long as it says, and be given out once.
 */
/* SOURCES: vmm/virtq.c vmm/gmem.c */
#include "fuzz.h"
#include "tests/unit/fake_guest.h"

struct model {
	struct gmem mem;
	struct virtq q;
	uint16_t size;
	bool out[VIRTQ_SIZE_MAX]; /* heads that we hold */
	struct chain last;
	bool have_last;
};

static struct model m;

static void check_chain(const struct chain *c)
{
	uint64_t read_len = 0, write_len = 0;
	struct iovec iov[VIRTQ_SIZE_MAX];
	uint8_t byte = 0;
	int n;

	CLAIM(c->head < m.size && !m.out[c->head]);
	CLAIM(c->n_read + c->n_write >= 1 && c->n_read + c->n_write <= m.size);
	for (unsigned int i = 0; i < (unsigned int)c->n_read + c->n_write; i++) {
		const struct chain_piece *p = &c->piece[i];

		CLAIM(!p->len || gmem_slice(&m.mem, p->gpa, p->len));
		if (i < c->n_read)
			read_len += p->len;
		else
			write_len += p->len;
	}
	CLAIM(read_len == c->read_len && write_len == c->write_len);
	CLAIM(chain_read(c, &m.mem, c->read_len, &byte, 1) == -EINVAL);
	CLAIM(chain_write(c, &m.mem, c->write_len, &byte, 1) == -EINVAL);
	if (c->read_len)
		CLAIM(chain_read(c, &m.mem, c->read_len - 1, &byte, 1) == 0);
	for (int writable = 0; writable < 2; writable++) {
		uint64_t len = writable ? c->write_len : c->read_len, sum = 0;

		n = chain_iov(c, &m.mem, writable, 0, len, iov, VIRTQ_SIZE_MAX);
		CLAIM(n >= 0);
		for (int i = 0; i < n; i++)
			sum += iov[i].iov_len;
		CLAIM(sum == len);
	}
}

static void pop(void)
{
	bool pending = virtq_pending(&m.q);
	int r = virtq_pop(&m.q, &m.last);

	m.have_last = r == 1;
	CLAIM(r <= 1 && (r == 0 || pending || m.q.broken));
	if (r < 0)
		CLAIM(m.q.broken && virtq_pop(&m.q, &m.last) == -EPROTO);
	if (r == 1) {
		check_chain(&m.last);
		m.out[m.last.head] = true;
	}
}

static void push(uint16_t head)
{
	uint16_t before = m.q.used_idx;
	int r = virtq_push(&m.q, head, 7);
	bool ours = head < m.size && m.out[head];

	CLAIM(m.q.broken || (r == 0) == ours);
	if (r == 0) {
		CLAIM(m.q.used_idx == (uint16_t)(before + 1));
		m.out[head] = false;
		if (m.have_last && m.last.head == head)
			m.have_last = false;
	}
}

static void step(struct cursor *c, struct fake_driver *d)
{
	uint8_t bytes[32];
	uint32_t at;
	size_t n;

	switch (in8(c) % 10) {
	case 0:
	case 1:
		fake_desc(d, in8(c) % m.size, FAKE_BASE + 0x4000 + in32(c) % (2 * FAKE_SIZE), in32(c),
			  in8(c) & 7, in8(c) & 1 ? in16(c) : (uint16_t)(in8(c) % m.size));
		break;
	case 2:
		fake_desc(d, in8(c) % m.size, FAKE_BASE + 0x4000 + in16(c), in16(c), in8(c) & 3,
			  (uint16_t)(in8(c) % m.size));
		break;
	case 3:
		fake_offer(d, (uint16_t)(in8(c) % m.size));
		break;
	case 4:
		at = in16(c) % 0x2000;
		n = in_bytes(c, bytes, in8(c) % sizeof(bytes));
		fake_put(&m.mem, FAKE_BASE + at, bytes, n);
		break;
	case 5:
	case 6:
		pop();
		break;
	case 7:
		push(in8(c) & 1 ? in16(c) : (uint16_t)(in8(c) % m.size));
		break;
	case 8:
		if (!m.have_last)
			break;
		virtq_unpop(&m.q, &m.last);
		m.out[m.last.head] = false;
		m.have_last = false;
		break;
	default:
		virtq_wants_interrupt(&m.q);
		virtq_set_notify(&m.q, in8(c) & 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	struct fake_driver d;

	if (!m.mem.n_regions)
		m.mem = fake_memory();
	memset(m.mem.region[0].hva, 0, 0x4000);
	memset(m.out, 0, sizeof(m.out));
	m.have_last = false;
	m.size = (uint16_t)(1u << (in8(&c) % 9));
	d = fake_driver_at(&m.mem, FAKE_BASE, m.size);
	m.q = fake_queue(&d);
	m.q.event_idx = in8(&c) & 1;
	CLAIM(virtq_start(&m.q, &m.mem) == 0);
	/* So that the wrap at 65535 comes early. */
	m.q.last_avail = m.q.used_idx = m.q.signalled_used = d.avail_idx = in16(&c);
	fake_put16(&m.mem, d.avail + 2, d.avail_idx);
	while (in_more(&c))
		step(&c, &d);
	return 0;
}
