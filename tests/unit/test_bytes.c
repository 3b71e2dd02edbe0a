/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of include/bytes.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"

static void test_round_trip(void **state)
{
	(void)state;
	struct le64 x = le64_of(UINT64_C(0x0123456789abcdef));

	assert_int_equal(x.b[0], 0xef);
	assert_int_equal(x.b[7], 0x01);
	assert_true(le64_get(x) == UINT64_C(0x0123456789abcdef));
	assert_int_equal(le32_get(le32_of(0xfffffffeu)), 0xfffffffeu);
	assert_int_equal(le16_get(le16_of(0xfffe)), 0xfffe);
}

static void test_range_fits(void **state)
{
	(void)state;
	assert_true(range_fits(0, 0, 0));
	assert_true(range_fits(9, 1, 10));
	assert_true(range_fits(10, 0, 10));
	assert_false(range_fits(10, 1, 10));
	assert_false(range_fits(11, 0, 10));
	assert_false(range_fits(UINT64_MAX, 1, 10));
	assert_false(range_fits(1, UINT64_MAX, 10));
}

static void test_cursor(void **state)
{
	(void)state;
	const char buf[] = { 'a', 'b', 0, 'c' };
	struct cursor c = cursor_over(buf, sizeof(buf));

	assert_string_equal(cursor_take_string(&c), "ab");
	assert_null(cursor_take_string(&c)); /* no NUL left */
	assert_true(c.failed);
	assert_null(cursor_take(&c, 1)); /* failure sticks */

	c = cursor_over(buf, sizeof(buf));
	assert_null(cursor_take(&c, 5));
	c = cursor_over(buf, sizeof(buf));
	assert_non_null(cursor_take(&c, 4));
	assert_int_equal(c.left, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_range_fits),
		cmocka_unit_test(test_cursor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
