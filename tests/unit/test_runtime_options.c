/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of nacre's command lines: option tables, sizes, names, subordinate ids. */
/* SOURCES: runtime/cpuset.c runtime/verb_checkpoint.c */
/* SOURCES: runtime/options.c runtime/size.c runtime/ident.c runtime/matching.c runtime/state_ids.c runtime/subid.c runtime/arena.c */
/* SOURCES: runtime/failure.c runtime/report.c runtime/vm_size.c runtime/config.c */
/* LIBS: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "runtime/ident.h"
#include "runtime/matching.h"
#include "runtime/options.h"
#include "runtime/size.h"
#include "runtime/subid.h"
#include "runtime/verbs.h"
#include "runtime/vm_size.h"

struct values {
	bool flag;
	const char *text;
	uint64_t size, number;
	struct string_list list;
};

static const struct option_row rows[] = {
	{ .name = "flag", .letter = 'f', .kind = OPTION_FLAG, .offset = offsetof(struct values, flag) },
	{ .name = "text", .kind = OPTION_STRING, .argument = "TEXT",
	  .offset = offsetof(struct values, text) },
	{ .name = "text-long", .kind = OPTION_STRING, .argument = "TEXT",
	  .offset = offsetof(struct values, text) },
	{ .name = "size", .kind = OPTION_SIZE, .argument = "SIZE", .min = 24 * MIB, .max = 64 * GIB,
	  .expected = "24M to 64G", .offset = offsetof(struct values, size) },
	{ .name = "number", .kind = OPTION_NUMBER, .argument = "N", .min = 1, .max = 32,
	  .expected = "1 to 32", .offset = offsetof(struct values, number) },
	{ .name = "item", .letter = 'i', .kind = OPTION_LIST, .argument = "ITEM",
	  .offset = offsetof(struct values, list) },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

struct parsed {
	struct values values;
	struct failure failure;
	struct arena arena;
	int used;
};

static struct parsed parse(int argc, const char *const argv[])
{
	struct parsed parsed = { .used = 0 };

	parsed.used = options_parse(&table, argc, (char *const *)(uintptr_t)argv, &parsed.values,
				    &parsed.arena, &parsed.failure);
	return parsed;
}

static void test_options_read(void **state)
{
	const char *const argv[] = { "--flag",	 "--text", "a",	  "--text-long=b=c", "--size", "24M",
				     "--number", "32",	   "-i",  "one",	     "--item", "two",
				     "--",	 "--flag", "arg" };
	struct parsed p = parse(15, argv);

	(void)state;
	assert_int_equal(p.used, 13);
	assert_true(p.values.flag);
	assert_string_equal(p.values.text, "b=c");
	assert_int_equal(p.values.size, 24 * MIB);
	assert_int_equal(p.values.number, 32);
	assert_int_equal(p.values.list.n, 2);
	assert_string_equal(p.values.list.v[1], "two");
	arena_free(&p.arena);
}

static void test_options_stop_at_a_word(void **state)
{
	const char *const argv[] = { "-f", "word", "--flag" };
	const char *const dash[] = { "-" };

	(void)state;
	assert_int_equal(parse(3, argv).used, 1);
	assert_int_equal(parse(1, dash).used, 0);
	assert_int_equal(parse(0, argv).used, 0);
}

/* As runc and crun take them: create ID --bundle DIR. */
static void test_options_behind_words(void **state)
{
	const char *argv[] = { "one", "--text", "a", "two", "-f", "--", "--flag", "three" };
	const char *const expected[] = { "--text", "a",	  "-f",	    "--",
					 "one",	   "two", "--flag", "three" };
	struct parsed p = { .used = 0 };

	(void)state;
	p.used = options_parse_all(&table, 8, (char **)(uintptr_t)argv, &p.values, &p.arena,
				   &p.failure);
	assert_int_equal(p.used, 4);
	assert_true(p.values.flag);
	assert_string_equal(p.values.text, "a");
	for (size_t i = 0; i < 8; i++)
		assert_string_equal(argv[i], expected[i]);
	assert_int_equal(options_parse_all(&table, 2, (char *[]){ (char *)(uintptr_t)"one",
					   (char *)(uintptr_t)"--none" }, &p.values, &p.arena,
					   &p.failure), -EINVAL);
	assert_string_equal(p.failure.text, "--none: unknown option");
}

static void test_options_refused(void **state)
{
	static const struct {
		const char *argv[2];
		int argc;
		const char *says;
	} cases[] = {
		{ { "--nope" }, 1, "--nope: unknown option" },
		{ { "-x" }, 1, "-x: unknown option" },
		{ { "-flag" }, 1, "-flag: unknown option" },
		{ { "--text" }, 1, "--text: expected TEXT behind it" },
		{ { "--flag=1" }, 1, "--flag=1: expected true or false" },
		{ { "--fla" }, 1, "--fla: unknown option" },
		{ { "-=1" }, 1, "-=1: unknown option" },
		{ { "--size", "23M" }, 2, "--size 23M: expected 24M to 64G" },
		{ { "--size", "65G" }, 2, "--size 65G: expected 24M to 64G" },
		{ { "--size", "99999999999G" }, 2, "--size 99999999999G: expected 24M to 64G" },
		{ { "--size", "-1" }, 2, "--size -1: expected 24M to 64G" },
		{ { "--number", "0" }, 2, "--number 0: expected 1 to 32" },
		{ { "--number", "33" }, 2, "--number 33: expected 1 to 32" },
		{ { "--number", "1.5" }, 2, "--number 1.5: expected 1 to 32" },
		{ { "--number", "" }, 2, "--number : expected 1 to 32" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed p = parse(cases[i].argc, cases[i].argv);

		assert_true(p.used < 0);
		assert_string_equal(p.failure.text, cases[i].says);
	}
}

static void test_sizes(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_int_equal(size_parse("0", &v), 0);
	assert_int_equal(size_parse("512", &v), 0);
	assert_true(v == 512);
	assert_int_equal(size_parse("3k", &v), 0);
	assert_true(v == 3 * 1024);
	assert_int_equal(size_parse("2MiB", &v), 0);
	assert_true(v == 2 * MIB);
	assert_int_equal(size_parse("1gb", &v), 0);
	assert_true(v == GIB);
	assert_int_equal(size_parse("18446744073709551615", &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(size_parse("18446744073709551616", &v), -ERANGE);
	assert_int_equal(size_parse("17179869184G", &v), -ERANGE);
	assert_int_equal(size_parse("17179869183G", &v), 0);
	assert_int_equal(size_parse("", &v), -EINVAL);
	assert_int_equal(size_parse("M", &v), -EINVAL);
	assert_int_equal(size_parse("1X", &v), -EINVAL);
	assert_int_equal(size_parse("1 M", &v), -EINVAL);
	assert_int_equal(size_parse("0x10", &v), -EINVAL);
	assert_int_equal(number_parse("10", 10, &v), 0);
	assert_int_equal(number_parse("11", 10, &v), -ERANGE);
	assert_int_equal(number_parse("1a", 10, &v), -EINVAL);
}

static void test_names(void **state)
{
	char longest[IDENT_MAX + 2];
	char id[IDENT_GENERATED_LEN + 1];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[IDENT_MAX + 1] = '\0';
	assert_false(ident_is_valid(longest));
	longest[IDENT_MAX] = '\0';
	assert_true(ident_is_valid(longest));
	assert_true(ident_is_valid("a_B+c.d-9"));
	assert_true(ident_is_valid("..."));
	assert_false(ident_is_valid(""));
	assert_false(ident_is_valid("."));
	assert_false(ident_is_valid(".."));
	assert_false(ident_is_valid("a/b"));
	assert_false(ident_is_valid("a b"));
	assert_false(ident_is_valid("a\nb"));
	assert_false(ident_is_valid("\xc3\xa4"));
	assert_int_equal(ident_generate(id), 0);
	assert_true(ident_is_valid(id));
	assert_int_equal(strlen(id), IDENT_GENERATED_LEN);
}

static struct subid_range range_of(const char *text)
{
	char path[] = "/tmp/nacre-subid-XXXXXX";
	int fd = mkstemp(path);
	struct subid_range range;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	range = subid_range_read(path);
	unlink(path);
	return range;
}

static void test_subordinate_ids(void **state)
{
	(void)state;
	assert_int_equal(range_of("").start, SUBID_BUILTIN_START);
	assert_int_equal(subid_range_read("/nonexistent").count, SUBID_BUILTIN_COUNT);
	assert_int_equal(range_of("joe:1:2\ncontainers:5000:100\n").start, 5000);
	assert_int_equal(range_of("containers:5000:100\nnacre:9000:7\n").count, 7);
	/* the first good line of the first user that has one */
	assert_int_equal(range_of("containers:1:2\nnacre:x:2\nnacre:9000:7\nnacre:8000:6\ncontainers:3:4\n").count, 7);
	assert_int_equal(range_of("containers:0:2\ncontainers:5000:100\ncontainers:6000:3\n").start, 5000);
	/* root, nothing, too much, not numbers, cut short */
	assert_int_equal(range_of("nacre:0:10\n").start, SUBID_BUILTIN_START);
	assert_int_equal(range_of("nacre:10:0\n").start, SUBID_BUILTIN_START);
	assert_int_equal(range_of("nacre:4294967294:2\n").start, SUBID_BUILTIN_START);
	assert_int_equal(range_of("nacre:x:2\n").start, SUBID_BUILTIN_START);
	assert_int_equal(range_of("nacre:5").start, SUBID_BUILTIN_START);
	assert_int_equal(range_of("nacrex:5:6\n").start, SUBID_BUILTIN_START);
}

static void test_containers_by_expression(void **state)
{
	static const char *const made[] = { "test-b", "other", "test-a", ".hidden-test" };
	char root[] = "/tmp/nacre-match-XXXXXX", path[64];
	struct arena arena = { .blocks = NULL };
	struct string_list ids = { .n = 0 };
	struct failure failure = { .text = "" };

	(void)state;
	assert_non_null(mkdtemp(root));
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", root, made[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	assert_int_equal(matching_ids(root, "^test-(a|b)$", &ids, &arena, &failure), 0);
	assert_int_equal(ids.n, 2);
	assert_string_equal(ids.v[0], "test-a");
	assert_string_equal(ids.v[1], "test-b");
	assert_int_equal(matching_ids(root, "none", &ids, &arena, &failure), 0);
	assert_int_equal(ids.n, 2);
	assert_int_equal(matching_ids("/no/such", ".", &ids, &arena, &failure), 0);
	assert_int_equal(matching_ids(root, "(", &ids, &arena, &failure), -EINVAL);
	assert_non_null(strstr(failure.text, "--regex (: expected an extended regular expression"));
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", root, made[i]);
		rmdir(path);
	}
	rmdir(root);
	arena_free(&arena);
}

static void test_vm_size(void **state)
{
	struct container_config config;

	(void)state;
	config_init(&config);
	assert_true(vm_size_of(&config, 16 * GIB, 8).memory == 2 * GIB);
	assert_true(vm_size_of(&config, 1 * GIB, 8).memory == GIB / 2);
	assert_true(vm_size_of(&config, 16 * MIB, 8).memory == 24 * MIB);
	assert_int_equal(vm_size_of(&config, GIB, 8).cpus, 4);
	assert_int_equal(vm_size_of(&config, GIB, 2).cpus, 2);
	assert_int_equal(vm_size_of(&config, GIB, 0).cpus, 1);
	config.resources.memory_limit = 100 * (int64_t)MIB + 1;
	assert_true(vm_size_of(&config, GIB, 1).memory == 101 * MIB + VM_OVERHEAD_BYTES);
	config.resources.memory_limit = 1;
	assert_true(vm_size_of(&config, GIB, 1).memory == 1 * MIB + VM_OVERHEAD_BYTES);
	config.resources.memory_limit = (int64_t)CONFIG_MEMORY_MAX;
	assert_true(vm_size_of(&config, GIB, 1).memory == CONFIG_MEMORY_MAX);
	config.resources.cpu_quota = 150000;
	assert_int_equal(vm_size_of(&config, GIB, 8).cpus, 2);
	config.resources.cpu_quota = 200000;
	assert_int_equal(vm_size_of(&config, GIB, 8).cpus, 2);
	config.resources.cpu_quota = 1;
	assert_int_equal(vm_size_of(&config, GIB, 8).cpus, 1);
	config.cpus = 7;
	assert_int_equal(vm_size_of(&config, GIB, 2).cpus, 7);
}

/* Runs a verb with one of the standard streams in a file, and returns what it wrote there. */
static const char *written(verb_fn *verb, int argc, const char *const argv[], int stream, int *status)
{
	static char text[1024];
	struct global_options global = { .arena = NULL };
	FILE *file = tmpfile();
	int kept = dup(stream);
	char *copy[8];
	size_t n;

	assert_non_null(file);
	for (int i = 0; i <= argc; i++)
		copy[i] = (char *)(uintptr_t)argv[i];
	fflush(stdout);
	dup2(fileno(file), stream);
	*status = verb(&global, argc, copy);
	fflush(stdout);
	dup2(kept, stream);
	close(kept);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static void test_checkpoint(void **state)
{
	static const char *const asked[] = { "checkpoint", "--image-path", "/x", "id", NULL };
	static const char *const help[] = { "restore", "id", "--help", NULL };
	static const char *const word[] = { "checkpoint", "--", "-h", NULL };
	int status;

	(void)state;
	assert_string_equal(written(verb_checkpoint, 4, asked, STDERR_FILENO, &status),
			    "nacre: checkpoint: not yet supported: snapshots of VMs are to come\n");
	assert_int_equal(status, 1);
	assert_non_null(strstr(written(verb_checkpoint, 3, help, STDOUT_FILENO, &status),
			       "nacre restore: not yet supported"));
	assert_int_equal(status, 1);
	written(verb_checkpoint, 3, word, STDERR_FILENO, &status);
	assert_int_equal(status, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_read),
		cmocka_unit_test(test_options_stop_at_a_word),
		cmocka_unit_test(test_options_behind_words),
		cmocka_unit_test(test_options_refused),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_subordinate_ids),
		cmocka_unit_test(test_containers_by_expression),
		cmocka_unit_test(test_vm_size),
		cmocka_unit_test(test_checkpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
