/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of vmm/virtq.c: the happy path, and a driver that breaks every rule once. */
/* SOURCES: vmm/virtq.c vmm/gmem.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_guest.h"

#define RING FAKE_BASE
#define DATA (FAKE_BASE + 0x10000)
#define END  (FAKE_BASE + FAKE_SIZE)

struct fixture {
	struct gmem mem;
	struct fake_driver drv;
	struct virtq q;
	struct chain c;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->mem = fake_memory();
	f->drv = fake_driver_at(&f->mem, RING, 8);
	f->q = fake_queue(&f->drv);
	*state = f;
	return virtq_start(&f->q, &f->mem);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_memory_free(&f->mem);
	free(f);
	return 0;
}

static void test_start_checks(void **state)
{
	struct fixture *f = *state;
	struct virtq good = fake_queue(&f->drv), q;

	q = good;
	q.size = 0;
	assert_int_equal(virtq_start(&q, &f->mem), -EINVAL);
	q.size = 3;
	assert_int_equal(virtq_start(&q, &f->mem), -EINVAL);
	q.size = 2 * VIRTQ_SIZE_MAX;
	assert_int_equal(virtq_start(&q, &f->mem), -EINVAL);
	q = good;
	q.desc.v += 8;
	assert_int_equal(virtq_start(&q, &f->mem), -EINVAL);
	q = good;
	q.avail.v += 1;
	assert_int_equal(virtq_start(&q, &f->mem), -EINVAL);
	q = good;
	q.used.v += 2;
	assert_int_equal(virtq_start(&q, &f->mem), -EINVAL);
	q = good;
	q.used = GPA(END - 4 - 8 * 8); /* one event index short */
	assert_int_equal(virtq_start(&q, &f->mem), -EFAULT);
	q.used = GPA(END - 4 - 8 * 8 - 4);
	assert_int_equal(virtq_start(&q, &f->mem), 0);
	q = good;
	q.desc = GPA(UINT64_MAX - 15);
	assert_int_equal(virtq_start(&q, &f->mem), -EFAULT);
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	uint32_t id, len;
	char buf[8];

	assert_int_equal(virtq_pop(&f->q, &f->c), 0);
	fake_put(&f->mem, DATA, "abcdef", 6);
	fake_desc(&f->drv, 2, DATA, 3, FAKE_NEXT, 5);
	fake_desc(&f->drv, 5, DATA + 3, 3, FAKE_NEXT, 1);
	fake_desc(&f->drv, 1, DATA + 0x100, 4, FAKE_NEXT | FAKE_WRITE, 7);
	fake_desc(&f->drv, 7, DATA + 0x200, 4, FAKE_WRITE, 0);
	fake_offer(&f->drv, 2);

	assert_int_equal(virtq_pop(&f->q, &f->c), 1);
	assert_int_equal(f->c.n_read, 2);
	assert_int_equal(f->c.n_write, 2);
	assert_int_equal(f->c.read_len, 6);
	assert_int_equal(f->c.write_len, 8);
	assert_int_equal(chain_read(&f->c, &f->mem, 1, buf, 5), 0);
	assert_memory_equal(buf, "bcdef", 5);
	assert_int_equal(chain_read(&f->c, &f->mem, 2, buf, 5), -EINVAL);
	assert_int_equal(chain_write(&f->c, &f->mem, 2, "wxyz", 4), 0);
	assert_memory_equal(gmem_slice(&f->mem, GPA(DATA + 0x102), 2), "wx", 2);
	assert_memory_equal(gmem_slice(&f->mem, GPA(DATA + 0x200), 2), "yz", 2);
	assert_int_equal(chain_write(&f->c, &f->mem, 5, "wxyz", 4), -EINVAL);

	assert_int_equal(virtq_push(&f->q, f->c.head, 8), 0);
	assert_true(fake_used(&f->drv, &id, &len));
	assert_int_equal(id, 2);
	assert_int_equal(len, 8);
	/* Twice is a violation of ours, refused. */
	assert_int_equal(virtq_push(&f->q, f->c.head, 8), -EPROTO);
}

static void test_chain_iov(void **state)
{
	struct fixture *f = *state;
	struct iovec iov[4];

	fake_desc(&f->drv, 0, DATA, 10, FAKE_NEXT, 1);
	fake_desc(&f->drv, 1, DATA + 20, 0, FAKE_NEXT, 2);
	fake_desc(&f->drv, 2, DATA + 40, 10, 0, 0);
	fake_offer(&f->drv, 0);
	assert_int_equal(virtq_pop(&f->q, &f->c), 1);
	assert_int_equal(chain_iov(&f->c, &f->mem, false, 5, 10, iov, 4), 2);
	assert_int_equal(iov[0].iov_len, 5);
	assert_int_equal(iov[1].iov_len, 5);
	assert_ptr_equal(iov[1].iov_base, gmem_slice(&f->mem, GPA(DATA + 40), 1));
	assert_int_equal(chain_iov(&f->c, &f->mem, false, 0, 20, iov, 1), -EINVAL);
	assert_int_equal(chain_iov(&f->c, &f->mem, false, 0, 21, iov, 4), -EINVAL);
	assert_int_equal(chain_iov(&f->c, &f->mem, false, UINT64_MAX, 2, iov, 4), -EINVAL);
	assert_int_equal(chain_iov(&f->c, &f->mem, true, 0, 1, iov, 4), -EINVAL);
}

/* Pieces that lie in a row are one, and only those. */
static void test_chain_iov_in_a_row(void **state)
{
	struct fixture *f = *state;
	struct iovec iov[4];

	fake_desc(&f->drv, 0, DATA, 10, FAKE_NEXT, 1);
	fake_desc(&f->drv, 1, DATA + 10, 20, FAKE_NEXT, 2);
	fake_desc(&f->drv, 2, DATA + 31, 5, FAKE_NEXT, 3);
	fake_desc(&f->drv, 3, END - 5, 5, FAKE_NEXT, 4);
	fake_desc(&f->drv, 4, FAKE_BASE + 0x8000, 5, 0, 0);
	fake_offer(&f->drv, 0);
	assert_int_equal(virtq_pop(&f->q, &f->c), 1);
	assert_int_equal(chain_iov(&f->c, &f->mem, false, 5, 40, iov, 4), 4);
	assert_ptr_equal(iov[0].iov_base, gmem_slice(&f->mem, GPA(DATA + 5), 1));
	assert_int_equal(iov[0].iov_len, 25);
	assert_int_equal(iov[1].iov_len, 5);
	assert_int_equal(iov[2].iov_len, 5);
	assert_ptr_equal(iov[3].iov_base, gmem_slice(&f->mem, GPA(FAKE_BASE + 0x8000), 1));
	assert_int_equal(chain_iov(&f->c, &f->mem, false, 0, 30, iov, 1), 1);
	assert_int_equal(chain_iov(&f->c, &f->mem, false, 0, 31, iov, 1), -EINVAL);
}

static void test_loop(void **state)
{
	struct fixture *f = *state;

	fake_desc(&f->drv, 0, DATA, 4, FAKE_NEXT, 1);
	fake_desc(&f->drv, 1, DATA, 4, FAKE_NEXT, 0);
	fake_offer(&f->drv, 0);
	assert_int_equal(virtq_pop(&f->q, &f->c), -EPROTO);
	assert_true(f->q.broken);
	assert_int_equal(virtq_pop(&f->q, &f->c), -EPROTO); /* stays broken */
}

static void test_longest_chain(void **state)
{
	struct fixture *f = *state;

	for (uint16_t i = 0; i < 8; i++)
		fake_desc(&f->drv, i, DATA + 16ul * i, 16, i < 7 ? FAKE_NEXT : 0, i + 1);
	fake_offer(&f->drv, 0);
	assert_int_equal(virtq_pop(&f->q, &f->c), 1);
	assert_int_equal(f->c.n_read, 8);
}

static void pop_fails(struct fixture *f, int err)
{
	fake_offer(&f->drv, 0);
	assert_int_equal(virtq_pop(&f->q, &f->c), err);
	assert_true(f->q.broken);
}

static void test_next_outside(void **state)
{
	struct fixture *f = *state;

	fake_desc(&f->drv, 0, DATA, 4, FAKE_NEXT, 8);
	pop_fails(f, -EPROTO);
}

static void test_indirect_not_offered(void **state)
{
	struct fixture *f = *state;

	fake_desc(&f->drv, 0, DATA, 16, FAKE_INDIRECT, 0);
	pop_fails(f, -EPROTO);
}

static void test_read_after_write(void **state)
{
	struct fixture *f = *state;

	fake_desc(&f->drv, 0, DATA, 4, FAKE_NEXT | FAKE_WRITE, 1);
	fake_desc(&f->drv, 1, DATA, 4, 0, 0);
	pop_fails(f, -EPROTO);
}

static void test_address_outside(void **state)
{
	struct fixture *f = *state;

	fake_desc(&f->drv, 0, END - 4, 5, 0, 0);
	pop_fails(f, -EFAULT);
}

static void test_address_overflow(void **state)
{
	struct fixture *f = *state;

	fake_desc(&f->drv, 0, UINT64_MAX - 1, 4, 0, 0);
	pop_fails(f, -EFAULT);
}

static void test_head_outside(void **state)
{
	struct fixture *f = *state;

	fake_offer(&f->drv, 8);
	assert_int_equal(virtq_pop(&f->q, &f->c), -EPROTO);
}

static void test_avail_idx_jumps(void **state)
{
	struct fixture *f = *state;

	fake_put16(&f->mem, f->drv.avail + 2, 9); /* ring has 8 */
	assert_int_equal(virtq_pop(&f->q, &f->c), -EPROTO);
}

/* Bug of others, number 7: the same head twice in flight (CVE-2026-45782). */
static void test_bug07_same_head_twice_in_flight(void **state)
{
	struct fixture *f = *state;

	fake_desc(&f->drv, 0, DATA, 4, 0, 0);
	fake_offer(&f->drv, 0);
	fake_offer(&f->drv, 0);
	assert_int_equal(virtq_pop(&f->q, &f->c), 1);
	assert_int_equal(virtq_pop(&f->q, &f->c), -EPROTO);
}

static void test_unpop(void **state)
{
	struct fixture *f = *state;

	fake_desc(&f->drv, 3, DATA, 4, 0, 0);
	fake_offer(&f->drv, 3);
	assert_int_equal(virtq_pop(&f->q, &f->c), 1);
	assert_false(virtq_pending(&f->q));
	virtq_unpop(&f->q, &f->c);
	assert_true(virtq_pending(&f->q));
	assert_int_equal(virtq_pop(&f->q, &f->c), 1);
	assert_int_equal(f->c.head, 3);
}

/* 70,000 buffers: all 16 bit indices wrap past 65535. */
static void test_index_wrap(void **state)
{
	struct fixture *f = *state;
	uint32_t id, len;

	for (uint32_t n = 0; n < 70000; n++) {
		uint16_t head = n % 8;

		fake_desc(&f->drv, head, DATA + n % 1000, 1 + n % 100, 0, 0);
		fake_offer(&f->drv, head);
		assert_int_equal(virtq_pop(&f->q, &f->c), 1);
		assert_int_equal(f->c.head, head);
		assert_int_equal(virtq_push(&f->q, head, n), 0);
		assert_true(fake_used(&f->drv, &id, &len));
		assert_int_equal(id, head);
		assert_int_equal(len, n);
	}
}

static void complete_one(struct fixture *f, uint16_t head)
{
	fake_desc(&f->drv, head, DATA, 4, 0, 0);
	fake_offer(&f->drv, head);
	assert_int_equal(virtq_pop(&f->q, &f->c), 1);
	assert_int_equal(virtq_push(&f->q, head, 0), 0);
}

static void test_interrupt_flag(void **state)
{
	struct fixture *f = *state;

	assert_false(virtq_wants_interrupt(&f->q)); /* nothing pushed */
	complete_one(f, 0);
	assert_true(virtq_wants_interrupt(&f->q));
	assert_false(virtq_wants_interrupt(&f->q)); /* already told */
	fake_put16(&f->mem, f->drv.avail, 1);	    /* VIRTQ_AVAIL_F_NO_INTERRUPT */
	complete_one(f, 1);
	assert_false(virtq_wants_interrupt(&f->q));
}

static void test_interrupt_event_idx(void **state)
{
	struct fixture *f = *state;
	uint64_t used_event = f->drv.avail + 4 + 2ul * f->drv.size;

	f->q.event_idx = true;
	fake_put16(&f->mem, used_event, 1); /* interrupt when the second is used */
	complete_one(f, 0);
	assert_false(virtq_wants_interrupt(&f->q));
	complete_one(f, 1);
	assert_true(virtq_wants_interrupt(&f->q));
	complete_one(f, 2);
	assert_false(virtq_wants_interrupt(&f->q));
}

static void test_notify_wish(void **state)
{
	struct fixture *f = *state;
	uint64_t avail_event = f->drv.used + 4 + 8ul * f->drv.size;

	virtq_set_notify(&f->q, false);
	assert_int_equal(fake_get16(&f->mem, f->drv.used), 1); /* VIRTQ_USED_F_NO_NOTIFY */
	virtq_set_notify(&f->q, true);
	assert_int_equal(fake_get16(&f->mem, f->drv.used), 0);
	f->q.event_idx = true;
	complete_one(f, 0);
	virtq_set_notify(&f->q, true);
	assert_int_equal(fake_get16(&f->mem, avail_event), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_start_checks),
		TEST(test_round_trip),
		TEST(test_chain_iov),
		TEST(test_chain_iov_in_a_row),
		TEST(test_loop),
		TEST(test_longest_chain),
		TEST(test_next_outside),
		TEST(test_indirect_not_offered),
		TEST(test_read_after_write),
		TEST(test_address_outside),
		TEST(test_address_overflow),
		TEST(test_head_outside),
		TEST(test_avail_idx_jumps),
		TEST(test_bug07_same_head_twice_in_flight),
		TEST(test_unpop),
		TEST(test_index_wrap),
		TEST(test_interrupt_flag),
		TEST(test_interrupt_event_idx),
		TEST(test_notify_wish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
