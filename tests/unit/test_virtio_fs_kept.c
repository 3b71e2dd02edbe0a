/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-fs: files that stay open after RELEASE, and those that a LOOKUP brings along. */
/* SOURCES: vmm/virtio_fs_send.c */
/* SOURCES: vmm/virtio_fs.c vmm/virtio_fs_session.c vmm/virtio_fs_broker.c vmm/virtio_fs_files.c vmm/virtio_fs_kept.c */
/* SOURCES: vmm/virtio_fs_io.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c vmm/log.c */
#include <sys/resource.h>

#include "test_virtio_fs_harness.h"

#define PARENT  broker_root_node(0)
#define NODE(n) (broker_root_node(0) + (n))

static const struct fuse_open_out *opened = (const void *)answer.body;

/* A request of class ROOT; the error of its answer, or 1 when nacre-fsd was asked (the packet is in `got`). */
static int ask_device(uint32_t op, uint64_t node, const void *body, size_t len)
{
	struct req r = make(op, node, body, len);
	uint32_t head, used;

	offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	pthread_mutex_lock(&dev[ROOT].lock);
	bool answered = fake_used(&drv[ROOT][FS_QUEUE_REQUEST], &head, &used);
	pthread_mutex_unlock(&dev[ROOT].lock);
	return answered ? read_answer(ROOT, head, (int)used) : 1;
}

/* The answer to what nacre-fsd has just answered. */
static int take_answer(void)
{
	uint32_t head;
	int len = await_used(ROOT, FS_QUEUE_REQUEST, &head);

	assert_true(len > 0);
	return read_answer(ROOT, head, len);
}

/* What nacre-fsd says of a file that it found, and one that it opened. */
struct found {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
};

static struct found found(uint64_t node, uint64_t fh)
{
	return (struct found){.entry = {.nodeid = node, .attr.mode = S_IFREG | 0644},
			      .open = {.fh = fh,
				       .open_flags = FOPEN_KEEP_CACHE,
				       .padding = BROKER_MAY_KEEP}};
}

/* LOOKUP of a file that nacre-fsd opens ahead as fh. */
static void look_up_ahead(uint64_t node, uint64_t fh)
{
	const struct found f = found(node, fh);
	int fd = temporary(O_RDONLY);

	assert_int_equal(ask_device(FUSE_LOOKUP, PARENT, "name", 5), 1);
	do {
		assert_true(fsd_receive(0) > 0);
	} while (got.hdr.opcode != FUSE_LOOKUP);
	assert_int_equal(got.broker.flags, BROKER_OPEN_AHEAD);
	fsd_send(0, got.broker.tag, got.hdr.unique, 0, &f, sizeof(f), &fd, 1);
	close(fd);
	assert_int_equal(take_answer(), 0);
	/* The guest sees an entry, and nothing else. */
	assert_int_equal(answer.hdr.len, sizeof(answer.hdr) + sizeof(struct fuse_entry_out));
}

static int open_node(uint64_t node, uint32_t flags)
{
	const struct fuse_open_in in = {.flags = flags};

	return ask_device(FUSE_OPEN, node, &in, sizeof(in));
}

static int release(uint64_t node, uint64_t fh)
{
	const struct fuse_release_in in = {.fh = fh};

	return ask_device(FUSE_RELEASE, node, &in, sizeof(in));
}

static int read_file(uint64_t node, uint64_t fh)
{
	const struct fuse_read_in in = {.fh = fh, .size = 16};
	struct req r = make(FUSE_READ, node, &in, sizeof(in));

	return ask(ROOT, &r, 0x400);
}

static void forget(uint64_t node)
{
	const struct fuse_forget_in in = {.nlookup = 1};
	struct req r = make(FUSE_FORGET, node, &in, sizeof(in));

	next_head[ROOT][FS_QUEUE_HIPRIO] = 100; /* the queues share the memory of their requests */
	offer(ROOT, FS_QUEUE_HIPRIO, &r, r.hdr.len, 0);
	driver_notify(&dev[ROOT], FS_QUEUE_HIPRIO);
	pump();
}

/* nacre-fsd hears that fh of node is closed, and nobody waits for it. */
static void expect_release(uint64_t node, uint64_t fh)
{
	const struct fuse_release_in *in = (const void *)got.body;

	assert_true(fsd_receive(0) > 0);
	assert_int_equal(got.hdr.opcode, FUSE_RELEASE);
	assert_int_equal(got.broker.tag, BROKER_TAG_QUIET);
	assert_int_equal(got.broker.flags, 0);
	assert_true(got.hdr.nodeid == node && in->fh == fh);
}

static void expect_nothing(void)
{
	assert_int_equal(fsd_receive(0), -1);
}

/* OPEN by way of nacre-fsd, as handle fh that may be kept or not. */
static void open_by_fsd(uint64_t node, uint32_t flags, uint64_t fh, uint32_t padding)
{
	const struct fuse_open_out out = {.fh = fh, .padding = padding};
	int fd = temporary((int)(flags & O_ACCMODE));

	assert_int_equal(open_node(node, flags), 1);
	assert_true(fsd_receive(0) > 0);
	assert_int_equal(got.hdr.opcode, FUSE_OPEN);
	fsd_send(0, got.broker.tag, got.hdr.unique, 0, &out, sizeof(out), &fd, 1);
	close(fd);
	assert_int_equal(take_answer(), 0);
	assert_int_equal(opened->padding, 0);
}

static void test_ahead(void **state)
{
	(void)state;
	look_up_ahead(NODE(7), 3);
	/* Nothing that the guest has opened yet. */
	assert_int_equal(read_file(NODE(7), 3), -EBADF);
	assert_int_equal(open_node(NODE(7), O_RDONLY | O_NOFOLLOW), 0);
	assert_int_equal(opened->fh, 3);
	assert_int_equal(opened->open_flags, FOPEN_KEEP_CACHE);
	assert_int_equal(opened->padding, 0);
	assert_int_equal(read_file(NODE(7), 3), 0);
	/* One file is one handle. */
	assert_int_equal(open_node(NODE(7), O_RDONLY), 1);
	assert_true(fsd_receive(0) > 0);
	assert_int_equal(got.hdr.opcode, FUSE_OPEN);
	fsd_reply(0, -EMFILE, NULL, 0);
	assert_int_equal(take_answer(), -EMFILE);
	expect_nothing();
}

static void test_kept_after_release(void **state)
{
	(void)state;
	open_by_fsd(NODE(7), O_RDONLY, 2, BROKER_MAY_KEEP);
	assert_int_equal(release(NODE(8), 2), 0); /* not its node: no keeping */
	expect_release(NODE(8), 2);
	open_by_fsd(NODE(7), O_RDONLY, 2, BROKER_MAY_KEEP);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(release(NODE(7), 2), 0);
		expect_nothing();
		assert_int_equal(read_file(NODE(7), 2), -EBADF);
		assert_int_equal(open_node(NODE(7), O_RDONLY), 0);
		assert_int_equal(opened->fh, 2);
		assert_int_equal(read_file(NODE(7), 2), 0);
	}
	/* A second handle of the node is not kept beside the first. */
	open_by_fsd(NODE(7), O_RDONLY, 4, BROKER_MAY_KEEP);
	assert_int_equal(release(NODE(7), 2), 0);
	expect_nothing();
	assert_int_equal(release(NODE(7), 4), 0);
	expect_release(NODE(7), 4);
}

/* Only for reading, only what nacre-fsd allows, only by an OPEN that asks for nothing more. */
static void test_not_kept(void **state)
{
	static const uint32_t others[] = {O_WRONLY, O_RDWR,   O_TRUNC, O_RDONLY | O_SYNC,
					  O_DSYNC,  O_NOATIME, 3};

	(void)state;
	open_by_fsd(NODE(7), O_RDONLY, 2, 0);
	assert_int_equal(release(NODE(7), 2), 0);
	expect_release(NODE(7), 2);
	open_by_fsd(NODE(7), O_RDWR, 2, BROKER_MAY_KEEP);
	assert_int_equal(release(NODE(7), 2), 0);
	expect_release(NODE(7), 2);
	open_by_fsd(NODE(7), O_RDONLY, 2, BROKER_MAY_KEEP);
	assert_int_equal(release(NODE(7), 2), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(open_node(NODE(7), others[i]), 1);
		assert_true(fsd_receive(0) > 0);
		fsd_reply(0, -EPERM, NULL, 0);
		assert_int_equal(take_answer(), -EPERM);
	}
	/* The same node number by way of the other device is no node of its class. */
	struct fuse_open_in in = {0};
	struct req r = make(FUSE_OPEN, NODE(7), &in, sizeof(in));
	offer(VOLUME, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	driver_notify(&dev[VOLUME], FS_QUEUE_REQUEST);
	pump();
	assert_true(fsd_receive(0) > 0);
	assert_int_equal(got.broker.class, BROKER_CLASS_VOLUME);
}

/* Who opens a node for writing ends what is kept of it. */
static void test_writer(void **state)
{
	(void)state;
	look_up_ahead(NODE(7), 3);
	open_by_fsd(NODE(7), O_RDWR, 5, 0);
	expect_release(NODE(7), 3);
	expect_nothing();
	assert_int_equal(open_node(NODE(7), O_RDONLY), 1);
}

static void test_forget(void **state)
{
	(void)state;
	look_up_ahead(NODE(7), 3);
	forget(NODE(8));
	assert_true(fsd_receive(0) > 0);
	assert_int_equal(got.hdr.opcode, FUSE_FORGET);
	forget(NODE(7));
	/* Closed before the node may become another one. */
	expect_release(NODE(7), 3);
	assert_true(fsd_receive(0) > 0);
	assert_int_equal(got.hdr.opcode, FUSE_FORGET);
	look_up_ahead(NODE(7), 4);
	assert_int_equal(open_node(NODE(7), O_RDONLY), 0);
	assert_int_equal(opened->fh, 4);
}

/* Two nodes with the same place: the later one has it. */
static void test_place(void **state)
{
	(void)state;
	look_up_ahead(NODE(7), 3);
	look_up_ahead(NODE(7 + FS_KEPT_MAX), 4);
	expect_release(NODE(7), 3);
	assert_int_equal(open_node(NODE(7 + FS_KEPT_MAX), O_RDONLY), 0);
	assert_int_equal(opened->fh, 4);
	assert_int_equal(open_node(NODE(7), O_RDONLY), 1);
}

/* Who releases a file finds the place taken three times, and takes it the fourth time. */
static void test_place_of_released(void **state)
{
	(void)state;
	fs.kept_taken = 0;
	open_by_fsd(NODE(7), O_RDONLY, 2, BROKER_MAY_KEEP);
	assert_int_equal(release(NODE(7), 2), 0);
	for (int i = 0; i < 3; i++) {
		open_by_fsd(NODE(7 + FS_KEPT_MAX), O_RDONLY, 4, BROKER_MAY_KEEP);
		assert_int_equal(release(NODE(7 + FS_KEPT_MAX), 4), 0);
		expect_release(NODE(7 + FS_KEPT_MAX), 4);
		/* The other is as good as before, and finds its own place free. */
		assert_int_equal(open_node(NODE(7), O_RDONLY), 0);
		assert_int_equal(opened->fh, 2);
		assert_int_equal(release(NODE(7), 2), 0);
		expect_nothing();
	}
	open_by_fsd(NODE(7 + FS_KEPT_MAX), O_RDONLY, 4, BROKER_MAY_KEEP);
	assert_int_equal(release(NODE(7 + FS_KEPT_MAX), 4), 0);
	expect_release(NODE(7), 2);
	expect_nothing();
	assert_int_equal(open_node(NODE(7 + FS_KEPT_MAX), O_RDONLY), 0);
	assert_int_equal(opened->fh, 4);
}

static void test_session_ends(void **state)
{
	(void)state;
	look_up_ahead(NODE(7), 3);
	look_up_ahead(NODE(8), 4);
	assert_int_equal(ask_device(FUSE_DESTROY, 0, NULL, 0), 0);
	assert_int_equal(fsd_receive(0), sizeof(struct broker_header));
	assert_int_equal(got.broker.tag, BROKER_TAG_RESET);
	expect_nothing();
	assert_int_equal(session_init(ROOT), 0);
	while (fsd_receive(0) > 0 || fsd_receive(1) > 0)
		;
	assert_int_equal(open_node(NODE(7), O_RDONLY), 1);
}

/* A socket that is full: the RELEASEs come when there is room, none is lost, none survives the session. */
static void test_full_socket(void **state)
{
	const int small = 1;
	unsigned int n = 0, released = 0;

	(void)state;
	for (uint64_t i = 0; i < 40; i++)
		look_up_ahead(NODE(16 + i), i);
	assert_int_equal(setsockopt(fs.broker[0].src.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	for (uint64_t i = 0; i < 40; i++)
		fs_kept_drop(NODE(16 + i));
	assert_true(fs.broker[0].retired);
	for (; n < 1000 && released < 40; n++) {
		while (fsd_receive(0) > 0)
			released += got.hdr.opcode == FUSE_RELEASE;
		pump();
	}
	assert_int_equal(released, 40);
	assert_int_equal(fs.broker[0].retired, 0);
}

/* As many as are not opened as there is credit; then one in 32 tries. */
static void test_credit(void **state)
{
	const struct fuse_entry_out entry = {.nodeid = NODE(7), .attr.mode = S_IFREG};
	unsigned int asked = 0;

	(void)state;
	fs.ahead_credit = 10;
	fs.ahead_probe = 0;
	for (uint64_t i = 0; i < 10; i++)
		look_up_ahead(NODE(7 + i), i);
	for (uint64_t i = 0; i < 64; i++) {
		assert_int_equal(ask_device(FUSE_LOOKUP, PARENT, "name", 5), 1);
		assert_true(fsd_receive(0) > 0);
		asked += got.broker.flags == BROKER_OPEN_AHEAD;
		fsd_reply(0, 0, &entry, sizeof(entry));
		assert_int_equal(take_answer(), 0);
	}
	assert_int_equal(asked, 2);
	assert_int_equal(open_node(NODE(8), O_RDONLY), 0);
	assert_int_equal(fs.ahead_credit, 2);
	/* What was kept after a RELEASE proves nothing of LOOKUPs. */
	assert_int_equal(release(NODE(8), 1), 0);
	assert_int_equal(open_node(NODE(8), O_RDONLY), 0);
	assert_int_equal(fs.ahead_credit, 2);
}

/* A nacre-fsd that lies: no descriptor, two, of another kind, unasked for, of another container. */
static void test_lies(void **state)
{
	struct found f = found(NODE(7), 3);
	int fd[2] = {temporary(O_RDONLY), temporary(O_RDONLY)}, dir = open("/", O_PATH | O_CLOEXEC);

	(void)state;
	fs.ahead_credit = 100;
	for (int i = 0; i < 6; i++) {
		const int n_fds[] = {0, 1, 1, 1, 1, 1};
		const size_t len[] = {sizeof(f), sizeof(f), sizeof(f), sizeof(f.entry), sizeof(f) - 1, sizeof(f)};

		f = found(NODE(7), i == 5 ? BROKER_HANDLES : 3);
		if (i == 2)
			f.entry.nodeid = broker_root_node(containers[1]) + 7;
		assert_int_equal(ask_device(FUSE_LOOKUP, PARENT, "name", 5), 1);
		assert_true(fsd_receive(0) > 0);
		fsd_send(0, got.broker.tag, got.hdr.unique, 0, &f, len[i], i == 1 ? &dir : fd, n_fds[i]);
		assert_int_equal(take_answer(), -EIO);
	}
	/* Two descriptors are told apart from one that found no room. */
	assert_int_equal(ask_device(FUSE_LOOKUP, PARENT, "name", 5), 1);
	assert_true(fsd_receive(0) > 0);
	fsd_send(0, got.broker.tag, got.hdr.unique, 0, &f, sizeof(f), fd, 2);
	assert_int_equal(take_answer(), -EIO);
	/* Not asked for. */
	fs.ahead_credit = 0;
	fs.ahead_probe = 0;
	assert_int_equal(ask_device(FUSE_LOOKUP, PARENT, "name", 5), 1);
	assert_true(fsd_receive(0) > 0);
	assert_int_equal(got.broker.flags, 0);
	f = found(NODE(7), 3);
	fsd_send(0, got.broker.tag, got.hdr.unique, 0, &f, sizeof(f), fd, 1);
	assert_int_equal(take_answer(), -EIO);
	assert_int_equal(open_node(NODE(7), O_RDONLY), 1);
	close(fd[0]);
	close(fd[1]);
	close(dir);
}

/* No descriptor is free in the VMM: the name is found all the same, and the handle given back. */
static void test_no_room(void **state)
{
	const struct found f = found(NODE(7), 3);
	int fd = temporary(O_RDONLY);
	struct rlimit old, few;
	int copy[64], n = 0;

	(void)state;
	assert_int_equal(ask_device(FUSE_LOOKUP, PARENT, "name", 5), 1);
	assert_true(fsd_receive(0) > 0);
	fsd_send(0, got.broker.tag, got.hdr.unique, 0, &f, sizeof(f), &fd, 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = (struct rlimit){.rlim_cur = (rlim_t)fd + 1, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	/* Fill every number below. */
	while (n < 64 && (copy[n] = dup(fd)) >= 0)
		n++;
	pump();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	while (n > 0)
		close(copy[--n]);
	assert_int_equal(take_answer(), 0);
	assert_int_equal(answer.hdr.len, sizeof(answer.hdr) + sizeof(f.entry));
	expect_release(NODE(7), 3);
	assert_int_equal(fs.ahead_credit, 0);
	assert_int_equal(open_node(NODE(7), O_RDONLY), 1);
	close(fd);
}

static int setup_kept(void **state)
{
	int r = setup(state);

	/* The tables were made after the workers, which is not the VMM's order. */
	fs_kept_start();
	assert_true(fs.n_kept_places >= 64);
	return r;
}

#define KEPT_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup_kept, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT_TEST(test_ahead),  KEPT_TEST(test_kept_after_release), KEPT_TEST(test_not_kept),
		KEPT_TEST(test_writer), KEPT_TEST(test_forget),             KEPT_TEST(test_place),
		KEPT_TEST(test_credit), KEPT_TEST(test_session_ends),       KEPT_TEST(test_full_socket),
		KEPT_TEST(test_lies),   KEPT_TEST(test_no_room),            KEPT_TEST(test_place_of_released),
	};

	return cmocka_run_group_tests(tests, start_workers, NULL);
}
