/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of runtime/templates.c: which file is a template for whom. */
/* SOURCES: runtime/templates.c runtime/templates_seen.c runtime/make_path.c runtime/selinux.c runtime/mcs.c runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -lselinux -ljansson */
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
#include <time.h>
#include <unistd.h>

#include "runtime/fd.h"
#include "runtime/templates.h"
#include "runtime/templates_parts.h"

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

static void path_of_key(char *path, size_t room, const struct template_key *key, const char *suffix)
{
	char name[TEMPLATE_NAME_MAX];

	template_name(name, sizeof(name), key, suffix);
	path_of(path, room, name);
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

/* Each part of the key counts, whatever the file is called. */
static void test_each_part_counts(void **state)
{
	struct template_key key = key_of(false);

	(void)state;
	assert_int_equal(templates_remove_all(dir, &failure), 0);
	make(&key);
	for (size_t i = 0; i < offsetof(struct template_key, zero); i++) {
		struct template_key other = key;
		char path[128], path_of_other[128];

		((uint8_t *)&other)[i] ^= 1;
		path_of_key(path, sizeof(path), &key, TEMPLATE_SUFFIX);
		path_of_key(path_of_other, sizeof(path_of_other), &other, TEMPLATE_SUFFIX);
		assert_string_not_equal(path, path_of_other);
		assert_int_equal(link(path, path_of_other), 0);
		assert_false(found(&other));
		assert_int_equal(unlink(path_of_other), 0);
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
	char path[128], other[128];

	(void)state;
	make(&key);
	path_of_key(path, sizeof(path), &key, TEMPLATE_SUFFIX);
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

static void test_names(void **state)
{
	static const struct {
		const char *name;
		enum template_entry entry;
	} names[] = {
		{ "128M-1-0123cdef.template", TEMPLATE_ENTRY_WHOLE },
		{ "128M-32-net-0123cdef.template", TEMPLATE_ENTRY_WHOLE },
		{ ".128M-1-0123cdef.template.89ab", TEMPLATE_ENTRY_DRAFT },
		{ ".128M-1-net-0123cdef.template.89ab", TEMPLATE_ENTRY_DRAFT },
		{ ".128M-1-0123cdef.seen", TEMPLATE_ENTRY_SEEN },
		{ ".128M-1-net-0123cdef.seen", TEMPLATE_ENTRY_SEEN },
		{ "128M-1.template", TEMPLATE_ENTRY_OTHER },
		{ "128M-1-.template", TEMPLATE_ENTRY_OTHER },
		{ "M-1-0123cdef.template", TEMPLATE_ENTRY_OTHER },
		{ "128-1-0123cdef.template", TEMPLATE_ENTRY_OTHER },
		{ "128M-1-0123cdef.template2", TEMPLATE_ENTRY_OTHER },
		{ "128M-1-0123cdef.template.89ab", TEMPLATE_ENTRY_OTHER },
		{ ".128M-1-0123cdef.template", TEMPLATE_ENTRY_OTHER },
		{ ".128M-1-0123cdef.template.", TEMPLATE_ENTRY_OTHER },
		{ ".128M-1-0123cdef.template.89xy", TEMPLATE_ENTRY_OTHER },
		{ "128M-1-0123cdef.seen", TEMPLATE_ENTRY_OTHER },
		{ ".128M-1-0123cdef.seen2", TEMPLATE_ENTRY_OTHER },
		{ ".", TEMPLATE_ENTRY_OTHER },
		{ "..", TEMPLATE_ENTRY_OTHER },
		{ "", TEMPLATE_ENTRY_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(template_entry_of(names[i].name), names[i].entry);
}

static bool claimed(const struct template_key *key)
{
	int fd = templates_claim(dir, key);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void test_claims(void **state)
{
	struct template_key key = key_of(false), other = key_of(true);
	int fd;

	(void)state;
	templates_remove_all(dir, &failure);
	assert_false(claimed(&key)); /* nothing was seen */
	templates_note_boot(dir, &key);
	assert_false(claimed(&other));
	fd = templates_claim(dir, &key);
	assert_true(fd >= 0);
	assert_int_equal(templates_claim(dir, &key), -EAGAIN); /* one at a time */
	close(fd);
	assert_true(claimed(&key));
	templates_note_boot(dir, &key); /* which does not begin to count anew */
	assert_true(claimed(&key));
	assert_int_equal(templates_claim(dir, &key), -EPERM); /* it does not work */
	templates_remove_all(dir, &failure);
	assert_false(claimed(&key));
}

static void test_what_was_seen_is_not_believed(void **state)
{
	struct template_key key = key_of(false);
	char path[128];

	(void)state;
	templates_remove_all(dir, &failure);
	templates_note_boot(dir, &key);
	path_of_key(path, sizeof(path), &key, TEMPLATE_SEEN_SUFFIX);
	assert_int_equal(chmod(path, 0602), 0);
	assert_false(claimed(&key));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 10), 0);
	assert_false(claimed(&key));
	templates_note_boot(dir, &key); /* as if nothing had been */
	assert_true(claimed(&key));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(program, path), 0);
	assert_int_equal(templates_note_boot(dir, &key), -ELOOP);
	assert_false(claimed(&key));
	assert_int_equal(unlink(path), 0);
}

static void test_discarded(void **state)
{
	struct template_key key = key_of(false);
	struct stat opened;
	char path[128];

	(void)state;
	templates_remove_all(dir, &failure);
	templates_forget(dir, &key);
	assert_int_equal(templates_note_boot(dir, &key), 0);
	for (unsigned int i = 0; i < TEMPLATE_TRIES_MAX; i++) {
		assert_true(claimed(&key));
		make(&key);
		path_of_key(path, sizeof(path), &key, TEMPLATE_SUFFIX);
		assert_int_equal(stat(path, &opened), 0);
		make(&key); /* somebody was quicker: this one is good */
		templates_discard(dir, &key, &opened);
		assert_true(found(&key));
		assert_int_equal(stat(path, &opened), 0);
		templates_discard(dir, &key, &opened); /* its copies do not come up */
		assert_false(found(&key));
		assert_int_equal(templates_note_boot(dir, &key), 0);
	}
	assert_int_equal(templates_claim(dir, &key), -EPERM);
	templates_forget(dir, &key);
	assert_false(claimed(&key));
	assert_int_equal(templates_note_boot(dir, &key), 0);
	assert_true(claimed(&key));
	templates_remove_all(dir, &failure);
}

static void set_used(const struct template_key *key, time_t ago)
{
	struct timespec times[] = { { .tv_sec = time(NULL) - ago }, { .tv_nsec = UTIME_OMIT } };
	char path[128];

	path_of_key(path, sizeof(path), key, TEMPLATE_SUFFIX);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void test_room(void **state)
{
	struct template_key first = key_of(false), key = first;

	(void)state;
	templates_remove_all(dir, &failure);
	for (unsigned int i = 0; i < TEMPLATES_MAX; i++) {
		key.cpus = i + 1;
		make(&key);
		set_used(&key, 2 * TEMPLATE_UNUSED_S - (time_t)i);
	}
	first.cpus = 1;
	key.cpus = TEMPLATES_MAX + 1;
	templates_note_boot(dir, &key);
	assert_true(found(&first)); /* which is its last use, now */
	assert_int_equal(templates_claim(dir, &first), -ENOENT); /* of it nothing was seen */
	templates_note_boot(dir, &first);
	assert_int_equal(templates_claim(dir, &first), -EEXIST);
	assert_true(claimed(&key)); /* in the place of the second */
	assert_true(found(&first));
	first.cpus = 2;
	assert_false(found(&first));
	make(&key);
	for (unsigned int i = 2; i < TEMPLATES_MAX + 1; i++) {
		first.cpus = i + 1;
		assert_true(found(&first));
	}
	key.cpus = TEMPLATES_MAX + 2;
	templates_note_boot(dir, &key);
	assert_int_equal(templates_claim(dir, &key), -ENOSPC); /* all are in use */
	/* more than that were asked for; after an update of the host's kernel they go, too */
	first.cpus = TEMPLATES_MAX + 3;
	make(&first);
	assert_int_equal(templates_claim(dir, &key), -ENOSPC);
	snprintf(key.host_version, sizeof(key.host_version), "another");
	templates_note_boot(dir, &key);
	assert_true(claimed(&key));
	make(&key);
	templates_remove_all(dir, &failure);
}

static unsigned int count_entries(void)
{
	char command[128];
	unsigned int n = 0;
	FILE *out;

	snprintf(command, sizeof(command), "ls -A %s | wc -l", dir);
	out = popen(command, "r");
	assert_non_null(out);
	assert_int_equal(fscanf(out, "%u", &n), 1);
	pclose(out);
	return n;
}

static void test_many_sizes(void **state)
{
	struct template_key key = key_of(false);

	(void)state;
	templates_remove_all(dir, &failure);
	for (unsigned int i = 0; i < 300; i++) {
		key.memory = (uint64_t)(i + 64) << 20;
		templates_note_boot(dir, &key);
	}
	assert_int_equal(count_entries(), 256);
	assert_true(claimed(&key)); /* the last counts */
	templates_remove_all(dir, &failure);
	assert_int_equal(count_entries(), 0);
	assert_true(templates_note_boot("/proc/no-such/directory", &key) < 0);
	assert_int_equal(templates_claim("/proc/no-such/directory", &key), -ENOENT);
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
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_what_was_seen_is_not_believed),
		cmocka_unit_test(test_discarded),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_many_sizes),
		cmocka_unit_test(test_directory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
