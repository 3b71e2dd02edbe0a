/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the guest's wall clock, on clocks that the test turns. */
/* SOURCES: guest-init/clock.c guest-init/machine.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include <cmocka.h>

#include "guest-init/machine.h"
#include "guest-init/session_impl.h"

#define MS UINT64_C(1000000)
#define HOUR (3600000 * MS)

/* The guest's clocks, ns. */
static uint64_t monotonic, realtime;
static uint64_t slewed_us;
static bool is_slewed;
static int asked_again_ms;

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	uint64_t v = clock == CLOCK_MONOTONIC ? monotonic : realtime;

	*ts = (struct timespec){ .tv_sec = (time_t)(v / 1000000000u), .tv_nsec = (long)(v % 1000000000u) };
	return 0;
}

int clock_settime(clockid_t clock, const struct timespec *ts)
{
	(void)clock;
	realtime = (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec;
	return 0;
}

int adjtimex(struct timex *t)
{
	is_slewed = true;
	slewed_us = (uint64_t)t->offset;
	return 0;
}

void session_send(struct session *s, enum msg_type type, const void *body, size_t len)
{
	(void)s;
	(void)type;
	(void)body;
	(void)len;
}

void loop_timeout(struct timeout *timeout, int ms)
{
	(void)timeout;
	asked_again_ms = ms;
}

/* A question that took `there` and an answer that took `back`, of a guest that is `ahead`. How far it is then, ns. */
static int64_t told(int64_t ahead, uint64_t there, uint64_t back)
{
	static struct session s;
	uint64_t host = UINT64_C(1700000000) * 1000000000u;
	struct msg_clock_tell tell;

	s.state = SESSION_RUNNING;
	s.clock_tries = 0;
	monotonic = 1000 * HOUR;
	realtime = host + (uint64_t)ahead;
	is_slewed = false;
	asked_again_ms = 0;
	tell.stamp = le64_of(monotonic);
	tell.realtime_ns = le64_of(host + there);
	monotonic += there + back;
	realtime += there + back;
	memcpy(s.in.small, &tell, sizeof(tell));
	s.in.plan = NULL;
	s.in.body_len = sizeof(tell);
	assert_int_equal(clock_told(&s), 0);
	if (is_slewed)
		realtime += slewed_us * 1000;
	return (int64_t)(realtime - host - there - back);
}

static void test_a_prompt_answer(void **state)
{
	(void)state;
	assert_in_range(told(5 * (int64_t)MS, MS / 10, MS / 10) + 2000, 0, 4000);
	assert_true(is_slewed);
	assert_int_equal(told(-(int64_t)HOUR, MS / 10, MS / 10), 0);
	assert_false(is_slewed);
	assert_int_equal(asked_again_ms, 0);
}

/* The answer lay about while the machine was paused: the clock that is right stays right. */
static void test_a_late_answer_moves_no_clock_that_is_right(void **state)
{
	static const struct {
		int64_t ahead;
		uint64_t there, back;
	} scene[] = {
		{ 0, MS / 10, HOUR },
		{ (int64_t)MS, MS / 10, HOUR },
		{ -(int64_t)MS, HOUR, MS / 10 },
		{ (int64_t)MS / 5, MS / 20, 200 * MS },
		{ -(int64_t)MS / 5, 200 * MS, MS / 20 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(scene) / sizeof(scene[0]); i++) {
		int64_t off = told(scene[i].ahead, scene[i].there, scene[i].back);

		assert_in_range(off + (int64_t)MS, 0, 2 * MS);
		assert_int_equal(asked_again_ms, 500);
	}
}

/* A clone's: it is wrong by more than any answer can be. */
static void test_a_late_answer_moves_a_clock_that_is_wrong(void **state)
{
	int64_t off;

	(void)state;
	off = told(-(int64_t)HOUR, 150 * MS, 150 * MS);
	assert_in_range(-off, 0, 150 * MS);
	off = told((int64_t)HOUR, 150 * MS, 150 * MS);
	assert_in_range(off, 0, 150 * MS);
	assert_int_equal(asked_again_ms, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_prompt_answer),
		cmocka_unit_test(test_a_late_answer_moves_no_clock_that_is_right),
		cmocka_unit_test(test_a_late_answer_moves_a_clock_that_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
