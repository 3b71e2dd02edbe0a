/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-fs: sessions, routing, and a hostile guest or nacre-fsd. */
/* SOURCES: vmm/virtio_fs_send.c */
/* SOURCES: vmm/virtio_fs.c vmm/virtio_fs_session.c vmm/virtio_fs_broker.c vmm/virtio_fs_files.c vmm/virtio_fs_kept.c */
/* SOURCES: vmm/virtio_fs_io.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c vmm/log.c */
#include "test_virtio_fs_harness.h"

#define NODE (broker_root_node(0) + 7)

static bool needs_reset(enum broker_class class)
{
	return reg_read(&dev[class], VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static void test_config(void **state)
{
	char tag[40];

	(void)state;
	mmio_read(&dev[ROOT], VIRTIO_MMIO_CONFIG, tag, 40);
	assert_string_equal(tag, "nacre");
	assert_int_equal(tag[36], 1);
	mmio_read(&dev[VOLUME], VIRTIO_MMIO_CONFIG, tag, 40);
	assert_string_equal(tag, "nacre-volumes");
}

static void test_init(void **state)
{
	struct fuse_init_in in = {
		.major = 7, .minor = 36, .max_readahead = 1 << 30, .flags = UINT32_MAX};
	const struct fuse_init_out *out = (const void *)answer.body;

	(void)state;
	assert_int_equal(ask_op(ROOT, FUSE_INIT, 0, &in, sizeof(in)), 0);
	assert_int_equal(answer.hdr.len, sizeof(answer.hdr) + sizeof(*out));
	assert_int_equal(out->major, 7);
	assert_int_equal(out->minor, 36);
	assert_true(out->flags & FUSE_WRITEBACK_CACHE);
	assert_false(out->flags & FUSE_AUTO_INVAL_DATA);
	assert_true(out->flags & FUSE_HANDLE_KILLPRIV_V2);
	assert_true(out->flags & FUSE_DONT_MASK);
	assert_false(out->flags & (FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS | FUSE_EXPORT_SUPPORT));
	assert_int_equal(out->max_write, 4096 * out->max_pages);
	assert_true(out->max_pages + 4u <= VIRTQ_SIZE_MAX);
	assert_true(out->max_readahead <= out->max_write);
	assert_int_equal(ask_op(VOLUME, FUSE_INIT, 0, &in, sizeof(in)), 0);
	assert_false(out->flags & FUSE_WRITEBACK_CACHE);
	assert_true(out->flags & FUSE_AUTO_INVAL_DATA);
	/* What is not offered is not taken. */
	in.flags = FUSE_SETXATTR_EXT;
	assert_int_equal(ask_op(ROOT, FUSE_INIT, 0, &in, sizeof(in)), 0);
	assert_int_equal(out->flags, FUSE_SETXATTR_EXT);
	in.major = 8;
	assert_int_equal(ask_op(ROOT, FUSE_INIT, 0, &in, sizeof(in)), 0);
	assert_int_equal(out->major, 7);
	in.major = 7;
	in.minor = 35;
	assert_int_equal(ask_op(ROOT, FUSE_INIT, 0, &in, sizeof(in)), -EPROTO);
	in.minor = 36;
	in.flags = 0;
	assert_int_equal(ask_op(ROOT, FUSE_INIT, 0, &in, sizeof(in)), -EPROTO);
	assert_int_equal(ask_op(ROOT, FUSE_INIT, 0, &in, 15), -EINVAL);
	assert_int_equal(ask_op(ROOT, FUSE_INIT, 0, NULL, 0), -EINVAL);
}

static void test_destroy(void **state)
{
	(void)state;
	assert_int_equal(ask_op(ROOT, FUSE_DESTROY, 0, NULL, 0), 0);
	assert_int_equal(fsd_receive(0), sizeof(struct broker_header));
	assert_int_equal(got.broker.tag, BROKER_TAG_RESET);
	assert_int_equal(got.broker.class, ROOT);
	assert_int_equal(fsd_receive(1), sizeof(struct broker_header));
	assert_int_equal(ask_op(ROOT, FUSE_GETATTR, NODE, NULL, 0), -ENOTCONN);
	assert_int_equal(ask_op(ROOT, FUSE_STATFS, 1, NULL, 0), -ENOTCONN);
	assert_int_equal(ask_op(VOLUME, FUSE_STATFS, 1, NULL, 0), 0);
	assert_int_equal(session_init(ROOT), 0);
	assert_int_equal(ask_op(ROOT, FUSE_STATFS, 1, NULL, 0), 0);
}

static void test_own_directory(void **state)
{
	struct fuse_read_in in = {.size = 1000};
	const struct fuse_entry_out *e = (const void *)answer.body;

	(void)state;
	assert_int_equal(ask_op(ROOT, FUSE_LOOKUP, 1, "0", 2), 0);
	assert_true(e->nodeid == broker_root_node(0));
	assert_int_equal(ask_op(ROOT, FUSE_LOOKUP, 1, "5", 2), 0);
	assert_true(e->nodeid == broker_root_node(5));
	assert_int_equal(ask_op(ROOT, FUSE_LOOKUP, 1, "1", 2), -ENOENT);
	assert_int_equal(ask_op(ROOT, FUSE_LOOKUP, 1, "05", 3), -ENOENT);
	assert_int_equal(ask_op(ROOT, FUSE_LOOKUP, 1, "-1", 3), -ENOENT);
	assert_int_equal(ask_op(ROOT, FUSE_LOOKUP, 1, "4294967295", 11), -ENOENT);
	assert_int_equal(ask_op(ROOT, FUSE_LOOKUP, 1, "99999999999999999999999", 24), -ENOENT);
	assert_int_equal(ask_op(ROOT, FUSE_LOOKUP, 1, "0", 1), -EINVAL);
	assert_int_equal(ask_op(ROOT, FUSE_LOOKUP, 1, NULL, 0), -EINVAL);
	assert_int_equal(ask_op(ROOT, FUSE_GETATTR, 1, NULL, 0), 0);
	assert_int_equal(ask_op(ROOT, FUSE_READDIR, 1, &in, sizeof(in)), 0);
	assert_int_equal(answer.hdr.len, sizeof(answer.hdr) + 4 * 32);
	assert_int_equal(ask_op(ROOT, FUSE_READDIRPLUS, 1, &in, sizeof(in)), 0);
	assert_int_equal(answer.hdr.len, sizeof(answer.hdr) + 4 * 160);
	/* From each cookie on, and with no room. */
	in.offset = 3;
	assert_int_equal(ask_op(ROOT, FUSE_READDIR, 1, &in, sizeof(in)), 0);
	assert_int_equal(answer.hdr.len, sizeof(answer.hdr) + 32);
	in.offset = 8;
	assert_int_equal(ask_op(ROOT, FUSE_READDIR, 1, &in, sizeof(in)), 0);
	assert_int_equal(answer.hdr.len, sizeof(answer.hdr));
	in.offset = UINT64_MAX;
	assert_int_equal(ask_op(ROOT, FUSE_READDIR, 1, &in, sizeof(in)), 0);
	in = (struct fuse_read_in){.size = 31};
	assert_int_equal(ask_op(ROOT, FUSE_READDIR, 1, &in, sizeof(in)), 0);
	assert_int_equal(answer.hdr.len, sizeof(answer.hdr));
	assert_int_equal(ask_op(ROOT, FUSE_READDIR, 1, &in, sizeof(in) - 1), -EINVAL);
	assert_int_equal(ask_op(ROOT, FUSE_MKDIR, 1, "12345678x", 10), -EROFS);
	assert_int_equal(ask_op(ROOT, FUSE_UNLINK, 1, "0", 2), -EROFS);
	assert_int_equal(ask_op(ROOT, FUSE_OPEN, 1, "12345678", 8), -ENOSYS);
	assert_int_equal(fsd_receive(0), -1);
}

static void test_forward(void **state)
{
	struct fuse_getattr_in in = {.fh = 0x1122334455667788};
	struct req r = make(FUSE_GETATTR, NODE, &in, sizeof(in));
	struct fuse_attr_out out = {.attr_valid = 77};
	uint32_t head;
	int len;

	(void)state;
	offer(VOLUME, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	driver_notify(&dev[VOLUME], FS_QUEUE_REQUEST);
	pump();
	assert_int_equal(fsd_receive(0), sizeof(got.broker) + r.hdr.len);
	assert_int_equal(got.broker.class, VOLUME);
	assert_memory_equal(&got.hdr, &r, r.hdr.len);
	fsd_reply(0, 0, &out, sizeof(out));
	len = await_used(VOLUME, FS_QUEUE_REQUEST, &head);
	assert_int_equal(len, sizeof(answer.hdr) + sizeof(out));
	assert_int_equal(read_answer(VOLUME, head, len), 0);
	assert_memory_equal(answer.body, &out, sizeof(out));
	/* To the other container, and an error. */
	r = make(FUSE_GETATTR, broker_root_node(5), &in, sizeof(in));
	offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	assert_int_equal(fsd_receive(0), -1);
	assert_true(fsd_receive(1) > 0);
	fsd_reply(1, -ESTALE, NULL, 0);
	len = await_used(ROOT, FS_QUEUE_REQUEST, &head);
	assert_int_equal(read_answer(ROOT, head, len), -ESTALE);
	/* A reply larger than the chain's room, a strange error, an error with a body. */
	for (int i = 0; i < 3; i++) {
		r = make(FUSE_GETATTR, NODE, &in, sizeof(in));
		offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, i ? 0x400 : 32);
		driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
		pump();
		assert_true(fsd_receive(0) > 0);
		fsd_reply(0, i == 1 ? 5 : i == 2 ? -5 : 0, &out, i == 1 ? 0 : sizeof(out));
		len = await_used(ROOT, FS_QUEUE_REQUEST, &head);
		assert_int_equal(read_answer(ROOT, head, len), -EIO);
	}
}

static void test_routes(void **state)
{
	uint64_t elsewhere = broker_root_node(5);
	struct fuse_copy_file_range_in cp = {.nodeid_out = elsewhere};

	(void)state;
	assert_int_equal(ask_op(ROOT, FUSE_GETATTR, 0, NULL, 0), -ESTALE);
	assert_int_equal(ask_op(ROOT, FUSE_GETATTR, 2, NULL, 0), -ESTALE);
	assert_int_equal(ask_op(ROOT, FUSE_GETATTR, broker_root_node(1), NULL, 0), -ESTALE);
	assert_int_equal(ask_op(ROOT, FUSE_GETATTR, UINT64_MAX, NULL, 0), -ESTALE);
	assert_int_equal(ask_op(ROOT, FUSE_RENAME, NODE, &elsewhere, 8), -EXDEV);
	assert_int_equal(ask_op(ROOT, FUSE_RENAME2, NODE, &elsewhere, 8), -EXDEV);
	assert_int_equal(ask_op(ROOT, FUSE_LINK, NODE, &elsewhere, 8), -EXDEV);
	assert_int_equal(ask_op(ROOT, FUSE_COPY_FILE_RANGE, NODE, &cp, sizeof(cp)), -EXDEV);
	assert_int_equal(fsd_receive(0), -1);
	assert_int_equal(fsd_receive(1), -1);
}

static void test_forget(void **state)
{
	struct {
		struct fuse_batch_forget_in in;
		struct fuse_forget_one one[2];
	} batch = {.in.count = 2, .one = {{NODE, 1}, {NODE + 1, 2}}};
	struct fuse_forget_in in = {.nlookup = 3};
	struct req r = make(FUSE_FORGET, NODE, &in, sizeof(in));
	uint32_t head;

	(void)state;
	offer(ROOT, FS_QUEUE_HIPRIO, &r, r.hdr.len, 0);
	driver_notify(&dev[ROOT], FS_QUEUE_HIPRIO);
	assert_int_equal(await_used(ROOT, FS_QUEUE_HIPRIO, &head), 0);
	assert_int_equal(fsd_receive(0), sizeof(got.broker) + r.hdr.len);
	assert_int_equal(got.hdr.opcode, FUSE_FORGET);
	r = make(FUSE_BATCH_FORGET, 0, &batch, sizeof(batch));
	offer(ROOT, FS_QUEUE_HIPRIO, &r, r.hdr.len, 0);
	batch.one[1].nodeid = broker_root_node(5);
	r = make(FUSE_BATCH_FORGET, 0, &batch, sizeof(batch));
	offer(ROOT, FS_QUEUE_HIPRIO, &r, r.hdr.len, 0);
	batch.in.count = UINT32_MAX;
	r = make(FUSE_BATCH_FORGET, 0, &batch, sizeof(batch));
	offer(ROOT, FS_QUEUE_HIPRIO, &r, r.hdr.len, 0);
	r = make(FUSE_FORGET, FUSE_ROOT_ID, &in, sizeof(in));
	offer(ROOT, FS_QUEUE_HIPRIO, &r, r.hdr.len, 0);
	r = make(FUSE_INTERRUPT, 0, &in, sizeof(in));
	offer(ROOT, FS_QUEUE_HIPRIO, &r, r.hdr.len, 0);
	driver_notify(&dev[ROOT], FS_QUEUE_HIPRIO);
	for (int i = 0; i < 5; i++)
		assert_int_equal(await_used(ROOT, FS_QUEUE_HIPRIO, &head), 0);
	assert_int_equal(fsd_receive(0), sizeof(got.broker) + sizeof(got.hdr) + sizeof(batch));
	assert_int_equal(fsd_receive(0), -1);
	assert_int_equal(fsd_receive(1), -1);
}

static void test_framing(void **state)
{
	struct req r = make(FUSE_GETATTR, NODE, "0123456789abcdef", 16);

	(void)state;
	r.hdr.len--;
	offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len + 1, 0x400);
	r.hdr.len += 2;
	offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len - 1, 0x400);
	r.hdr.len = 0;
	offer(ROOT, FS_QUEUE_REQUEST, &r, sizeof(r.hdr), 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	for (int i = 0; i < 3; i++) {
		uint32_t head;
		int len = await_used(ROOT, FS_QUEUE_REQUEST, &head);

		assert_int_equal(read_answer(ROOT, head, len), -EINVAL);
	}
	assert_false(needs_reset(ROOT));
	/* Too short for a header. */
	offer(ROOT, FS_QUEUE_REQUEST, &r, sizeof(r.hdr) - 1, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	assert_true(needs_reset(ROOT));
	/* No room for an answer. */
	offer(VOLUME, FS_QUEUE_REQUEST, &r, sizeof(r.hdr), sizeof(struct fuse_out_header) - 1);
	driver_notify(&dev[VOLUME], FS_QUEUE_REQUEST);
	pump();
	assert_true(needs_reset(VOLUME));
	assert_int_equal(fsd_receive(0), -1);
}

/* A request of many descriptors, longer than the broker's packets. */
static void test_long_request(void **state)
{
	struct req r = make(FUSE_SETXATTR, NODE, NULL, 0);
	struct fake_driver *d = &drv[ROOT][FS_QUEUE_REQUEST];
	uint32_t head, total = 40 + 20 * 0x1000;

	(void)state;
	r.hdr.len = total;
	fake_put(&mem, DATA, &r.hdr, sizeof(r.hdr));
	fake_desc(d, 0, DATA, sizeof(r.hdr), FAKE_NEXT, 1);
	for (uint16_t i = 1; i <= 20; i++)
		fake_desc(d, i, DATA + 0x1000, 0x1000, FAKE_NEXT, (uint16_t)(i + 1));
	fake_desc(d, 21, DATA + 0x400, 0x400, FAKE_WRITE, 0);
	fake_offer(d, 0);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	assert_true(await_used(ROOT, FS_QUEUE_REQUEST, &head) > 0);
	gmem_read(&mem, GPA(DATA + 0x400), &answer, sizeof(answer.hdr));
	assert_int_equal(answer.hdr.error, -E2BIG);
	assert_int_equal(fsd_receive(0), -1);
}

static void offer_getattrs(enum broker_class class, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct req r = make(FUSE_GETATTR, NODE, "0123456789abcdef", 16);

		offer(class, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	}
	driver_notify(&dev[class], FS_QUEUE_REQUEST);
}

/* More requests than tags: both devices full, and more behind them. */
static void test_all_tags(void **state)
{
	unsigned int n_sent = 0, n_answered = 0;
	uint32_t head;

	(void)state;
	for (int round = 0; round < 3; round++) {
		offer_getattrs(ROOT, 128);
		offer_getattrs(VOLUME, 128);
		n_answered = 0;
		n_sent = 0;
		while (n_answered < 256) {
			pump();
			while (fsd_receive(0) > 0) {
				n_sent++;
				fsd_reply(0, 0, NULL, 0);
				if (n_sent % 7 == 0)
					break;
			}
			for (uint32_t c = 0; c < BROKER_CLASS_COUNT; c++) {
				while (fs.device[c].dev &&
				       (pump(), fake_used(&drv[c][1], &head, &(uint32_t){0})))
					n_answered++;
			}
		}
		assert_int_equal(n_sent, 256);
	}
}

static void test_tag_bound(void **state)
{
	unsigned int n = 0;
	uint32_t head;

	(void)state;
	/* One tag less than there are requests. */
	fs.tags_used[3] |= UINT64_C(1) << 63;
	offer_getattrs(ROOT, 128);
	offer_getattrs(VOLUME, 128);
	pump();
	while (fsd_receive(0) > 0)
		n++;
	assert_int_equal(n, 255);
	/* The last one was put back, and comes when a tag is free. */
	fsd_reply(0, 0, NULL, 0);
	pump();
	assert_true(fsd_receive(0) > 0);
	fs.tags_used[3] &= ~(UINT64_C(1) << 63);
	assert_true(await_used(VOLUME, FS_QUEUE_REQUEST, &head) > 0);
}

static void test_full_socket(void **state)
{
	uint8_t body[800] = {0};
	int size = 4096; /* a few packets */
	unsigned int n = 0;
	uint32_t head;

	(void)state;
	assert_int_equal(
		setsockopt(fs.broker[0].src.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	for (unsigned int i = 0; i < 100; i++) {
		struct req r = make(FUSE_GETATTR, NODE, body, sizeof(body));

		offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x100);
	}
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	assert_true(fs.device[ROOT].stalled[FS_QUEUE_REQUEST]);
	/* The other container is served meanwhile, by the other device. */
	struct req r = make(FUSE_GETATTR, broker_root_node(5), body, sizeof(body));

	offer(VOLUME, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x100);
	driver_notify(&dev[VOLUME], FS_QUEUE_REQUEST);
	pump();
	assert_true(fsd_receive(1) > 0);
	fsd_reply(1, 0, NULL, 0);
	while (n < 100) {
		if (fsd_receive(0) > 0) {
			fsd_reply(0, 0, NULL, 0);
			n++;
		}
		pump();
	}
	for (n = 0; n < 100; n++)
		assert_int_equal(await_used(ROOT, FS_QUEUE_REQUEST, &head), 16);
}

/* One FORGET of a node, on its own queue. */
static void offer_forget(void)
{
	struct fuse_forget_in in = {.nlookup = 1};
	struct req r = make(FUSE_FORGET, NODE, &in, sizeof(in));

	offer(ROOT, FS_QUEUE_HIPRIO, &r, r.hdr.len, 0);
	driver_notify(&dev[ROOT], FS_QUEUE_HIPRIO);
}

/* Fills a socket with FORGETs, to which there is no answer, until a GETATTR waits for room. */
static void stall_behind_forgets(void)
{
	uint32_t head, len;
	int size = 4608;

	setsockopt(fs.broker[0].src.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	while (!fs.device[ROOT].stalled[FS_QUEUE_HIPRIO]) {
		offer_forget();
		pump();
		fake_used(&drv[ROOT][FS_QUEUE_HIPRIO], &head, &len);
	}
	/* Room for one packet more: the FORGET that waited goes, and the socket is as full as before. */
	assert_true(fsd_receive(0) > 0);
	inbox[0].at = inbox[0].len;
	offer_forget();
	pump();
	offer_getattrs(ROOT, 1);
	pump();
	assert_true(fs.device[ROOT].stalled[FS_QUEUE_REQUEST]);
}

/* A queue that waits for room in the socket goes on when there is, whatever else was kicked meanwhile. */
static void test_stalled_behind_forgets(void **state)
{
	bool asked = false;
	uint32_t head;

	(void)state;
	stall_behind_forgets();
	/* This one is kept for when the loop has nothing to do; then there is room. */
	offer_forget();
	pump_once(0);
	while (fsd_receive(0) > 0)
		assert_int_equal(got.hdr.opcode, FUSE_FORGET);
	for (int i = 0; i < 1000 && !asked; i++) {
		if (fsd_receive(0) > 0)
			asked = got.hdr.opcode == FUSE_GETATTR;
		else
			pump();
	}
	assert_true(asked);
	fsd_reply(0, 0, NULL, 0);
	assert_int_equal(await_used(ROOT, FS_QUEUE_REQUEST, &head), 16);
}

/* Whoever is told again while there is no room waits on, and wakes neither itself nor the other queue. */
static void test_who_waits_wakes_nobody(void **state)
{
	unsigned int n = 0;

	(void)state;
	stall_behind_forgets();
	offer_forget();
	offer_getattrs(ROOT, 1);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	while (n < 100 && pump_once(0))
		n++;
	assert_in_range(n, 1, 20);
	assert_true(fs.device[ROOT].stalled[FS_QUEUE_REQUEST]);
	while (fsd_receive(0) > 0)
		;
}

/* The same, but nacre-fsd dies: what waited has its answer, though nothing was asked. */
static void test_lost_while_stalled(void **state)
{
	uint32_t head;

	(void)state;
	stall_behind_forgets();
	shutdown(fsd_end[0], SHUT_RDWR);
	assert_int_equal(await_used(ROOT, FS_QUEUE_REQUEST, &head), 16);
	assert_int_equal(read_answer(ROOT, head, 16), -ESTALE);
}

/* A nacre-fsd that lies: its connection ends, and what it was asked is answered with an error. */
static void test_bad_replies(void **state)
{
	uint32_t head;

	(void)state;
	for (int how = 0; how < 5; how++) {
		int len;

		offer_getattrs(ROOT, 2);
		pump();
		assert_true(fsd_receive(0) > 0 && fsd_receive(0) > 0);
		if (how == 0)
			fsd_send(0, BROKER_TAGS, got.hdr.unique, 0, NULL, 0, NULL, 0);
		else if (how == 1)
			fsd_send(0, 200, got.hdr.unique, 0, NULL, 0, NULL, 0);
		else if (how == 2)
			fsd_send(0, got.broker.tag, got.hdr.unique + 1, 0, NULL, 0, NULL, 0);
		else if (how == 3)
			fsd_send(1, got.broker.tag, got.hdr.unique, 0, NULL, 0, &fsd_end[0], 1);
		else
			assert_true(send(fsd_end[0], &got, 20, 0) > 0);
		pump();
		assert_int_equal(n_lost, how + 1);
		if (how == 3) { /* the other broker tried to answer for this one */
			fsd_reply(0, 0, NULL, 0);
			pump();
			close(fsd_end[0]);
			pump();
			n_lost--;
		} else {
			close(fsd_end[0]);
		}
		for (int i = 0; i < 2; i++) {
			len = await_used(ROOT, FS_QUEUE_REQUEST, &head);
			assert_true(len > 0);
			if (how != 3)
				assert_int_equal(read_answer(ROOT, head, len), -EIO);
		}
		/* The container's files are gone; a new broker may take its place. */
		assert_int_equal(ask_op(ROOT, FUSE_GETATTR, NODE, NULL, 0), -ESTALE);
		for (int i = 0; i < (how == 3 ? 2 : 1); i++) {
			int pair[2];

			if (i)
				close(fsd_end[1]);
			assert_int_equal(
				socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
			fsd_end[i] = pair[0];
			assert_int_equal(virtio_fs_add_broker(containers[i], pair[1], on_lost), 0);
		}
	}
	n_lost = 0;
}

static void test_late_reply(void **state)
{
	struct fuse_open_in in = {.flags = O_RDONLY};
	struct fuse_open_out out = {.fh = 3};
	struct req r = make(FUSE_OPEN, NODE, &in, sizeof(in));
	int fd = temporary(O_RDONLY);
	uint32_t head, len;

	(void)state;
	offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	assert_true(fsd_receive(0) > 0);
	/* The guest resets the device and starts it again before the answer comes. */
	bring_up(ROOT);
	assert_int_equal(session_init(ROOT), 0);
	fsd_send(0, got.broker.tag, got.hdr.unique, 0, &out, sizeof(out), &fd, 1);
	close(fd);
	pump();
	assert_false(fake_used(&drv[ROOT][FS_QUEUE_REQUEST], &head, &len));
	assert_int_equal(fs.broker[0].n_slots, 0);
	assert_int_equal(fs.tags_used[0], 0);
	assert_int_equal(fsd_receive(0), sizeof(struct broker_header));
	assert_int_equal(got.broker.tag, BROKER_TAG_RESET);
	assert_int_equal(fsd_receive(0), -1);
}

static void test_syncfs(void **state)
{
	struct fuse_syncfs_in in = {0};
	struct req r = make(FUSE_SYNCFS, FUSE_ROOT_ID, &in, sizeof(in));
	uint32_t head;
	int len;

	(void)state;
	offer(ROOT, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	for (int i = 0; i < 2; i++) {
		assert_true(fsd_receive(i) > 0);
		assert_int_equal(got.hdr.opcode, FUSE_SYNCFS);
		assert_true(got.hdr.nodeid == broker_root_node(containers[i]));
		assert_int_equal(got.hdr.uid, 1);
		assert_int_equal(fsd_receive(!i), -1);
		fsd_reply(i, i ? 0 : -ENOSPC, NULL, 0);
		pump();
	}
	len = await_used(ROOT, FS_QUEUE_REQUEST, &head);
	assert_int_equal(read_answer(ROOT, head, len), -ENOSPC);
	assert_int_equal(ask_op(ROOT, FUSE_SYNCFS, FUSE_ROOT_ID, NULL, 0), -EINVAL);
}

/* What nobody waits for goes along with what somebody does, before it and before the session's end. */
static void test_together(void **state)
{
	struct fuse_forget_in in = {.nlookup = 1};
	struct req r = make(FUSE_FORGET, NODE, &in, sizeof(in)), ask = make(FUSE_STATFS, NODE, NULL, 0);
	const int forget_len = sizeof(struct broker_header) + sizeof(r.hdr) + sizeof(in);
	const int ask_len = sizeof(struct broker_header) + sizeof(ask.hdr);
	uint8_t packet[1024];

	(void)state;
	next_head[ROOT][FS_QUEUE_REQUEST] = 64; /* the queues share the memory of their requests */
	/* 11 of them: nine fill a packet. */
	for (int i = 0; i < 11; i++) {
		r.hdr.unique = 100u + (uint32_t)i;
		offer(ROOT, FS_QUEUE_HIPRIO, &r, r.hdr.len, 0);
	}
	driver_notify(&dev[ROOT], FS_QUEUE_HIPRIO);
	offer(ROOT, FS_QUEUE_REQUEST, &ask, ask.hdr.len, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	assert_int_equal(recv(fsd_end[0], packet, sizeof(packet), MSG_PEEK), 9 * forget_len);
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(fsd_receive(0), forget_len);
	assert_true(got.hdr.unique == 108);
	assert_int_equal(recv(fsd_end[0], packet, sizeof(packet), MSG_PEEK), 2 * forget_len + ask_len);
	for (uint32_t i = 9; i < 11; i++) {
		assert_int_equal(fsd_receive(0), forget_len);
		assert_true(got.hdr.unique == 100 + i);
	}
	assert_int_equal(fsd_receive(0), ask_len);
	assert_int_equal(got.hdr.opcode, FUSE_STATFS);
	fsd_reply(0, -EIO, NULL, 0);
	pump();

	/* The session ends in the same breath. */
	offer(ROOT, FS_QUEUE_HIPRIO, &r, r.hdr.len, 0);
	driver_notify(&dev[ROOT], FS_QUEUE_HIPRIO);
	ask = make(FUSE_DESTROY, 0, NULL, 0);
	offer(ROOT, FS_QUEUE_REQUEST, &ask, ask.hdr.len, 0x400);
	driver_notify(&dev[ROOT], FS_QUEUE_REQUEST);
	pump();
	assert_int_equal(fsd_receive(0), forget_len);
	assert_int_equal(fsd_receive(0), sizeof(struct broker_header));
	assert_int_equal(got.broker.tag, BROKER_TAG_RESET);
	assert_int_equal(fsd_receive(0), -1);
}

/* Random requests from a guest, and a nacre-fsd that answers each with an error. */
static void test_noise(void **state)
{
	uint32_t seed = 7, head, len;

	(void)state;
	for (unsigned int n = 0; n < 20000; n++) {
		struct req r;
		uint32_t class = n & 1, body_len;

		for (size_t i = 0; i < sizeof(r); i++) {
			seed = seed * 1664525 + 1013904223;
			((uint8_t *)&r)[i] = (uint8_t)(seed >> 24);
		}
		body_len = seed >> 16 & 127;
		r.hdr.len = (uint32_t)sizeof(r.hdr) + body_len;
		r.hdr.opcode = seed >> 8 & 63;
		r.hdr.nodeid = seed & 1 ? NODE : 1 + (seed >> 3 & 1);
		offer(class, seed >> 7 & 1, &r, r.hdr.len, 0x400);
		driver_notify(&dev[class], seed >> 7 & 1);
		pump();
		while (fsd_receive(0) > 0) {
			if (got.broker.tag != BROKER_TAG_RESET && got.hdr.opcode != FUSE_FORGET &&
			    got.hdr.opcode != FUSE_BATCH_FORGET)
				fsd_reply(0, -EIO, NULL, 0);
		}
		while (fsd_receive(1) > 0)
			;
		pump();
		for (uint32_t q = 0; q < FS_QUEUES; q++) {
			while (fake_used(&drv[class][q], &head, &len))
				;
		}
		assert_false(needs_reset(class));
		if (!fs.device[class].initialized)
			session_init(class);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS_TEST(test_config),        FS_TEST(test_init),       FS_TEST(test_destroy),    FS_TEST(test_together),
		FS_TEST(test_own_directory), FS_TEST(test_forward),    FS_TEST(test_routes),
		FS_TEST(test_forget),        FS_TEST(test_framing),    FS_TEST(test_long_request),
		FS_TEST(test_all_tags),      FS_TEST(test_tag_bound),  FS_TEST(test_full_socket),
		FS_TEST(test_bad_replies),   FS_TEST(test_late_reply), FS_TEST(test_syncfs),
		FS_TEST(test_noise),         FS_TEST(test_stalled_behind_forgets),
		FS_TEST(test_lost_while_stalled),         FS_TEST(test_who_waits_wakes_nobody),
	};

	return cmocka_run_group_tests(tests, start_workers, NULL);
}
