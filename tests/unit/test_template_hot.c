/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of vmm/template_hot.c: what a trial notes, and what a copy makes of it. */
/* SOURCES: vmm/template_hot.c vmm/gmem.c */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/machine.h"
#include "vmm/template_hot.h"

#define PAGES	32u
#define SIZE	(PAGES * TEMPLATE_PAGE)
#define LIST_AT (TEMPLATE_HOT + sizeof(struct template_hot_head))

static uint8_t *memory;
static struct gmem mem = { .n_regions = 1, .region = { { .base = 0, .size = SIZE } } };
static int fd;

void setup_fail(int err, const char *format, ...)
{
	(void)err;
	fail_msg("%s", format);
	abort();
}

static uint8_t *page(unsigned int n)
{
	return memory + n * TEMPLATE_PAGE;
}

/* A template whose pages are all of ones, and a machine that is its copy. */
static int begin(void **state)
{
	FILE *file = tmpfile();
	uint8_t ones[TEMPLATE_PAGE];

	(void)state;
	if (!file)
		return -1;
	fd = dup(fileno(file));
	fclose(file);
	memset(ones, 1, sizeof(ones));
	for (unsigned int i = 0; i < PAGES; i++) {
		if (pwrite(fd, ones, sizeof(ones), (off_t)(TEMPLATE_MEMORY + i * TEMPLATE_PAGE)) < 0)
			return -1;
	}
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)TEMPLATE_MEMORY);
	mem.region[0].hva = memory;
	template_hot_read(&mem, fd);
	return memory == MAP_FAILED ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	munmap(memory, SIZE);
	return close(fd);
}

static void expect_runs(const struct template_run *run, uint32_t n)
{
	struct template_hot_head head;
	struct template_run there[8];
	const size_t len = n * sizeof(there[0]);

	assert_int_equal(pread(fd, &head, sizeof(head), TEMPLATE_HOT), sizeof(head));
	assert_int_equal(head.n_runs, n);
	assert_int_equal(pread(fd, there, len, LIST_AT), len);
	assert_memory_equal(there, run, len);
}

static void note(void)
{
	const struct template_run all = { .gpa = 0, .len = SIZE };

	template_hot_begin(&mem, fd, &all, 1);
	template_hot_note();
}

static void write_list(const struct template_run *run, uint32_t n)
{
	const struct template_hot_head head = { .n_runs = n };
	const size_t len = n > TEMPLATE_HOT_MAX ? 0 : n * sizeof(*run);

	assert_int_equal(pwrite(fd, &head, sizeof(head), TEMPLATE_HOT), sizeof(head));
	assert_int_equal(pwrite(fd, run, len, LIST_AT), len);
}

/* A page that is the machine's own does not show what is written to the file. */
static bool is_own(unsigned int n)
{
	uint8_t two = 2;

	assert_int_equal(pwrite(fd, &two, 1, (off_t)(TEMPLATE_MEMORY + n * TEMPLATE_PAGE)), 1);
	return page(n)[0] == 1;
}

static void test_nothing_written(void **state)
{
	(void)state;
	note();
	expect_runs(NULL, 0);
}

static void test_pages_next_to_each_other_are_a_run(void **state)
{
	const struct template_run runs[] = { { 0, TEMPLATE_PAGE },
					     { 4 * TEMPLATE_PAGE, 2 * TEMPLATE_PAGE },
					     { SIZE - TEMPLATE_PAGE, TEMPLATE_PAGE } };

	(void)state;
	page(0)[0] = 7;
	page(4)[100] = 7;
	page(5)[TEMPLATE_PAGE - 1] = 7;
	page(PAGES - 1)[TEMPLATE_PAGE - 1] = 7;
	note();
	expect_runs(runs, 3);
}

/* Half of it as before: hot; a word less: a page that was filled anew. */
static void test_pages_filled_anew_are_not_hot(void **state)
{
	const struct template_run runs[] = { { TEMPLATE_PAGE, TEMPLATE_PAGE } };

	(void)state;
	memset(page(1), 7, TEMPLATE_PAGE / 2);
	memset(page(2), 7, TEMPLATE_PAGE / 2 + 1);
	memset(page(3), 0, TEMPLATE_PAGE);
	note();
	expect_runs(runs, 1);
}

static void test_without_a_trial_nothing_is_noted(void **state)
{
	struct template_hot_head head;
	const struct template_run all = { .gpa = 0, .len = SIZE };
	int pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	template_hot_begin(&mem, pipes[1], &all, 1); /* as the null device that SELinux gives */
	page(0)[0] = 7;
	template_hot_note();
	assert_int_equal(pread(fd, &head, sizeof(head), TEMPLATE_HOT), sizeof(head));
	assert_int_equal(head.n_runs, 0);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_hot_pages_are_made(void **state)
{
	const struct template_run runs[] = { { TEMPLATE_PAGE, TEMPLATE_PAGE },
					     { SIZE - 2 * TEMPLATE_PAGE, 2 * TEMPLATE_PAGE } };

	(void)state;
	if (madvise(page(0), TEMPLATE_PAGE, 23 /* MADV_POPULATE_WRITE */) && errno == EINVAL)
		skip(); /* Linux before 5.14 */
	write_list(runs, 2);
	template_hot_read(&mem, fd);
	template_hot_make(&mem);
	assert_true(is_own(1));
	assert_true(is_own(PAGES - 2));
	assert_true(is_own(PAGES - 1));
	assert_false(is_own(2));
	assert_false(is_own(PAGES - 3));
}

/* One bad run, and the list counts for nothing. */
static void test_lists_that_do_not_fit(void **state)
{
	static const struct template_run bad[] = {
		{ SIZE, TEMPLATE_PAGE },
		{ SIZE - TEMPLATE_PAGE, 2 * TEMPLATE_PAGE },
		{ 4 * TEMPLATE_PAGE + 1, TEMPLATE_PAGE },
		{ 4 * TEMPLATE_PAGE, TEMPLATE_PAGE - 1 },
		{ 4 * TEMPLATE_PAGE, 0 },
		{ UINT64_MAX - TEMPLATE_PAGE + 1, TEMPLATE_PAGE },
		{ TEMPLATE_PAGE, UINT64_MAX - TEMPLATE_PAGE + 1 },
	};
	struct template_run runs[2] = { { 8 * TEMPLATE_PAGE, TEMPLATE_PAGE } };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		runs[1] = bad[i];
		write_list(runs, 2);
		template_hot_read(&mem, fd);
		template_hot_make(&mem);
	}
	write_list(runs, TEMPLATE_HOT_MAX + 1);
	template_hot_read(&mem, fd);
	template_hot_make(&mem);
	assert_false(is_own(8));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* first: the trial of another test stays one, as a VMM has one in its life */
		TEST(test_without_a_trial_nothing_is_noted),
		TEST(test_nothing_written),
		TEST(test_pages_next_to_each_other_are_a_run),
		TEST(test_pages_filled_anew_are_not_hot),
		TEST(test_hot_pages_are_made),
		TEST(test_lists_that_do_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
