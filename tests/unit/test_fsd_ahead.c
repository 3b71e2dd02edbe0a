/* SPDX-License-Identifier: Apache-2.0 */
/* nacre-fsd: files that a LOOKUP opens as well, and which handles the VMM may keep. */
/* SOURCES: fsd/request.c fsd/lookup.c fsd/attr.c fsd/open.c fsd/create.c fsd/name.c fsd/dir.c */
/* SOURCES: fsd/xattr.c fsd/node.c fsd/node_fds.c fsd/node_find.c fsd/handle.c fsd/export.c fsd/sys.c */
/* SOURCES: fsd/slow.c */
#include "test_fsd_harness.h"

#include <signal.h>
#include <sys/stat.h>

/* LOOKUP with BROKER_OPEN_AHEAD. True when a file came along, as *open. */
static bool look_up(const char *name, struct fuse_entry_out *entry, struct fuse_open_out *open)
{
	const uint8_t *body = reply_body();
	const uint64_t parent = root();
	int err;

	req_flags = BROKER_OPEN_AHEAD;
	err = request(FUSE_LOOKUP, parent, name, strlen(name) + 1);
	req_flags = 0;
	assert_int_equal(err, 0);
	memcpy(entry, body, sizeof(*entry));
	if (reply_len == sizeof(*entry)) {
		assert_int_equal(donated, -1);
		return false;
	}
	assert_int_equal(reply_len, sizeof(*entry) + sizeof(*open));
	memcpy(open, body + sizeof(*entry), sizeof(*open));
	return true;
}

static void test_regular(void **state)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	char text[8] = "";

	(void)state;
	put_file("file", "hello");
	/* Without rights for anybody: that is for the guest's kernel to judge. */
	assert_int_equal(chmod(at("file"), 0), 0);
	assert_true(look_up("file", &entry, &open));
	assert_int_equal(open.padding, BROKER_MAY_KEEP);
	assert_int_equal(open.open_flags & FOPEN_KEEP_CACHE, FOPEN_KEEP_CACHE);
	assert_int_equal(fcntl(donated, F_GETFL) & (O_ACCMODE | O_APPEND | O_PATH), O_RDONLY);
	assert_int_equal(pread(donated, text, sizeof(text), 0), 5);
	assert_string_equal(text, "hello");
	/* It is a handle like any other. */
	assert_int_equal(fsd.nodes.fds.n_handles, 1);
	assert_int_equal(release(entry.nodeid, open.fh), 0);
	assert_int_equal(release(entry.nodeid, open.fh), -EBADF);
	/* A node that the guest knows already is looked up to see whether the name is still there. */
	assert_false(look_up("file", &entry, &open));
	forget(entry.nodeid, 2);
	assert_true(look_up("file", &entry, &open));
}

/* Whatever is not a regular file is looked up as ever: it is never opened. */
static void test_others(void **state)
{
	static const char *const names[] = {"fifo", "link", "dir", "socket", "null"};
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	(void)state;
	put_file("file", "hello");
	assert_int_equal(mkfifo(at("fifo"), 0666), 0);
	assert_int_equal(symlink("file", at("link")), 0);
	assert_int_equal(mkdir(at("dir"), 0777), 0);
	assert_int_equal(mknod(at("socket"), S_IFSOCK | 0666, 0), 0);
	assert_int_equal(mknod(at("null"), S_IFCHR | 0666, 1 << 8 | 3), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_false(look_up(names[i], &entry, &open));
	/* Nor is a file for a LOOKUP that does not say so, nor in any other answer. */
	assert_int_equal(lookup(root(), "file", &entry), 0);
	assert_int_equal(donated, -1);
	req_flags = BROKER_OPEN_AHEAD;
	assert_int_equal(lookup(root(), "absent", &entry), -ENOENT);
	req_flags = 0;
	assert_int_equal(fsd.nodes.fds.n_handles, 0);
}

/* Somebody on the host holds a lease: nobody waits for it, and the name is found. */
static void test_lease(void **state)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open_out;
	int fd;

	(void)state;
	put_file("file", "hello");
	fd = open(at("file"), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	signal(SIGIO, SIG_IGN);
	assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
	alarm(20);
	assert_false(look_up("file", &entry, &open_out));
	alarm(0);
	close(fd);
}

/* Few descriptors: handles that are kept leave room for those that are asked for. */
static void test_bound(void **state)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	unsigned int n_ahead = 0, n_open = 0;
	char name[16];

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		put_file(name, "");
		n_ahead += look_up(name, &entry, &open);
	}
	/* An eighth of the 160. */
	assert_int_equal(n_ahead, 20);
	for (unsigned int i = 0; i < 200; i++) {
		struct fuse_open_in in = {.flags = O_RDONLY};

		snprintf(name, sizeof(name), "f%u", i);
		if (request(FUSE_OPEN, node_of(root(), name), &in, sizeof(in)))
			break;
		memcpy(&open, reply_body(), sizeof(open));
		assert_int_equal(open.padding, 0);
		n_open++;
	}
	assert_true(n_open > 120);
}

static void test_which_may_be_kept(void **state)
{
	static const struct {
		uint32_t flags, padding;
	} cases[] = {
		{O_RDONLY, BROKER_MAY_KEEP}, {O_RDONLY | O_NOFOLLOW, BROKER_MAY_KEEP},
		{O_WRONLY, 0},               {O_RDWR, 0},
		{O_RDONLY | O_SYNC, 0},      {O_RDONLY | O_TRUNC, 0},
	};
	uint64_t node;

	(void)state;
	put_file("file", "hello");
	node = node_of(root(), "file");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fuse_open_in in = {.flags = cases[i].flags};
		struct fuse_open_out out;

		assert_int_equal(request(FUSE_OPEN, node, &in, sizeof(in)), 0);
		memcpy(&out, reply_body(), sizeof(out));
		assert_int_equal(out.padding, cases[i].padding);
	}
	/* NFS and its like hear of each open() and close(). */
	fsd.exports.mount[node_at(&fsd.nodes, (uint32_t)(node & BROKER_NODE_MASK))->mount].remote = true;
	struct fuse_open_in in = {.flags = O_RDONLY};
	struct fuse_entry_out entry;
	struct fuse_open_out out;
	assert_int_equal(request(FUSE_OPEN, node, &in, sizeof(in)), 0);
	memcpy(&out, reply_body(), sizeof(out));
	assert_int_equal(out.padding, 0);
	put_file("new", "");
	assert_false(look_up("new", &entry, &out));
}

static int start_small(void **state)
{
	(void)state;
	umask(0);
	start_bounded(100000, 160, false);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FSD_TEST(test_regular),
		FSD_TEST(test_others),
		FSD_TEST(test_lease),
		FSD_TEST(test_which_may_be_kept),
		cmocka_unit_test_setup_teardown(test_bound, start_small, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
