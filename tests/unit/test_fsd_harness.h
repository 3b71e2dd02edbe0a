/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of fsd/: a broker in this process, on a temporary directory. Requests go through
 * request_serve() as they would come from the socket.
 */
#ifndef NACRE_TEST_FSD_HARNESS_H
#define NACRE_TEST_FSD_HARNESS_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "fsd/request.h"
#include "plan.h"

#define CONTAINER 3u
#define USER      (PLAN_ID_BASE + 1000u)

static struct fsd fsd;
static char dir[64];   /* the exported root */
static char other[64]; /* a volume */
static enum broker_class req_class;
static uint16_t req_flags; /* of broker.h */
static uint32_t req_uid, req_gid;
static uint64_t req_unique;
static int donated; /* descriptor of the last reply, -1 */

static uint64_t top(void)
{
	return broker_root_node(CONTAINER);
}

/* The body of the last reply. */
static const void *reply_body(void)
{
	return fsd.out + sizeof(struct broker_header) + sizeof(struct fuse_out_header);
}

static size_t reply_len;

/* Sends a header and `len` bytes; the reply's error, or 1 when there is no reply. */
static int send_raw(const struct fuse_in_header *h, const void *body, size_t len)
{
	struct broker_header bh = {.tag = 7, .class = (uint16_t)req_class, .flags = req_flags};
	const struct fuse_out_header *out = (const void *)(fsd.out + sizeof(struct broker_header));
	size_t n;

	memcpy(fsd.in, &bh, sizeof(bh));
	memcpy(fsd.in + sizeof(bh), h, sizeof(*h));
	if (len)
		memcpy(fsd.in + sizeof(bh) + sizeof(*h), body, len);
	n = request_serve(&fsd, sizeof(bh) + sizeof(*h) + len, &donated);
	if (n == 0)
		return 1;
	assert_memory_equal(fsd.out, &bh, sizeof(bh));
	assert_int_equal(out->len, n - sizeof(bh));
	assert_true(out->unique == h->unique);
	assert_true(out->error <= 0 && out->error > -4096);
	reply_len = out->len - sizeof(*out);
	if (out->error) {
		assert_int_equal(reply_len, 0);
		assert_int_equal(donated, -1);
	}
	return out->error;
}

static int request(uint32_t op, uint64_t node, const void *body, size_t len)
{
	struct fuse_in_header h = {.len = (uint32_t)(sizeof(h) + len),
				   .opcode = op,
				   .unique = ++req_unique,
				   .nodeid = node,
				   .uid = req_uid,
				   .gid = req_gid};

	return send_raw(&h, body, len);
}

/* A request whose body is a structure and up to two strings with their NULs. */
static inline int request_names(uint32_t op, uint64_t node, const void *fixed, size_t len,
				const char *a, const char *b)
{
	uint8_t body[16384];

	memcpy(body, fixed, len);
	memcpy(body + len, a, strlen(a) + 1);
	len += strlen(a) + 1;
	if (b) {
		memcpy(body + len, b, strlen(b) + 1);
		len += strlen(b) + 1;
	}
	return request(op, node, body, len);
}

static int lookup(uint64_t parent, const char *name, struct fuse_entry_out *e)
{
	int err = request(FUSE_LOOKUP, parent, name, strlen(name) + 1);

	if (!err) {
		assert_int_equal(reply_len, sizeof(*e));
		memcpy(e, reply_body(), sizeof(*e));
	}
	return err;
}

/* Node id of an entry that must be there. */
static inline uint64_t node_of(uint64_t parent, const char *name)
{
	struct fuse_entry_out e;

	assert_int_equal(lookup(parent, name, &e), 0);
	return e.nodeid;
}

static inline void forget(uint64_t node, uint64_t n)
{
	struct fuse_forget_in in = {.nlookup = n};

	assert_int_equal(request(FUSE_FORGET, node, &in, sizeof(in)), 1);
}

/* The guest's root directory: `root` of the broker's root. */
static inline uint64_t root(void)
{
	struct fuse_entry_out e;

	assert_int_equal(lookup(top(), "root", &e), 0);
	return e.nodeid;
}

static inline int getattr(uint64_t node, struct fuse_attr *a)
{
	struct fuse_getattr_in in = {0};
	struct fuse_attr_out out;
	int err = request(FUSE_GETATTR, node, &in, sizeof(in));

	if (!err) {
		assert_int_equal(reply_len, sizeof(out));
		memcpy(&out, reply_body(), sizeof(out));
		*a = out.attr;
	}
	return err;
}

static inline int open_file(uint64_t node, uint32_t flags, uint64_t *fh)
{
	struct fuse_open_in in = {.flags = flags};
	struct fuse_open_out out;
	int err = request(FUSE_OPEN, node, &in, sizeof(in));

	if (!err) {
		assert_int_equal(reply_len, sizeof(out));
		memcpy(&out, reply_body(), sizeof(out));
		*fh = out.fh;
	}
	return err;
}

static inline int release(uint64_t node, uint64_t fh)
{
	struct fuse_release_in in = {.fh = fh};

	return request(FUSE_RELEASE, node, &in, sizeof(in));
}

/* Path of a name in the exported root. */
static inline const char *at(const char *name)
{
	static char path[4][512];
	static unsigned int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static inline void put_file(const char *name, const char *text)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0666);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static inline void reset_session(enum broker_class class)
{
	struct broker_header bh = {.tag = BROKER_TAG_RESET, .class = class};

	memcpy(fsd.in, &bh, sizeof(bh));
	assert_int_equal(request_serve(&fsd, sizeof(bh), &donated), 0);
}

static void make_dir(char *path, const char *template)
{
	strcpy(path, template);
	assert_non_null(mkdtemp(path));
	assert_int_equal(chmod(path, 0777), 0);
}

/* A broker for `dir`, and `other` as volume 0, with bounds of its own. */
static void start_bounded(uint32_t max_nodes, uint32_t max_fds, bool read_only)
{
	int proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);

	make_dir(dir, "/tmp/nacre-test-fsd-XXXXXX");
	make_dir(other, "/tmp/nacre-test-vol-XXXXXX");
	memset(&fsd, 0, sizeof(fsd));
	assert_int_equal(fchdir(proc_fd), 0);
	assert_int_equal(fsd_init(&fsd, CONTAINER, proc_fd, max_nodes, max_fds), 0);
	assert_int_equal(export_add(&fsd.exports, open(dir, O_PATH | O_CLOEXEC), read_only), 0);
	assert_int_equal(export_add(&fsd.exports, open(other, O_PATH | O_CLOEXEC), false), 1);
	assert_int_equal(node_add_export(&fsd.nodes, 0), 0);
	assert_int_equal(node_add_export(&fsd.nodes, 1), 0);
	req_class = BROKER_CLASS_ROOT;
	req_flags = 0;
	req_uid = USER;
	req_gid = USER + 1;
}

static inline int start(void **state)
{
	(void)state;
	umask(0);
	start_bounded(100000, 1000, false);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int stop(void **state)
{
	(void)state;
	reset_session(BROKER_CLASS_ROOT);
	reset_session(BROKER_CLASS_VOLUME);
	/* What a session held is given back wholly. */
	assert_int_equal(fsd.nodes.n_nodes, 2 + fsd.exports.n_exports);
	assert_int_equal(fsd.nodes.name_bytes, 0);
	assert_int_equal(fsd.nodes.fds.n_listed + fsd.nodes.fds.n_pinned, 0);
	assert_int_equal(fsd.nodes.fds.n_handles, 0);
	for (uint32_t i = 0; i < fsd.exports.n_exports; i++)
		close(fsd.exports.export[i].fd);
	close(fsd.proc_fd);
	munmap(fsd.nodes.node, fsd.nodes.max * sizeof(struct node));
	munmap(fsd.nodes.bucket, (fsd.nodes.max + 64) * sizeof(uint32_t));
	assert_int_equal(chdir("/"), 0);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	nftw(other, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

#define FSD_TEST(fn) cmocka_unit_test_setup_teardown(fn, start, stop)

#endif
