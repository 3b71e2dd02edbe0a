/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-fs between two enemies: a guest that sends any FUSE request, and a nacre-fsd that answers
 * anything, with any number of descriptors of any kind. The file threads' work is done here, one
 * job at a time, so that a finding can be repeated.
 */
/* SOURCES: vmm/virtio_fs_send.c */
/* SOURCES: vmm/virtio_fs.c vmm/virtio_fs_session.c vmm/virtio_fs_broker.c vmm/virtio_fs_files.c vmm/virtio_fs_kept.c */
/* SOURCES: vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c */
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "broker_inbox.h"
#include "fuzz_device.h"
#include "vmm/virtio_fs_io.c" /* for run(), one job */

#define FSD_NODE (broker_root_node(0) + 7)

static struct virtio_dev dev[BROKER_CLASS_COUNT];
static struct guest guest[BROKER_CLASS_COUNT];
static int fsd_end[2] = { -1, -1 };
static struct broker_inbox inbox[2];
static const uint32_t containers[2] = { 0, 5 };
static int regular_fd, n_lost;
static uint16_t next_slot;

static void on_lost(uint32_t container)
{
	(void)container;
	n_lost++;
}

static void connect_fsd(int which)
{
	int pair[2], len = 65536;

	CLAIM(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	/* Small, so that a full socket is met. */
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &len, sizeof(len));
	fsd_end[which] = pair[0];
	inbox[which].at = inbox[which].len = 0;
	CLAIM(virtio_fs_add_broker(containers[which], pair[1], on_lost) == 0);
}

static void make(void)
{
	for (uint32_t c = 0; c < BROKER_CLASS_COUNT; c++) {
		CLAIM(virtio_fs_init(&dev[c], c) == 0);
		guest_init(&guest[c], &dev[c]);
	}
	regular_fd = memfd_create("file", MFD_CLOEXEC);
	CLAIM(ftruncate(regular_fd, 100000) == 0);
	signal(SIGPIPE, SIG_IGN);
}

static uint64_t some_node(struct cursor *c)
{
	switch (in8(c) % 8) {
	case 0:
		return in64(c);
	case 1:
		return FUSE_ROOT_ID;
	case 2:
		return broker_root_node(0);
	case 3:
		return broker_root_node(5) + in8(c);
	case 4:
		return broker_root_node(in8(c));
	default:
		return FSD_NODE;
	}
}

/* A request whose body fits its opcode as often as not. */
static size_t make_body(struct cursor *c, uint32_t opcode, uint8_t *body, size_t max)
{
	size_t n = in_bytes(c, body, in8(c) % max);
	struct fuse_init_in init = { .major = 7, .minor = 38, .flags = UINT32_MAX };
	struct fuse_write_in write_in = { .fh = in8(c), .offset = in16(c), .size = in8(c) };
	struct fuse_read_in read_in = { .fh = write_in.fh, .offset = write_in.offset,
					.size = in16(c) };

	if (in8(c) & 1)
		return n;
	switch (opcode) {
	case FUSE_INIT:
		memcpy(body, &init, sizeof(init));
		return sizeof(init);
	case FUSE_READ:
		memcpy(body, &read_in, sizeof(read_in));
		return sizeof(read_in);
	case FUSE_WRITE:
		memcpy(body, &write_in, sizeof(write_in));
		return sizeof(write_in) + write_in.size;
	case FUSE_RELEASE:
		memset(body, 0, sizeof(struct fuse_release_in));
		body[0] = in8(c);
		return sizeof(struct fuse_release_in);
	case FUSE_OPEN:
		memset(body, 0, sizeof(struct fuse_open_in));
		body[0] = in8(c) & 3;
		return sizeof(struct fuse_open_in);
	case FUSE_SYNCFS:
		return sizeof(struct fuse_syncfs_in);
	default:
		return n;
	}
}

static void request(struct guest *g, struct cursor *c)
{
	static const uint8_t often[] = { FUSE_INIT, FUSE_OPEN, FUSE_READ, FUSE_WRITE, FUSE_RELEASE,
					 FUSE_LOOKUP, FUSE_SYNCFS, FUSE_READDIR, FUSE_FORGET,
					 FUSE_CREATE, FUSE_OPEN, FUSE_READ };
	struct {
		struct fuse_in_header hdr;
		uint8_t body[1024];
	} r = { .hdr = { .unique = in8(c) } };
	uint8_t how = in8(c);
	struct fake_driver *d = &g->queue[how & 1];
	uint16_t slot = next_slot++ % 64, head = (uint16_t)(2 * slot % (d->size ? d->size : 1));
	uint64_t at = GUEST_DATA + (uint64_t)slot * 0x2000;
	size_t len;

	r.hdr.opcode = how & 2 ? in8(c) : often[in8(c) % sizeof(often)];
	r.hdr.nodeid = some_node(c);
	len = make_body(c, r.hdr.opcode, r.body, 250);
	r.hdr.len = (uint32_t)(sizeof(r.hdr) + len);
	if (how & 4)
		r.hdr.len = guest_length(c);
	if (d->size < 2)
		return;
	fake_put(&g->mem, at, &r, sizeof(r.hdr) + len);
	fake_desc(d, head, at, (uint32_t)(sizeof(r.hdr) + len), FAKE_NEXT, (uint16_t)(head + 1));
	fake_desc(d, (uint16_t)(head + 1), at + 0x1000, how & 8 ? guest_length(c) : 0x1000, FAKE_WRITE,
		  0);
	fake_offer(d, head);
	driver_notify(g->dev, how & 1);
	fuzz_step();
}

static int some_descriptor(struct cursor *c)
{
	int pair[2];

	switch (in8(c) % 6) {
	case 0:
		if (pipe2(pair, O_CLOEXEC))
			return -1;
		close(pair[1]);
		return pair[0];
	case 1:
		return open("/", O_PATH | O_CLOEXEC);
	case 2:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	default:
		return fcntl(regular_fd, F_DUPFD_CLOEXEC, 0);
	}
}

/* Sends with the first `n` of fds. */
static void send_with(int socket_fd, const void *p, size_t len, const int *fds, size_t n)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)p, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n) {
		struct cmsghdr *cmsg;

		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&m);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	}
	(void)sendmsg(socket_fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static struct {
	struct broker_header broker;
	struct fuse_in_header hdr;
	uint8_t body[BROKER_MSG_MAX];
} got;

/* An answer named another request than the one that was taken: one that was sent may be answered before it is. */
static bool answered_unasked;

/* Takes the next request and answers it, well or not; or says something unasked. */
static void reply(struct cursor *c)
{
	struct {
		struct broker_header broker;
		struct fuse_out_header hdr;
		uint8_t body[1024];
	} r = { 0 };
	int which = in8(c) & 1, fds[4];
	uint8_t how = in8(c);
	uint64_t node;
	size_t len, n_fds = how & 0xc0 ? how >> 6 : 0;
	ssize_t n;

	do {
		n = broker_take(&inbox[which], fsd_end[which], &got);
	} while (n == sizeof(got.broker)); /* the end of a session has no answer */
	if (n >= (ssize_t)(sizeof(got.broker) + sizeof(got.hdr))) {
		CLAIM(got.hdr.len == (size_t)n - sizeof(got.broker));
		CLAIM(got.broker.tag < BROKER_TAGS ||
		      (got.broker.tag == BROKER_TAG_QUIET &&
		       (got.hdr.opcode == FUSE_RELEASE || got.hdr.opcode == FUSE_FORGET ||
			got.hdr.opcode == FUSE_BATCH_FORGET)));
		/* The tag is that of the request, so that an honest answer finds it. */
		CLAIM(got.broker.tag == BROKER_TAG_QUIET || answered_unasked ||
		      !fs_broker_of_node(broker_root_node(containers[which])) ||
		      (fs.request[got.broker.tag].state == FS_SENT &&
		       fs.request[got.broker.tag].unique == got.hdr.unique));
		CLAIM(got.hdr.nodeid >> BROKER_NODE_SHIFT == containers[which] + 1 ||
		      got.hdr.opcode == FUSE_BATCH_FORGET);
	}
	r.broker.tag = how & 1 ? in8(c) : got.broker.tag;
	answered_unasked = answered_unasked || r.broker.tag != got.broker.tag;
	r.hdr.unique = how & 2 ? in8(c) : got.hdr.unique;
	r.hdr.error = how & 4 ? (int32_t)in16(c) - 0x7000 : 0;
	len = in_bytes(c, r.body, how & 8 ? in8(c) : 0);
	if (how & 16) {
		len = got.hdr.opcode == FUSE_OPEN ? 16 : 144;
		memset(r.body, 0, len);
		r.body[len - 16] = in8(c);
		/* A file that may be kept, of one of eight nodes. */
		r.body[len - 4] = r.body[len - 16] & BROKER_MAY_KEEP;
		node = broker_root_node(containers[which]) + (r.body[len - 16] & 7);
		if (len > 16)
			memcpy(r.body, &node, sizeof(node));
	}
	r.hdr.len = (uint32_t)(sizeof(r.hdr) + len);
	if (how & 32)
		r.hdr.len = in16(c);
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = some_descriptor(c);
	send_with(fsd_end[which], &r, sizeof(r.broker) + sizeof(r.hdr) + len, fds, n_fds);
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	fuzz_step();
}

static void do_jobs(unsigned int n)
{
	for (; n; n--) {
		struct fs_request *r = fs_list_pop(&fs.jobs);

		if (!r)
			return;
		run(r);
	}
}

static void extra(struct guest *g, struct cursor *c)
{
	switch (in8(c) % 8) {
	case 0:
		do_jobs(1 + in8(c) % 8);
		break;
	case 1:
	case 2:
	case 3:
		reply(c);
		break;
	default:
		request(g, c);
	}
}

static void end_broker(int which)
{
	close(fsd_end[which]);
	for (int i = 0; i < 2000 && fs_broker_of_node(broker_root_node(containers[which])); i++)
		fuzz_step();
	CLAIM(!fs_broker_of_node(broker_root_node(containers[which])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	struct guest *g;
	unsigned int n_open;

	if (!guest[0].dev)
		make();
	n_open = open_descriptors();
	connect_fsd(0);
	connect_fsd(1);
	next_slot = 0;
	fs.n_kept_places = 4;
	fs.ahead_credit = FS_AHEAD_CREDIT;
	memset(&got, 0, sizeof(got));
	answered_unasked = false;
	g = &guest[in8(&c) & 1];
	guest_run(g, &c, extra);
	do_jobs(UINT32_MAX);
	fuzz_settle(3000);
	guest_reset(g);
	end_broker(0);
	end_broker(1);
	fuzz_settle(3000);
	/* Whoever lied: every tag and every descriptor is given back. */
	for (size_t w = 0; w < BROKER_TAGS / 64; w++)
		CLAIM(fs.tags_used[w] == 0);
	CLAIM(open_descriptors() == n_open);
	return 0;
}
