/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of runtime/templates.c: which file is a template for whom. */
/* SOURCES: runtime/templates.c runtime/make_path.c runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/fd.h"
#include "runtime/templates.h"

static char top[] = "/tmp/nacre-test-templates.XXXXXX";
static char dir[64], program[64];
static struct companions companions = { .vmm = program };
static struct state vm = { .size = { .memory = 128 << 20, .cpus = 2 } };
static struct launch launch = { .companions = &companions, .state = &vm };
static struct failure failure;

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(top))
		return 1;
	snprintf(dir, sizeof(dir), "%s/a/b", top);
	snprintf(program, sizeof(program), "%s/program", top);
	write_file(program, "program");
	launch.init_fd = launch.kernel_fd = open(program, O_RDONLY | O_CLOEXEC);
	return launch.init_fd < 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	close(launch.init_fd);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static struct template_key key_of(bool net)
{
	struct template_key key;

	assert_int_equal(templates_key(&key, &launch, net), 0);
	return key;
}

static void make(const struct template_key *key)
{
	struct template_draft draft = TEMPLATE_DRAFT_NONE;

	assert_int_equal(templates_begin(&draft, dir, key, &failure), 0);
	assert_int_equal(templates_commit(&draft, &failure), 0);
	templates_end(&draft);
}

static bool found(const struct template_key *key)
{
	int fd = templates_open(dir, key);

	if (fd >= 0)
		close(fd);
	else
		assert_int_equal(fd, -ENOENT);
	return fd >= 0;
}

static void path_of(char *path, size_t room, const char *name)
{
	snprintf(path, room, "%s/%s", dir, name);
}

static void test_made_and_found(void **state)
{
	struct template_key key = key_of(false), with_net = key_of(true);

	(void)state;
	assert_false(found(&key));
	make(&key);
	assert_true(found(&key));
	assert_false(found(&with_net));
	make(&with_net);
	assert_true(found(&with_net));
	make(&key); /* anew */
	assert_true(found(&key));
}

/* Each part of the key counts; the name is that of the size alone. */
static void test_each_part_counts(void **state)
{
	struct template_key key = key_of(false);

	(void)state;
	assert_int_equal(templates_remove_all(dir, &failure), 0);
	make(&key);
	for (size_t i = 0; i < offsetof(struct template_key, zero); i++) {
		struct template_key other = key;

		((uint8_t *)&other)[i] ^= 1;
		assert_false(found(&other));
	}
	assert_true(found(&key));
}

static void test_another_program(void **state)
{
	struct template_key key = key_of(false), now;

	(void)state;
	make(&key);
	unlink(program);
	write_file(program, "Program");
	now = key_of(false);
	assert_false(found(&now));
	assert_true(found(&key));
}

static void test_others_may_not_write(void **state)
{
	struct template_key key = key_of(false);
	char path[96], other[96];

	(void)state;
	make(&key);
	path_of(path, sizeof(path), "128M-2.template");
	path_of(other, sizeof(other), "elsewhere");
	assert_int_equal(chmod(path, 0620), 0);
	assert_false(found(&key));
	assert_int_equal(chmod(path, 0602), 0);
	assert_false(found(&key));
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(found(&key));
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 1234, 0), 0);
		assert_false(found(&key));
		assert_int_equal(chown(path, 0, 0), 0);
	}
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_false(found(&key));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(found(&key)); /* and does not wait for a writer */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(other), 0);
}

static void test_a_draft_is_none(void **state)
{
	struct template_draft draft = TEMPLATE_DRAFT_NONE;
	struct template_key key = key_of(true);
	char path[96];

	(void)state;
	key.cpus = 7;
	assert_int_equal(templates_begin(&draft, dir, &key, &failure), 0);
	assert_false(found(&key));
	templates_end(&draft);
	assert_false(found(&key));
	path_of(path, sizeof(path), "mine");
	write_file(path, "not ours");
	assert_int_equal(templates_begin(&draft, dir, &key, &failure), 0);
	draft.draft_name[0] = 0; /* as one that a kill left */
	templates_end(&draft);
	assert_int_equal(templates_remove_all(dir, &failure), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0); /* nothing else was left */
	assert_int_equal(templates_remove_all(dir, &failure), 0);
}

static void test_directory(void **state)
{
	struct conf conf = { .templates = "/given" };
	struct arena arena = { .blocks = NULL };

	(void)state;
	assert_string_equal(templates_dir(&conf, false, &arena), "/given");
	conf.templates = NULL;
	setenv("XDG_CACHE_HOME", "/xdg", 1);
	setenv("HOME", "/home/me", 1);
	assert_string_equal(templates_dir(&conf, false, &arena), "/var/cache/nacre/templates");
	assert_string_equal(templates_dir(&conf, true, &arena), "/xdg/nacre/templates");
	setenv("XDG_CACHE_HOME", "relative", 1);
	assert_string_equal(templates_dir(&conf, true, &arena), "/home/me/.cache/nacre/templates");
	unsetenv("HOME");
	assert_null(templates_dir(&conf, true, &arena));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_and_found),
		cmocka_unit_test(test_each_part_counts),
		cmocka_unit_test(test_another_program),
		cmocka_unit_test(test_others_may_not_write),
		cmocka_unit_test(test_a_draft_is_none),
		cmocka_unit_test(test_directory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
