/* SPDX-License-Identifier: Apache-2.0 */
/* nacre-fsd against a hostile peer: framing, names, nodes, handles, and what is never opened. */
/* SOURCES: fsd/request.c fsd/lookup.c fsd/attr.c fsd/open.c fsd/create.c fsd/name.c fsd/dir.c */
/* SOURCES: fsd/xattr.c fsd/node.c fsd/node_fds.c fsd/node_find.c fsd/handle.c fsd/export.c fsd/sys.c */
/* SOURCES: fsd/slow.c fsd/serve.c */
#include "test_fsd_harness.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "fsd/serve.h"

/* Bug of others, number 12: "/" and ".." in a FUSE name (libkrun #329). */
static void test_bug12_names(void **state)
{
	static const char *const bad[] = {"", ".", "..", "/", "a/b", "../x", "a/", "/etc/passwd"};
	struct fuse_mkdir_in in = {.mode = 0755};
	struct fuse_entry_out e;
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(lookup(root(), bad[i], &e), -EINVAL);
		assert_int_equal(request_names(FUSE_MKDIR, root(), &in, sizeof(in), bad[i], NULL),
				 -EINVAL);
		assert_int_not_equal(request_names(FUSE_UNLINK, root(), "", 0, bad[i], NULL), 0);
	}
	memset(longest, 'n', sizeof(longest));
	longest[256] = 0;
	assert_int_equal(lookup(root(), longest, &e), -ENAMETOOLONG);
	longest[255] = 0;
	assert_int_equal(lookup(root(), longest, &e), -ENOENT);
	/* No NUL at all, a NUL inside, bytes behind the name. */
	assert_int_equal(request(FUSE_LOOKUP, root(), "abcd", 4), -EINVAL);
	assert_int_equal(request(FUSE_LOOKUP, root(), "ab\0cd", 6), -EINVAL);
	assert_int_equal(request(FUSE_LOOKUP, root(), "ab\0", 4), -EINVAL);
	assert_int_equal(request(FUSE_LOOKUP, root(), "", 0), -EINVAL);
}

static void test_framing(void **state)
{
	struct fuse_in_header h = {.len = sizeof(h), .opcode = FUSE_GETATTR, .nodeid = top()};
	struct broker_header bh = {.tag = 1, .class = BROKER_CLASS_COUNT};
	struct fuse_getattr_in in = {0};

	(void)state;
	/* The header's length against the packet's. */
	assert_int_equal(send_raw(&h, &in, sizeof(in)), -EINVAL);
	h.len = sizeof(h) + sizeof(in) + 1;
	assert_int_equal(send_raw(&h, &in, sizeof(in)), -EINVAL);
	h.len = UINT32_MAX;
	assert_int_equal(send_raw(&h, &in, sizeof(in)), -EINVAL);
	h.len = sizeof(h) + sizeof(in);
	assert_int_equal(send_raw(&h, &in, sizeof(in)), 0);
	h.total_extlen = 1;
	assert_int_equal(send_raw(&h, &in, sizeof(in)), -EINVAL);
	/* A body one byte too short. */
	assert_int_equal(request(FUSE_GETATTR, top(), &in, sizeof(in) - 1), -EINVAL);
	/* No class, half a header, nothing. */
	memcpy(fsd.in, &bh, sizeof(bh));
	assert_int_equal(request_serve(&fsd, sizeof(bh) + sizeof(h), &donated), 0);
	for (size_t n = 0; n < sizeof(bh) + sizeof(h); n++)
		assert_int_equal(request_serve(&fsd, n, &donated), 0);
}

struct whole {
	struct broker_header broker;
	struct fuse_in_header hdr;
	struct fuse_getattr_in body;
};
static_assert(sizeof(struct whole) == 8 + 40 + 16, "no holes");

static struct whole getattr_of(uint64_t node, uint32_t tag)
{
	return (struct whole){
		.broker = {.tag = tag, .class = BROKER_CLASS_ROOT},
		.hdr = {.len = sizeof(struct whole) - sizeof(struct broker_header),
			.opcode = FUSE_GETATTR,
			.unique = tag,
			.nodeid = node}};
}

/* The error of the next answer, which must be that to `tag`. */
static int next_answer(int fd, uint32_t tag)
{
	struct {
		struct broker_header broker;
		struct fuse_out_header hdr;
		uint8_t body[256];
	} r;
	ssize_t n = recv(fd, &r, sizeof(r), MSG_DONTWAIT);

	assert_true(n >= (ssize_t)(sizeof(r.broker) + sizeof(r.hdr)));
	assert_int_equal(r.broker.tag, tag);
	return r.hdr.error;
}

/* Several requests in one packet, and packets that lie about how many there are. */
static void test_packets(void **state)
{
	struct whole r[4] = {getattr_of(top(), 1), getattr_of(top(), BROKER_TAG_QUIET),
			     getattr_of(top() + 1000000, 3), getattr_of(top(), 4)};
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_true(send(pair[1], r, sizeof(r), 0) == sizeof(r));
	/* The last one is cut off. */
	assert_true(send(pair[1], r, sizeof(r) - 1, 0) == sizeof(r) - 1);
	/* The first one has a length that goes beyond the packet, and then one that is none. */
	r[0].hdr.len = sizeof(r);
	assert_true(send(pair[1], r, sizeof(r), 0) == sizeof(r));
	r[0].hdr.len = 0;
	assert_true(send(pair[1], r, sizeof(r), 0) == sizeof(r));
	shutdown(pair[1], SHUT_WR);
	assert_int_equal(serve(&fsd, pair[0]), 0);
	assert_int_equal(next_answer(pair[1], 1), 0);
	assert_int_equal(next_answer(pair[1], 3), -ESTALE);
	assert_int_equal(next_answer(pair[1], 4), 0);
	assert_int_equal(next_answer(pair[1], 1), 0);
	assert_int_equal(next_answer(pair[1], 3), -ESTALE);
	assert_int_equal(next_answer(pair[1], 4), -EINVAL);
	assert_int_equal(next_answer(pair[1], 1), -EINVAL);
	assert_int_equal(next_answer(pair[1], 1), -EINVAL);
	assert_int_equal(recv(pair[1], r, sizeof(r), MSG_DONTWAIT), -1);
	close(pair[0]);
	close(pair[1]);
}

static void test_opcodes(void **state)
{
	static const uint32_t unknown[] = {
		0,          FUSE_READ,  FUSE_WRITE,        FUSE_INIT,        FUSE_DESTROY,
		FUSE_GETLK, FUSE_SETLK, FUSE_SETLKW,       FUSE_ACCESS,      FUSE_IOCTL,
		FUSE_POLL,  FUSE_BMAP,  FUSE_SETUPMAPPING, FUSE_TMPFILE + 1, 4096,
		UINT32_MAX};
	uint8_t body[256] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_int_equal(request(unknown[i], root(), body, sizeof(body)), -ENOSYS);
}

static void test_nodes(void **state)
{
	struct fuse_attr a;
	uint64_t file;

	(void)state;
	put_file("f", "x");
	file = node_of(root(), "f");
	assert_int_equal(getattr(file, &a), 0);
	assert_int_equal(getattr(0, &a), -ESTALE);
	assert_int_equal(getattr(FUSE_ROOT_ID, &a), -ESTALE);
	assert_int_equal(getattr(file + 1, &a), -ESTALE);
	assert_int_equal(getattr(file | UINT64_C(1) << 40, &a), -ESTALE);
	assert_int_equal(getattr(UINT64_MAX, &a), -ESTALE);
	/* Another container's number. */
	assert_int_equal(getattr(broker_root_node(CONTAINER + 1), &a), -ESTALE);
	/* A session of volumes has no business in the root. */
	req_class = BROKER_CLASS_VOLUME;
	assert_int_equal(getattr(file, &a), -ESTALE);
	assert_int_equal(getattr(top(), &a), 0);
	req_class = BROKER_CLASS_ROOT;
	/* A file is no directory. */
	assert_int_equal(request(FUSE_LOOKUP, file, "x", 2), -ENOTDIR);
	forget(file, 1);
	assert_int_equal(getattr(file, &a), -ESTALE);
	forget(file, 1);
	forget(UINT64_MAX, UINT64_MAX);
	forget(top(), UINT64_MAX);
	assert_int_equal(getattr(top(), &a), 0);
}

static void test_handles(void **state)
{
	struct fuse_fsync_in in = {0};
	uint64_t f, g, fh, dir_fh;
	struct fuse_open_in open_in = {0};

	(void)state;
	put_file("f", "x");
	put_file("g", "x");
	f = node_of(root(), "f");
	g = node_of(root(), "g");
	assert_int_equal(open_file(f, O_RDONLY, &fh), 0);
	in.fh = fh;
	assert_int_equal(request(FUSE_FSYNC, f, &in, sizeof(in)), 0);
	/* Someone else's handle, a number out of range, a directory's, a closed one. */
	assert_int_equal(request(FUSE_FSYNC, g, &in, sizeof(in)), -EBADF);
	in.fh = fh + 1;
	assert_int_equal(request(FUSE_FSYNC, f, &in, sizeof(in)), -EBADF);
	in.fh = BROKER_HANDLES;
	assert_int_equal(request(FUSE_FSYNC, f, &in, sizeof(in)), -EBADF);
	in.fh = UINT64_MAX;
	assert_int_equal(request(FUSE_FSYNC, f, &in, sizeof(in)), -EBADF);
	assert_int_equal(request(FUSE_OPENDIR, root(), &open_in, sizeof(open_in)), 0);
	memcpy(&dir_fh, reply_body(), sizeof(dir_fh));
	assert_int_equal(donated, -1);
	in.fh = dir_fh;
	assert_int_equal(request(FUSE_FSYNC, root(), &in, sizeof(in)), -EBADF);
	assert_int_equal(request(FUSE_FSYNCDIR, root(), &in, sizeof(in)), 0);
	assert_int_equal(release(f, fh), 0);
	assert_int_equal(release(f, fh), -EBADF);
	/* An open handle keeps its node, whatever the guest gives back. */
	assert_int_equal(open_file(f, O_RDONLY, &fh), 0);
	forget(f, 100);
	in.fh = fh;
	assert_int_equal(request(FUSE_FSYNC, f, &in, sizeof(in)), 0);
	assert_int_equal(release(f, fh), 0);
	assert_int_equal(release(f, fh), -ESTALE);
}

/*
 * Bug of others, number 11: the file server opens device nodes (CVE-2023-2861). FIFOs, sockets, devices,
 * symbolic links: shown, never opened.
 */
static void test_bug11_special_files(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct fuse_open_in in = {0};
	struct fuse_setattr_in size = {.valid = FATTR_SIZE};
	static const char *const names[] = {"fifo", "socket", "link", "null", "disk"};
	uint64_t fh;

	(void)state;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", at("socket"));
	assert_int_equal(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(mkfifo(at("fifo"), 0666), 0);
	assert_int_equal(symlink("/etc/passwd", at("link")), 0);
	if (mknod(at("null"), S_IFCHR | 0666, makedev(1, 3)) < 0)
		put_file("null", ""); /* not root: then it is one more regular file */
	if (mknod(at("disk"), S_IFBLK | 0666, makedev(1, 0)) < 0)
		put_file("disk", "");
	for (size_t i = 0; i < 5; i++) {
		struct fuse_entry_out e;

		assert_int_equal(lookup(root(), names[i], &e), 0);
		if (S_ISREG(e.attr.mode))
			continue;
		if (S_ISCHR(e.attr.mode))
			assert_int_equal(e.attr.rdev, 1 << 8 | 3);
		assert_int_equal(open_file(e.nodeid, O_RDONLY, &fh), -EPERM);
		assert_int_equal(open_file(e.nodeid, O_RDWR, &fh), -EPERM);
		assert_int_not_equal(request(FUSE_SETATTR, e.nodeid, &size, sizeof(size)), 0);
		assert_int_equal(request(FUSE_OPENDIR, e.nodeid, &in, sizeof(in)), -ENOTDIR);
		assert_int_equal(request(FUSE_LOOKUP, e.nodeid, "x", 2), -ENOTDIR);
	}
	/* A CREATE without O_EXCL that finds one of them there. */
	for (size_t i = 0; i < 3; i++) {
		struct fuse_create_in create = {.flags = O_RDWR | O_CREAT, .mode = 0644};

		assert_int_equal(
			request_names(FUSE_CREATE, root(), &create, sizeof(create), names[i], NULL),
			-EPERM);
	}
	close(s);
}

/* A link that points out of the tree is data, in every place where a name is. */
static void test_symlink_escape(void **state)
{
	struct fuse_create_in create = {.flags = O_RDWR | O_CREAT, .mode = 0644};
	struct fuse_mkdir_in mkdir_in = {.mode = 0755};
	struct fuse_rename_in rename_in;
	struct fuse_entry_out e;
	char target[128];

	(void)state;
	snprintf(target, sizeof(target), "%s", other);
	assert_int_equal(symlink(target, at("out")), 0);
	assert_int_equal(lookup(root(), "out", &e), 0);
	assert_true(S_ISLNK(e.attr.mode));
	assert_int_equal(request(FUSE_READLINK, e.nodeid, NULL, 0), 0);
	assert_int_equal(reply_len, strlen(target));
	assert_memory_equal(reply_body(), target, strlen(target));
	assert_int_equal(request_names(FUSE_CREATE, e.nodeid, &create, sizeof(create), "f", NULL),
			 -ENOTDIR);
	assert_int_equal(
		request_names(FUSE_MKDIR, e.nodeid, &mkdir_in, sizeof(mkdir_in), "d", NULL),
		-ENOTDIR);
	put_file("f", "x");
	rename_in.newdir = e.nodeid;
	assert_int_equal(
		request_names(FUSE_RENAME, root(), &rename_in, sizeof(rename_in), "f", "g"),
		-ENOTDIR);
	/* Dangling, it must not be created through. */
	snprintf(target, sizeof(target), "%s/new", other);
	assert_int_equal(symlink(target, at("dangling")), 0);
	assert_int_equal(
		request_names(FUSE_CREATE, root(), &create, sizeof(create), "dangling", NULL),
		-EPERM);
	assert_int_equal(access(target, F_OK), -1);
	/* A directory that the guest knows is exchanged for a link: the way down stays closed. */
	assert_int_equal(mkdir(at("d"), 0777), 0);
	put_file("d/inside", "x");
	e.nodeid = node_of(root(), "d");
	node_of(e.nodeid, "inside");
	assert_int_equal(rename(at("d"), at("moved")), 0);
	assert_int_equal(symlink(other, at("d")), 0);
	for (uint32_t i = 0; i < fsd.nodes.n_slots; i++)
		node_fd_evict(&fsd.nodes, i);
	assert_int_equal(
		request_names(FUSE_MKDIR, e.nodeid, &mkdir_in, sizeof(mkdir_in), "x", NULL),
		-ESTALE);
}

static void test_kernel_file_systems(void **state)
{
	struct fuse_entry_out e;
	int fd;

	(void)state;
	fd = open("/proc", O_PATH | O_CLOEXEC);
	assert_int_equal(export_add(&fsd.exports, fd, false), 2);
	assert_int_equal(node_add_export(&fsd.nodes, 2), -EACCES);
	close(fd);
	fd = open("/sys", O_PATH | O_CLOEXEC);
	fsd.exports.export[2].fd = fd;
	assert_int_equal(node_add_export(&fsd.nodes, 2), -EACCES);
	close(fd);
	/* Met on the way down from the host's root. */
	fd = open("/", O_PATH | O_CLOEXEC);
	fsd.exports.export[2].fd = fd;
	assert_int_equal(node_add_export(&fsd.nodes, 2), 0);
	req_class = BROKER_CLASS_VOLUME;
	assert_int_equal(lookup(top(), "mounts", &e), 0);
	assert_int_equal(lookup(e.nodeid, "1", &e), 0);
	assert_int_equal(request(FUSE_LOOKUP, e.nodeid, "proc", 5), -EACCES);
	assert_int_equal(request(FUSE_LOOKUP, e.nodeid, "sys", 4), -EACCES);
	assert_int_equal(request(FUSE_LOOKUP, e.nodeid, "tmp", 4), 0);
}

static void test_devtmpfs(void **state)
{
	struct fuse_entry_out e;
	struct stat st;
	FILE *f = tmpfile();

	(void)state;
	assert_int_equal(stat(other, &st), 0);
	fprintf(f, "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
	fprintf(f, "22 21 0:5 / /proc rw shared:2 - proc proc rw\n");
	fprintf(f, "23 21 %u:%u / /dev rw,nosuid shared:3 - devtmpfs udev rw\n", major(st.st_dev),
		minor(st.st_dev));
	fflush(f);
	rewind(f);
	export_find_devtmpfs(&fsd.exports, fileno(f));
	fclose(f);
	assert_true(fsd.exports.has_devtmpfs);
	/* Pretend that a new mount of that device is met: mount numbers are compared first. */
	for (uint16_t i = 0; i < fsd.exports.n_mounts; i++)
		fsd.exports.mount[i].id++;
	put_file("f", "x");
	assert_int_equal(lookup(root(), "f", &e), -EACCES);
}

/* Ids of the guest's own root do not exist here. */
static void test_low_ids(void **state)
{
	struct fuse_create_in create = {.flags = O_RDWR | O_CREAT, .mode = 0644};
	struct fuse_mkdir_in mkdir_in = {.mode = 0755};
	struct fuse_setattr_in set = {.valid = FATTR_MODE, .mode = 0600};
	struct fuse_attr a;
	uint64_t f, fh;

	(void)state;
	put_file("f", "x");
	f = node_of(root(), "f");
	for (int i = 0; i < 2; i++) {
		req_uid = i ? 0 : USER;
		req_gid = i ? USER : 5;
		set.valid = FATTR_MODE;
		assert_int_equal(
			request_names(FUSE_CREATE, root(), &create, sizeof(create), "n", NULL),
			-EPERM);
		assert_int_equal(
			request_names(FUSE_MKDIR, root(), &mkdir_in, sizeof(mkdir_in), "n", NULL),
			-EPERM);
		assert_int_equal(request_names(FUSE_UNLINK, root(), "", 0, "f", NULL), -EPERM);
		assert_int_equal(request(FUSE_SETATTR, f, &set, sizeof(set)), -EPERM);
		assert_int_equal(open_file(f, O_RDWR | O_TRUNC, &fh), -EPERM);
		assert_int_equal(getattr(f, &a), 0);
		assert_int_equal(open_file(f, O_RDONLY, &fh), 0);
		assert_int_equal(release(f, fh), 0);
		/* The flusher writes back times as the guest's root. */
		set.valid = FATTR_MTIME | FATTR_CTIME;
		set.mtime = 12345;
		assert_int_equal(request(FUSE_SETATTR, f, &set, sizeof(set)), 0);
		assert_int_equal(getattr(f, &a), 0);
		assert_int_equal(a.mtime, 12345);
	}
}

/*
 * Valid requests with bytes changed at random, and plain noise: nothing but errors may come of it.
 */
static void test_noise(void **state)
{
	uint32_t seed = 1;
	uint8_t body[512];

	(void)state;
	put_file("f", "x");
	assert_int_equal(mkdir(at("d"), 0777), 0);
	node_of(root(), "f");
	node_of(root(), "d");
	for (unsigned int n = 0; n < 100000; n++) {
		struct fuse_in_header h;
		size_t len;

		for (size_t i = 0; i < sizeof(body); i++) {
			seed = seed * 1664525 + 1013904223;
			body[i] = (uint8_t)(seed >> 24) & (n % 3 ? 0x41 : 0xff);
		}
		len = body[0] * 2u;
		h = (struct fuse_in_header){.len = (uint32_t)(sizeof(h) + len),
					    .opcode = seed >> 8 & 63,
					    .unique = n,
					    .nodeid = node_id_of(&fsd, seed >> 16 & 7),
					    .uid = USER,
					    .gid = USER};
		req_class = seed >> 20 & 1;
		send_raw(&h, body + 1, len < sizeof(body) - 1 ? len : 0);
	}
	req_class = BROKER_CLASS_ROOT;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FSD_TEST(test_bug12_names),    FSD_TEST(test_framing),
		FSD_TEST(test_packets),
		FSD_TEST(test_opcodes),        FSD_TEST(test_nodes),
		FSD_TEST(test_handles),        FSD_TEST(test_bug11_special_files),
		FSD_TEST(test_symlink_escape), FSD_TEST(test_kernel_file_systems),
		FSD_TEST(test_devtmpfs),       FSD_TEST(test_low_ids),
		FSD_TEST(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
