/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of what a new container must not have in common with others: host ids, SELinux's categories. */
/* SOURCES: runtime/apart.c runtime/mcs.c runtime/state_sweep.c runtime/state_roots.c runtime/selinux.c runtime/ident.c */
/* SOURCES: runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -lselinux -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/apart.h"
#include "runtime/cgroup.h"
#include "runtime/state_files.h"
#include "runtime/state_roots.h"

static struct arena arena;

/* No cgroup is named in the states of this test. */
void cgroup_remove(const char *path, uint64_t id)
{
	fail_msg("cgroup_remove(%s, %llu)", path, (unsigned long long)id);
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	arena = (struct arena){ .blocks = NULL };
	return 0;
}

static void test_categories_of_a_label(void **state)
{
	static const char *const none[] = {
		"", "u:r:t", "u:r:t:s0", "u:r:t:s0-s0:c0.c1023", "u:r:t:s0:c1,c2,c3", "u:r:t:s0:c1,",
		"u:r:t:s0:c1024", "u:r:t:s0:c1,c4294967297", "u:r:t:s0:c", "u:r:t:s0:c-1", "u:r:t:s0:c 1",
	};
	struct mcs_pair pair;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(mcs_pair_of(none[i], &pair));
	assert_true(mcs_pair_of("u:r:t:s0:c7,c3", &pair));
	assert_int_equal(pair.low, 3);
	assert_int_equal(pair.high, 7);
	assert_true(mcs_pair_of("u:r:t:s0-s0:c0,c1023", &pair));
	assert_int_equal(pair.high, 1023);
	assert_true(mcs_pair_of("u:r:t:s0:c5", &pair));
	assert_int_equal(pair.low, 5);
	assert_int_equal(pair.high, 5);
}

static void test_pairs_that_are_apart(void **state)
{
	static const struct mcs_pair taken[] = { { 1, 2 }, { 5, 5 } };

	(void)state;
	assert_false(mcs_pair_is_apart((struct mcs_pair){ 1, 2 }, taken, 2));
	assert_true(mcs_pair_is_apart((struct mcs_pair){ 1, 3 }, taken, 2));
	assert_true(mcs_pair_is_apart((struct mcs_pair){ 2, 3 }, taken, 2));
	/* it could use the files of who has c5 alone */
	assert_false(mcs_pair_is_apart((struct mcs_pair){ 4, 5 }, taken, 2));
	assert_false(mcs_pair_is_apart((struct mcs_pair){ 5, 6 }, taken, 2));
}

/* All pairs but one taken: that one is found, from wherever the draw begins; without it, none. */
static void test_the_last_pair(void **state)
{
	struct mcs_pair *taken = calloc(MCS_CATEGORIES, sizeof(*taken)), pair;
	size_t n = 0;

	(void)state;
	assert_non_null(taken);
	/* each category but two is somebody's */
	for (uint32_t c = 0; c < MCS_CATEGORIES; c++) {
		if (c != 17 && c != 1023)
			taken[n++] = (struct mcs_pair){ c, c };
	}
	for (int i = 0; i < 5; i++) {
		assert_true(mcs_pair_draw(taken, n, &pair));
		assert_int_equal(pair.low, 17);
		assert_int_equal(pair.high, 1023);
	}
	taken[n++] = pair;
	assert_false(mcs_pair_draw(taken, n, &pair));
	for (int i = 0; i < 1000; i++) {
		assert_true(mcs_pair_draw(NULL, 0, &pair));
		assert_true(pair.low < pair.high && pair.high < MCS_CATEGORIES);
	}
	free(taken);
}

static struct state with_labels(const char *level)
{
	return (struct state){ .selinux = {
		.vmm = arena_printf(&arena, "u:r:nacre_vmm_t:%s", level),
		.fsd = arena_printf(&arena, "u:r:nacre_fsd_t:%s", level),
		.monitor = arena_printf(&arena, "u:r:nacre_monitor_t:%s", level),
		.drawn = true,
	} };
}

static void test_a_pair_that_is_taken(void **state)
{
	const struct subid_range ids = { .start = 1000, .count = 10 };
	struct mcs_pair taken = { 1, 2 }, pair;
	struct sweep sweep = { .pairs = &taken, .n_pairs = 1 };
	struct failure failure = { .text = "" };
	struct state s = with_labels("s0:c1,c2");
	char wanted[64];

	(void)state;
	assert_int_equal(apart_choose(&s, ids, ids, &sweep, &arena, &failure), 0);
	assert_true(mcs_pair_of(s.selinux.vmm, &pair));
	assert_false(pair.low == 1 && pair.high == 2);
	snprintf(wanted, sizeof(wanted), "u:r:nacre_vmm_t:s0:c%u,c%u", pair.low, pair.high);
	assert_string_equal(s.selinux.vmm, wanted);
	snprintf(wanted, sizeof(wanted), "u:r:nacre_fsd_t:s0:c%u,c%u", pair.low, pair.high);
	assert_string_equal(s.selinux.fsd, wanted);
	snprintf(wanted, sizeof(wanted), "u:r:nacre_monitor_t:s0:c%u,c%u", pair.low, pair.high);
	assert_string_equal(s.selinux.monitor, wanted);
	/* one that is free stays, and one that config.json asks for, taken or not */
	s = with_labels("s0:c1,c3");
	assert_int_equal(apart_choose(&s, ids, ids, &sweep, &arena, &failure), 0);
	assert_string_equal(s.selinux.vmm, "u:r:nacre_vmm_t:s0:c1,c3");
	s = with_labels("s0:c1,c2");
	s.selinux.drawn = false;
	assert_int_equal(apart_choose(&s, ids, ids, &sweep, &arena, &failure), 0);
	assert_string_equal(s.selinux.fsd, "u:r:nacre_fsd_t:s0:c1,c2");
	/* on a host without SELinux */
	s = (struct state){ .id = "c" };
	assert_int_equal(apart_choose(&s, ids, ids, &sweep, &arena, &failure), 0);
	assert_null(s.selinux.vmm);
}

static void test_ids_that_are_used_up(void **state)
{
	const struct subid_range uids = { .start = 1000, .count = 3 }, gids = { .start = 2000, .count = 9 };
	const struct subid_range one = { .start = 65535, .count = 1, .shared = true };
	uint32_t taken[] = { 1000, 1002, 1001, 65535 };
	struct sweep sweep = { .uids = taken, .n_uids = 2 };
	struct failure failure = { .text = "" };
	struct state s = { .id = "c" };

	(void)state;
	assert_int_equal(apart_choose(&s, uids, gids, &sweep, &arena, &failure), 0);
	assert_int_equal(s.vmm_uid, 1001);
	assert_int_equal(s.vmm_gid, 2001);
	sweep.n_uids = 4;
	assert_int_equal(apart_choose(&s, uids, gids, &sweep, &arena, &failure), -EUSERS);
	assert_string_equal(failure.text, "/etc/subuid: expected an id for one more VM: the range of user "
			    "nacre or containers, 3 from 1000 on, is used up");
	/* those of a user namespace are shared, but only when there is no other */
	assert_int_equal(apart_choose(&s, (struct subid_range){ .start = 65535, .count = 2, .shared = true },
				      gids, &sweep, &arena, &failure), 0);
	assert_int_equal(s.vmm_uid, 65536);
	assert_int_equal(apart_choose(&s, one, one, &sweep, &arena, &failure), 0);
	assert_int_equal(s.vmm_uid, 65535);
}

/* A container's directory as it was left: `lock` is what its VMM holds as long as it lives. */
static int state_put(int root, const char *id, uint32_t uid, const char *level, const char *foreground)
{
	char path[64];
	int fd, lock;

	assert_int_equal(mkdirat(root, id, 0700), 0);
	snprintf(path, sizeof(path), "%s/%s", id, STATE_FILE);
	fd = openat(root, path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "{\"vm\": {\"uid\": %u}, \"container\": {\"foreground\": %s, \"selinux\": "
			    "{\"vmm\": \"u:r:nacre_vmm_t:%s\"}}}", uid, foreground, level) > 0);
	close(fd);
	snprintf(path, sizeof(path), "%s/%s", id, STATUS_FILE);
	lock = openat(root, path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	return lock;
}

/* A pair is its container's until that is deleted; an id until its VM ends. */
static void test_what_containers_hold(void **state)
{
	char dir[] = "/tmp/nacre-apart.XXXXXX";
	struct sweep sweep = { .uids = NULL };
	int root, lock;

	(void)state;
	assert_non_null(mkdtemp(dir));
	root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lock = state_put(root, "lives", 7, "s0:c1,c2", "false");
	close(state_put(root, "ended", 8, "s0:c3,c4", "false"));
	close(state_put(root, "killed-run", 9, "s0:c5,c6", "true"));
	sweep_root(&sweep, root, &arena);
	assert_int_equal(sweep.n_uids, 1);
	assert_true(sweep_has_uid(&sweep, 7));
	assert_int_equal(sweep.n_pairs, 2);
	assert_false(mcs_pair_is_apart((struct mcs_pair){ 1, 2 }, sweep.pairs, 2));
	assert_false(mcs_pair_is_apart((struct mcs_pair){ 3, 4 }, sweep.pairs, 2));
	assert_int_equal(unlinkat(root, "killed-run", AT_REMOVEDIR), -1);
	assert_int_equal(errno, ENOENT);
	close(lock);
	for (int i = 0; i < 2; i++) {
		const char *id = i ? "ended" : "lives";
		int fd = openat(root, id, O_RDONLY | O_DIRECTORY);

		sweep_remove(root, fd, id);
		close(fd);
	}
	sweep = (struct sweep){ .uids = NULL };
	sweep_root(&sweep, root, &arena);
	assert_int_equal(sweep.n_uids + sweep.n_pairs, 0);
	close(root);
	assert_int_equal(rmdir(dir), 0);
}

static int directory_put(int parent, const char *name)
{
	int fd;

	assert_int_equal(mkdirat(parent, name, 0700), 0);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int number_of_links(const char *all)
{
	char command[128], number[16] = "";
	FILE *out;

	snprintf(command, sizeof(command), "find %s -type l | wc -l", all);
	out = popen(command, "r");
	assert_non_null(out);
	assert_non_null(fgets(number, sizeof(number), out));
	pclose(out);
	return atoi(number);
}

/* What a container of another ROOT has is taken as well; nothing of that ROOT is removed. */
static void test_what_containers_of_other_roots_hold(void **state)
{
	char dir[] = "/tmp/nacre-apart.XXXXXX", all[64], one[64], two[64], odd[64], command[64];
	struct sweep sweep = { .uids = NULL };
	int parent, one_fd, two_fd, all_fd, again_fd, lives;

	(void)state;
	assert_non_null(mkdtemp(dir));
	parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	one_fd = directory_put(parent, "one");
	two_fd = directory_put(parent, "two");
	snprintf(all, sizeof(all), "%s/all", dir);
	snprintf(one, sizeof(one), "%s/one", dir);
	snprintf(odd, sizeof(odd), "%s/two/../one/", dir);
	snprintf(two, sizeof(two), "%s/two", dir);
	lives = state_put(one_fd, "lives", 7, "s0:c3,c4", "false");
	close(state_put(one_fd, "killed-run", 9, "s0:c5,c6", "true"));

	all_fd = roots_lock(all, one_fd, one);
	assert_true(all_fd >= 0);
	again_fd = open(all, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(again_fd, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	close(again_fd);
	close(all_fd);
	all_fd = roots_lock(all, two_fd, two);
	assert_true(all_fd >= 0);
	sweep_root(&sweep, two_fd, &arena);
	assert_int_equal(sweep.n_uids, 0);
	roots_sweep(&sweep, all_fd, two_fd, &arena);
	assert_int_equal(sweep.n_uids, 1);
	assert_true(sweep_has_uid(&sweep, 7));
	assert_int_equal(sweep.n_pairs, 1);
	assert_false(mcs_pair_is_apart((struct mcs_pair){ 3, 4 }, sweep.pairs, 1));
	assert_int_equal(faccessat(one_fd, "killed-run/" STATE_FILE, F_OK, 0), 0);
	assert_int_equal(number_of_links(all), 2);
	close(all_fd);

	/* the same ROOT by another path is not another one */
	all_fd = roots_lock(all, one_fd, odd);
	assert_true(all_fd >= 0);
	assert_int_equal(number_of_links(all), 2);
	sweep = (struct sweep){ .uids = NULL };
	roots_sweep(&sweep, all_fd, one_fd, &arena);
	assert_int_equal(sweep.n_uids, 0);

	/* a ROOT that is gone, and one that another has the place of */
	close(two_fd);
	assert_int_equal(unlinkat(parent, "two", AT_REMOVEDIR), 0);
	assert_int_equal(renameat(parent, "one", parent, "two"), 0);
	roots_sweep(&sweep, all_fd, parent, &arena);
	assert_int_equal(sweep.n_uids, 0);
	assert_int_equal(number_of_links(all), 0);
	close(all_fd);
	snprintf(all, sizeof(all), "%s/none/all", dir);
	assert_int_equal(roots_lock(all, one_fd, one), -ENOENT);

	close(lives);
	close(one_fd);
	close(parent);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_categories_of_a_label),
		cmocka_unit_test(test_pairs_that_are_apart),
		cmocka_unit_test(test_the_last_pair),
		cmocka_unit_test_teardown(test_a_pair_that_is_taken, tear_down),
		cmocka_unit_test(test_ids_that_are_used_up),
		cmocka_unit_test_teardown(test_what_containers_hold, tear_down),
		cmocka_unit_test_teardown(test_what_containers_of_other_roots_hold, tear_down),
	};

	return cmocka_run_group_tests_name("apart from others", tests, NULL, NULL);
}
