/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of vmm/gmem.c: regions, last byte, overflow. */
/* SOURCES: vmm/gmem.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_guest.h"

#define END (FAKE_BASE + FAKE_SIZE)

static void test_last_byte(void **state)
{
	struct gmem m = fake_memory();
	char c = 'x';

	(void)state;
	assert_int_equal(gmem_write(&m, GPA(END - 1), &c, 1), 0);
	assert_int_equal(gmem_write(&m, GPA(END), &c, 1), -EFAULT);
	assert_int_equal(gmem_write(&m, GPA(END - 1), &c, 2), -EFAULT);
	assert_int_equal(gmem_read(&m, GPA(FAKE_BASE - 1), &c, 1), -EFAULT);
	assert_int_equal(gmem_read(&m, GPA(END - 1), &c, 1), 0);
	fake_memory_free(&m);
}

static void test_overflow(void **state)
{
	struct gmem m = fake_memory();

	(void)state;
	assert_null(gmem_slice(&m, GPA(UINT64_MAX), 2));
	assert_null(gmem_slice(&m, GPA(FAKE_BASE), SIZE_MAX));
	assert_null(gmem_slice(&m, GPA(END - 8), SIZE_MAX - 4));
	assert_non_null(gmem_slice(&m, GPA(FAKE_BASE), FAKE_SIZE));
	assert_null(gmem_slice(&m, GPA(FAKE_BASE), FAKE_SIZE + 1));
	fake_memory_free(&m);
}

static void test_two_regions(void **state)
{
	uint8_t a[16] = { 0 }, b[16] = { 0 };
	/* Neighbours in guest-physical space, but not on the host. */
	struct gmem m = { .n_regions = 2,
			  .region = { { .base = 0, .size = 16, .hva = a },
				      { .base = 16, .size = 16, .hva = b } } };
	uint8_t eight[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	(void)state;
	assert_int_equal(gmem_write(&m, GPA(16), eight, 8), 0);
	assert_int_equal(b[7], 8);
	assert_int_equal(a[15], 0);
	/* An access never crosses. */
	assert_int_equal(gmem_write(&m, GPA(12), eight, 8), -EFAULT);
	assert_int_equal(a[12], 0);
}

static void test_ring_fields(void **state)
{
	struct gmem m = fake_memory();
	uint16_t v;

	(void)state;
	assert_int_equal(gmem_store16(&m, GPA(END - 2), 0xabcd), 0);
	assert_int_equal(gmem_load16(&m, GPA(END - 2), &v), 0);
	assert_int_equal(v, 0xabcd);
	assert_int_equal(gmem_load16(&m, GPA(END - 1), &v), -EFAULT);
	assert_int_equal(gmem_load16(&m, GPA(FAKE_BASE + 1), &v), -EFAULT);
	assert_int_equal(gmem_store16(&m, GPA(END), 1), -EFAULT);
	fake_memory_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_byte),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_two_regions),
		cmocka_unit_test(test_ring_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
