/* SPDX-License-Identifier: Apache-2.0 */
/* nacre-fsd's node table: few descriptors for many nodes, what is stale, and directories. */
/* SOURCES: fsd/request.c fsd/lookup.c fsd/attr.c fsd/open.c fsd/create.c fsd/name.c fsd/dir.c */
/* SOURCES: fsd/xattr.c fsd/node.c fsd/node_fds.c fsd/node_find.c fsd/handle.c fsd/export.c fsd/sys.c */
/* SOURCES: fsd/slow.c */
#include <sys/sysmacros.h>

#include "test_fsd_harness.h"

#define MANY 600
#define FEW  40 /* descriptors */

static int start_few(void **state)
{
	(void)state;
	umask(0);
	start_bounded(5000, FEW, false);
	return 0;
}

static uint32_t fds_of_nodes(void)
{
	return fsd.nodes.fds.n_listed + fsd.nodes.fds.n_pinned;
}

static const char *numbered(unsigned int i)
{
	static char name[32];

	snprintf(name, sizeof(name), "file-%u", i);
	return name;
}

static void test_eviction(void **state)
{
	static uint64_t node[MANY];
	struct fuse_attr a;

	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		put_file(numbered(i), "x");
		node[i] = node_of(root(), numbered(i));
		assert_true(fds_of_nodes() <= FEW);
	}
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < MANY; i++) {
			assert_int_equal(getattr(node[i], &a), 0);
			assert_true(node_of(root(), numbered(i)) == node[i]);
			assert_true(fds_of_nodes() <= FEW);
		}
	}
	for (unsigned int i = 0; i < MANY; i++)
		forget(node[i], 3);
	assert_int_equal(fsd.nodes.n_nodes, 4);
}

static void test_deep_path(void **state)
{
	char path[4096];
	uint64_t node = root(), deepest = 0;
	struct fuse_attr a;

	(void)state;
	/* Deeper than there are descriptors. */
	snprintf(path, sizeof(path), "%s", dir);
	for (unsigned int i = 0; i < 3 * FEW; i++) {
		strcat(path, "/d");
		assert_int_equal(mkdir(path, 0777), 0);
		node = node_of(node, "d");
		deepest = node;
	}
	for (uint32_t i = NODE_EXPORT0; i < fsd.nodes.n_slots; i++)
		node_fd_evict(&fsd.nodes, i);
	assert_int_equal(getattr(deepest, &a), 0);
	assert_true(S_ISDIR(a.mode));
	assert_true(fds_of_nodes() <= FEW);
}

/* Takes all descriptors of nodes away. */
static void evict_all(void)
{
	for (uint32_t i = NODE_EXPORT0; i < fsd.nodes.n_slots; i++) {
		if (!(fsd.nodes.node[i].flags & NODE_PINNED))
			node_fd_evict(&fsd.nodes, i);
	}
}

static void test_stale(void **state)
{
	struct fuse_attr a;
	uint64_t f, g;

	(void)state;
	put_file("f", "x");
	f = node_of(root(), "f");
	evict_all();
	/* Another file has the name: not the same, even if the inode number should be. */
	assert_int_equal(unlink(at("f")), 0);
	put_file("f", "other");
	assert_int_equal(getattr(f, &a), -ESTALE);
	g = node_of(root(), "f");
	assert_true(g != f);
	assert_int_equal(getattr(g, &a), 0);
	assert_int_equal(a.size, 5);
	assert_int_equal(getattr(f, &a), -ESTALE);
	/* Gone. */
	evict_all();
	assert_int_equal(unlink(at("f")), 0);
	assert_int_equal(getattr(g, &a), -ESTALE);
	forget(f, 1);
	forget(g, 1);
	assert_int_equal(fsd.nodes.n_nodes, 4);
}

/* While a file's descriptor is closed the host puts something in its place that must not be opened. */
static void test_exchanged_for_special(void **state)
{
	static const mode_t types[] = {S_IFIFO | 0666, S_IFCHR | 0666, S_IFBLK | 0666, S_IFDIR | 0777};
	struct fuse_attr a;
	uint64_t f, fh;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		put_file("f", "x");
		f = node_of(root(), "f");
		evict_all();
		assert_int_equal(unlink(at("f")), 0);
		if (S_ISDIR(types[i]))
			assert_int_equal(mkdir(at("f"), 0777), 0);
		else if (mknod(at("f"), types[i], makedev(1, 3)) < 0)
			continue; /* not root */
		assert_int_equal(open_file(f, O_RDWR, &fh), -ESTALE);
		assert_int_equal(open_file(f, O_RDONLY, &fh), -ESTALE);
		assert_int_equal(getattr(f, &a), -ESTALE);
		assert_int_equal(remove(at("f")), 0);
		forget(f, 1);
	}
}

static void test_moved_directory(void **state)
{
	struct fuse_rename_in in;
	struct fuse_attr a;
	uint64_t d, e, f;

	(void)state;
	assert_int_equal(mkdir(at("d"), 0777), 0);
	assert_int_equal(mkdir(at("e"), 0777), 0);
	put_file("d/f", "x");
	d = node_of(root(), "d");
	e = node_of(root(), "e");
	f = node_of(d, "f");
	in.newdir = e;
	assert_int_equal(request_names(FUSE_RENAME, root(), &in, sizeof(in), "d", "d2"), 0);
	evict_all();
	assert_int_equal(getattr(f, &a), 0);
	/* The host exchanges the two: what is known of places makes a circle for a moment. */
	assert_int_equal(rename(at("e/d2"), at("d2")), 0);
	assert_int_equal(rename(at("e"), at("d2/e")), 0);
	assert_true(node_of(d, "e") == e);
	assert_true(node_of(root(), "d2") == d);
	assert_true(node_of(d, "e") == e);
	evict_all();
	assert_int_equal(getattr(f, &a), 0);
	assert_int_equal(getattr(e, &a), 0);
}

/* Unlinked while the guest has it open, or just knows it. */
static void test_unlinked(void **state)
{
	struct fuse_attr a;
	uint64_t f, g, fh;

	(void)state;
	put_file("f", "x");
	put_file("g", "x");
	f = node_of(root(), "f");
	g = node_of(root(), "g");
	assert_int_equal(open_file(g, O_RDWR, &fh), 0);
	evict_all();
	assert_int_equal(request_names(FUSE_UNLINK, root(), "", 0, "f", NULL), 0);
	assert_int_equal(request_names(FUSE_UNLINK, root(), "", 0, "g", NULL), 0);
	evict_all();
	assert_int_equal(getattr(f, &a), 0);
	assert_int_equal(a.nlink, 0);
	/* Beyond the bound of pinned descriptors an open handle still leads to the file. */
	for (uint32_t i = NODE_EXPORT0; i < fsd.nodes.n_slots; i++)
		node_fd_evict(&fsd.nodes, i);
	assert_int_equal(getattr(g, &a), 0);
	assert_int_equal(a.nlink, 0);
	assert_int_equal(getattr(f, &a), -ESTALE);
	assert_int_equal(release(g, fh), 0);
	forget(f, 1);
	forget(g, 1);
	assert_int_equal(fsd.nodes.n_nodes, 4);
}

static int truncate_open(uint64_t node, uint64_t fh, uint64_t size)
{
	struct fuse_setattr_in in = {.valid = FATTR_SIZE | FATTR_FH, .fh = fh, .size = size};

	return request(FUSE_SETATTR, node, &in, sizeof(in));
}

/* Open files that the host renames, one of them with the directory above it. */
static void test_renamed_while_open(void **state)
{
	struct fuse_setattr_in mode = {.valid = FATTR_MODE, .mode = 0600};
	uint64_t d, log, in_d, closed, fh, fh_d, n_nodes = fsd.nodes.n_nodes;
	struct fuse_attr a;

	(void)state;
	assert_int_equal(mkdir(at("d"), 0777), 0);
	put_file("log", "12345");
	put_file("d/f", "12345");
	put_file("closed", "x");
	log = node_of(root(), "log");
	d = node_of(root(), "d");
	in_d = node_of(d, "f");
	closed = node_of(root(), "closed");
	assert_int_equal(open_file(log, O_RDWR, &fh), 0);
	assert_int_equal(open_file(in_d, O_RDWR, &fh_d), 0);
	evict_all();
	assert_int_equal(rename(at("log"), at("log.1")), 0);
	put_file("log", "");
	assert_int_equal(rename(at("d"), at("e")), 0);
	assert_int_equal(rename(at("closed"), at("closed.1")), 0);
	assert_int_equal(truncate_open(log, fh, 4), 0);
	assert_int_equal(getattr(log, &a), 0);
	assert_int_equal(a.size, 4);
	assert_int_equal(request(FUSE_SETATTR, log, &mode, sizeof(mode)), 0);
	/* Again: it is not lost with the next eviction. */
	evict_all();
	assert_int_equal(getattr(log, &a), 0);
	assert_int_equal(a.mode & 0777, 0600);
	assert_int_equal(getattr(in_d, &a), 0);
	assert_int_equal(a.size, 5);
	assert_int_equal(getattr(closed, &a), -ESTALE);
	/* Found under its new name it is the same node, with a place again. */
	assert_true(node_of(root(), "log.1") == log);
	assert_int_equal(release(log, fh), 0);
	evict_all();
	assert_int_equal(getattr(log, &a), 0);
	assert_int_equal(release(in_d, fh_d), 0);
	forget(log, 2);
	forget(in_d, 1);
	forget(d, 1);
	forget(closed, 1);
	assert_int_equal(fsd.nodes.n_nodes, n_nodes);
}

static void test_many_unlinked(void **state)
{
	static uint64_t node[MANY];
	unsigned int alive = 0;
	struct fuse_attr a;

	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		put_file(numbered(i), "x");
		node[i] = node_of(root(), numbered(i));
		assert_int_equal(request_names(FUSE_UNLINK, root(), "", 0, numbered(i), NULL), 0);
		assert_true(fds_of_nodes() <= FEW);
	}
	for (unsigned int i = 0; i < MANY; i++) {
		int err = getattr(node[i], &a);

		assert_true(err == 0 || err == -ESTALE);
		alive += err == 0;
	}
	assert_true(alive >= FEW / 2 && alive <= FEW);
	/* There is still room for others. */
	put_file("f", "x");
	assert_int_equal(getattr(node_of(root(), "f"), &a), 0);
}

static void test_renamed_over(void **state)
{
	struct fuse_rename_in in = {.newdir = root()};
	struct fuse_attr a;
	uint64_t f, g;

	(void)state;
	put_file("f", "x");
	put_file("g", "yy");
	f = node_of(root(), "f");
	g = node_of(root(), "g");
	assert_int_equal(request_names(FUSE_RENAME, root(), &in, sizeof(in), "f", "g"), 0);
	evict_all();
	assert_int_equal(getattr(f, &a), 0);
	assert_int_equal(a.size, 1);
	assert_int_equal(getattr(g, &a), 0);
	assert_int_equal(a.size, 2);
	assert_int_equal(a.nlink, 0);
	assert_true(node_of(root(), "g") == f);
}

static void test_node_bound(void **state)
{
	struct fuse_entry_out e;
	static uint64_t node[64];
	unsigned int n = 0;
	int err = 0;

	(void)state;
	stop(NULL);
	start_bounded(20, FEW, false);
	for (; n < 64 && !err; n++) {
		put_file(numbered(n), "x");
		err = lookup(root(), numbered(n), &e);
		node[n] = e.nodeid;
	}
	assert_int_equal(err, -ENFILE);
	assert_int_equal(n - 1, 20 - 1 - 4);
	forget(node[0], 1);
	assert_int_equal(lookup(root(), numbered(n - 1), &e), 0);
	/* The number was used before: the generation says that it is another file. */
	assert_true(e.nodeid == node[0]);
	assert_true(e.generation != 0);
}

static void test_handle_bound(void **state)
{
	static uint64_t fh[MANY];
	unsigned int n = 0;
	uint64_t f;
	int err = 0;

	(void)state;
	put_file("f", "x");
	f = node_of(root(), "f");
	for (; n < MANY && !err; n++)
		err = open_file(f, O_RDONLY, &fh[n]);
	assert_int_equal(err, -ENFILE);
	n--;
	assert_true(n >= FEW - 4);
	assert_int_equal(release(f, fh[0]), 0);
	assert_int_equal(open_file(f, O_RDONLY, &fh[0]), 0);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(release(f, fh[i]), 0);
	assert_int_equal(fsd.nodes.fds.n_handles, 0);
}

static uint64_t open_dir(uint64_t node)
{
	struct fuse_open_in in = {0};
	uint64_t fh;

	assert_int_equal(request(FUSE_OPENDIR, node, &in, sizeof(in)), 0);
	memcpy(&fh, reply_body(), sizeof(fh));
	return fh;
}

static bool seen[6000];
static unsigned int n_seen, n_dots, n_counted;

/* Notes the entries of one reply; returns the offset to go on from, 0 at the end. */
static uint64_t note_entries(bool plus, uint64_t off)
{
	const uint8_t *p = reply_body();
	size_t left = reply_len, head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;

	if (!left)
		return 0;
	while (left) {
		struct fuse_entry_out e = {0};
		struct fuse_dirent d;
		char name[256] = {0};
		size_t len;
		unsigned int i;

		assert_true(left > head);
		if (plus)
			memcpy(&e, p, sizeof(e));
		memcpy(&d, p + head - FUSE_NAME_OFFSET, FUSE_NAME_OFFSET);
		len = FUSE_REC_ALIGN(head + d.namelen);
		assert_true(len <= left && d.namelen < sizeof(name));
		memcpy(name, p + head, d.namelen);
		off = d.off;
		p += len;
		left -= len;
		if (name[0] == '.') {
			assert_true(e.nodeid == 0);
			n_dots++;
			continue;
		}
		assert_int_equal(sscanf(name, "file-%u", &i), 1);
		assert_true(i < 6000 && !seen[i]);
		seen[i] = true;
		n_seen++;
		if (e.nodeid) {
			n_counted++;
			assert_true(S_ISREG(e.attr.mode));
			assert_true(e.attr.ino == d.ino);
			forget(e.nodeid, 1);
		}
	}
	return off;
}

static void list_all(uint64_t node, bool plus, uint32_t size)
{
	struct fuse_read_in in = {.fh = open_dir(node), .size = size};
	static uint8_t copy[PACKET_MAX];

	memset(seen, 0, sizeof(seen));
	n_seen = n_dots = n_counted = 0;
	do {
		assert_int_equal(
			request(plus ? FUSE_READDIRPLUS : FUSE_READDIR, node, &in, sizeof(in)), 0);
		assert_true(reply_len <= size);
		/* note_entries() sends FORGETs, which use the reply's buffer. */
		memcpy(copy, fsd.out, sizeof(copy));
		in.offset = note_entries(plus, in.offset);
	} while (in.offset);
	assert_int_equal(request(FUSE_RELEASEDIR, node, &(struct fuse_release_in){.fh = in.fh},
				 sizeof(struct fuse_release_in)),
			 0);
}

static void test_large_directory(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 5000; i++)
		close(open(at(numbered(i)), O_CREAT | O_WRONLY, 0666));
	for (int plus = 0; plus < 2; plus++) {
		list_all(root(), plus, 4096);
		assert_int_equal(n_seen, 5000);
		assert_int_equal(n_dots, 2);
		assert_int_equal(n_counted, plus ? 5000 : 0);
		/* Each lookup was told and given back: none was counted that did not fit. */
		assert_int_equal(fsd.nodes.n_nodes, 4);
		list_all(root(), plus, 1 << 20);
		assert_int_equal(n_seen, 5000);
		assert_int_equal(fsd.nodes.n_nodes, 4);
	}
}

/* Two readers of one directory, one that goes back, and sizes that fit nothing. */
static void test_positions(void **state)
{
	uint64_t fh[6], first[6];
	struct fuse_read_in in = {.size = 512};

	(void)state;
	for (unsigned int i = 0; i < 200; i++)
		put_file(numbered(i), "");
	for (unsigned int i = 0; i < 6; i++)
		fh[i] = open_dir(root());
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 6; i++) {
			in.fh = fh[i];
			in.offset = round == 1 ? first[i] : 0;
			memset(seen, 0, sizeof(seen));
			assert_int_equal(request(FUSE_READDIR, root(), &in, sizeof(in)), 0);
			if (round == 0)
				first[i] = note_entries(false, 0);
			else
				assert_true((note_entries(false, 0) == first[i]) == (round == 2));
		}
	}
	in.size = 10;
	in.offset = 0;
	assert_int_equal(request(FUSE_READDIR, root(), &in, sizeof(in)), -EINVAL);
	in.size = 0;
	assert_int_equal(request(FUSE_READDIRPLUS, root(), &in, sizeof(in)), -EINVAL);
	in.size = 4096;
	in.offset = UINT64_MAX;
	assert_int_equal(request(FUSE_READDIR, root(), &in, sizeof(in)), -EINVAL);
}

static void test_synthetic_listing(void **state)
{
	struct fuse_read_in in = {.size = 4096};
	const struct fuse_direntplus *d;

	(void)state;
	req_class = BROKER_CLASS_VOLUME;
	in.fh = open_dir(top());
	assert_int_equal(request(FUSE_READDIRPLUS, top(), &in, sizeof(in)), 0);
	assert_non_null(memmem(reply_body(), reply_len, "mounts", 6));
	assert_null(memmem(reply_body(), reply_len, "root", 4));
	in.offset = 2;
	assert_int_equal(request(FUSE_READDIRPLUS, node_of(top(), "mounts"), &in, sizeof(in)), 0);
	d = reply_body();
	assert_true((d->entry_out.nodeid & BROKER_NODE_MASK) == node_of_export(1));
	assert_memory_equal(d->dirent.name, "0", 1);
	in.offset = 3;
	assert_int_equal(request(FUSE_READDIRPLUS, node_of(top(), "mounts"), &in, sizeof(in)), 0);
	assert_int_equal(reply_len, 0);
}

static void test_session_reset(void **state)
{
	struct fuse_attr a;
	uint64_t f, v, fh;

	(void)state;
	put_file("f", "x");
	f = node_of(root(), "f");
	assert_int_equal(open_file(f, O_RDONLY, &fh), 0);
	open_dir(root());
	req_class = BROKER_CLASS_VOLUME;
	v = node_of(node_of(top(), "mounts"), "0");
	open_dir(v);
	reset_session(BROKER_CLASS_ROOT);
	assert_int_equal(fsd.nodes.n_nodes, 4);
	assert_int_equal(fsd.nodes.fds.n_handles, 1);
	assert_int_equal(getattr(v, &a), 0);
	req_class = BROKER_CLASS_ROOT;
	assert_int_equal(getattr(f, &a), -ESTALE);
	assert_int_equal(getattr(root(), &a), 0);
}

#define FEW_TEST(fn) cmocka_unit_test_setup_teardown(fn, start_few, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FEW_TEST(test_eviction),      FEW_TEST(test_deep_path),
		FEW_TEST(test_stale),         FEW_TEST(test_moved_directory),
		FEW_TEST(test_exchanged_for_special),
		FEW_TEST(test_unlinked),      FEW_TEST(test_renamed_while_open),
		FEW_TEST(test_many_unlinked),
		FEW_TEST(test_renamed_over),  FEW_TEST(test_node_bound),
		FEW_TEST(test_handle_bound),  FSD_TEST(test_large_directory),
		FSD_TEST(test_positions),     FSD_TEST(test_synthetic_listing),
		FSD_TEST(test_session_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
