/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data races in the VMM, under ThreadSanitizer: two "vCPUs" hammer the registers of virtio-fs,
 * virtio-vsock and virtio-rng (resets included) and rewrite rings, while the device loop runs, file
 * threads work, a stand-in for nacre-fsd answers and donates, and clients come and go.
 *
 * Guest memory is raced on purpose. The guest's side of that is not instrumented, so what is
 * reported is a race of the VMM with itself.
 */
/* SOURCES: vmm/virtio_fs_send.c */
/* SOURCES: vmm/virtio_fs.c vmm/virtio_fs_session.c vmm/virtio_fs_broker.c vmm/virtio_fs_files.c vmm/virtio_fs_kept.c */
/* SOURCES: vmm/virtio_fs_io.c vmm/virtio_vsock.c vmm/client_accept.c vmm/vsock_conn.c vmm/virtio_rng.c vmm/mmio.c vmm/times.c */
/* SOURCES: vmm/dev.c vmm/virtq.c vmm/gmem.c vmm/loop.c vmm/log.c */
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_vsock.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker.h"
#include "tests/unit/broker_inbox.h"
#include "vmm/loop.h"
#include "vmm/mmio.h"
#include "vmm/virtio_fs.h"
#include "vmm/virtio_rng.h"
#include "vmm/virtio_vsock.h"

#define MEMORY	0x100000u
/*
 * There is no RAM below: a reset leaves addresses of 0, and the rings of two devices that both lay there would
 * be memory that the guest has two threads of the VMM race on.
 */
#define RAM	0x1000u
#define RING	8u
#define N_DEVS	3u
#define NO_TSAN __attribute__((no_sanitize("thread"), noinline))

enum { VSOCK, FS, RNG };

static uint8_t *memory;
static struct gmem mem;
static struct virtio_dev dev[N_DEVS];
static atomic_bool stop;
static atomic_uint n_requests, n_answers;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_len;

static uint32_t next(uint32_t *x)
{
	*x = *x * 1664525u + 1013904223u;
	return *x >> 8;
}

/* Stores of the guest. */
NO_TSAN static void poke(uint32_t at, const void *p, size_t len)
{
	const volatile uint8_t *from = p;

	for (size_t i = 0; i < len; i++)
		((volatile uint8_t *)memory)[at + i] = from[i];
}

NO_TSAN static void poke16(uint32_t at, uint16_t v)
{
	*(volatile uint16_t *)(void *)(memory + at) = v;
}

NO_TSAN static uint16_t peek16(uint32_t at)
{
	return *(volatile uint16_t *)(void *)(memory + at);
}

static void put(struct virtio_dev *d, uint32_t off, uint32_t v)
{
	mmio_write(d, off, &v, sizeof(v));
}

static uint32_t ring_at(unsigned int d, unsigned int q)
{
	return RAM + 0x400 * (4 * d + q);
}

static void bring_up(unsigned int d)
{
	struct virtio_dev *v = &dev[d];
	const uint32_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

	put(v, VIRTIO_MMIO_STATUS, 0);
	put(v, VIRTIO_MMIO_STATUS, status);
	put(v, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	put(v, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	put(v, VIRTIO_MMIO_STATUS, status | VIRTIO_CONFIG_S_FEATURES_OK);
	for (uint32_t q = 0; q < v->ops->n_queues; q++) {
		uint32_t at = ring_at(d, q);

		poke16(at + 16 * RING + 2, 0);
		put(v, VIRTIO_MMIO_QUEUE_SEL, q);
		put(v, VIRTIO_MMIO_QUEUE_NUM, RING);
		put(v, VIRTIO_MMIO_QUEUE_DESC_LOW, at);
		put(v, VIRTIO_MMIO_QUEUE_AVAIL_LOW, at + 16 * RING);
		put(v, VIRTIO_MMIO_QUEUE_USED_LOW, at + 0x200);
		put(v, VIRTIO_MMIO_QUEUE_READY, 1);
	}
	put(v, VIRTIO_MMIO_STATUS,
	    status | VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
}

struct wire_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* Offers descriptor `i` and, with `two`, the one behind it. */
static void offer(unsigned int d, unsigned int q, uint16_t i, uint32_t at, uint32_t len, bool two,
		  bool writable)
{
	uint32_t ring = ring_at(d, q), avail = ring + 16 * RING;
	struct wire_desc a = { at, len, (uint16_t)((two ? 1 : 0) | (writable ? 2 : 0)),
			       (uint16_t)(i + 1) };
	struct wire_desc b = { at + 0x800, 0x800, 2, 0 };
	uint16_t idx = peek16(avail + 2);

	poke(ring + 16u * i, &a, sizeof(a));
	if (two)
		poke(ring + 16u * (i + 1u), &b, sizeof(b));
	poke16(avail + 4 + 2u * (idx % RING), i);
	poke16(avail + 2, (uint16_t)(idx + 1));
	put(&dev[d], VIRTIO_MMIO_QUEUE_NOTIFY, q);
}

static void fuse(uint32_t *x)
{
	static const uint32_t opcodes[] = { FUSE_INIT, FUSE_INIT, FUSE_OPEN, FUSE_READ, FUSE_WRITE,
					    FUSE_RELEASE, FUSE_GETATTR, FUSE_SYNCFS, FUSE_READ };
	uint16_t i = (uint16_t)(2 * (next(x) % (RING / 2)));
	uint32_t at = 0x10000 + 0x1000u * i, op = opcodes[next(x) % 9], len = 0;
	struct fuse_in_header h = { .opcode = op, .unique = next(x),
				    .nodeid = op == FUSE_SYNCFS ? 1 : broker_root_node(0) };
	union {
		struct fuse_init_in init;
		struct fuse_read_in read;
		struct fuse_write_in write;
		struct fuse_release_in release;
		struct fuse_open_in open;
		uint8_t bytes[64];
	} body = { .bytes = { 0 } };

	if (op == FUSE_INIT) {
		body.init = (struct fuse_init_in){ .major = 7, .minor = 38, .flags = UINT32_MAX };
		len = sizeof(body.init);
	} else if (op == FUSE_READ) {
		body.read.size = 512;
		len = sizeof(body.read);
	} else if (op == FUSE_WRITE) {
		body.write.size = 24;
		len = sizeof(body.write) + 24;
	} else if (op == FUSE_RELEASE) {
		len = sizeof(body.release);
	} else if (op == FUSE_OPEN) {
		body.open.flags = O_RDWR;
		len = sizeof(body.open);
	} else {
		len = op == FUSE_SYNCFS ? 8 : 16;
	}
	h.len = (uint32_t)sizeof(h) + len;
	poke(at, &h, sizeof(h));
	poke(at + (uint32_t)sizeof(h), &body, sizeof(body));
	offer(FS, 1, i, at, h.len, true, false);
	atomic_fetch_add(&n_requests, 1);
}

static void vsock(uint32_t *x)
{
	struct virtio_vsock_hdr h = { .src_cid = 3, .dst_cid = 2, .src_port = 1000 + next(x) % 4,
				      .dst_port = 1, .type = 1, .op = (uint16_t)(next(x) % 8),
				      .buf_alloc = 65536 };
	uint16_t i = next(x) % RING;
	uint32_t at = 0x40000 + 0x1000u * i;

	h.len = h.op == VIRTIO_VSOCK_OP_RW ? 100 : 0;
	poke(at, &h, sizeof(h));
	offer(VSOCK, 1, i, at, (uint32_t)sizeof(h) + h.len, false, false);
	offer(VSOCK, 0, (uint16_t)(next(x) % RING), 0x60000 + 0x1000u * i, 0x1000, false, true);
}

/* A processor of the guest. */
static void *vcpu(void *arg)
{
	uint32_t x = *(uint32_t *)arg, v;

	while (!atomic_load(&stop)) {
		unsigned int d = next(&x) % N_DEVS;

		switch (next(&x) % 24) {
		case 0:
			bring_up(d);
			break;
		case 1:
			mmio_read(&dev[d], next(&x) % 0x140, &v, sizeof(v));
			break;
		case 2:
			put(&dev[d], (next(&x) % 0x40) * 4, next(&x));
			break;
		case 3:
		case 4:
		case 5:
			offer(RNG, 0, (uint16_t)(next(&x) % RING), 0x80000, 64, false, true);
			break;
		case 6:
		case 7:
		case 8:
		case 9:
			vsock(&x);
			break;
		case 10:
			mmio_read(&dev[d], VIRTIO_MMIO_STATUS, &v, sizeof(v));
			if (v & VIRTIO_CONFIG_S_NEEDS_RESET)
				bring_up(d);
			break;
		default:
			fuse(&x);
			usleep(100);
		}
	}
	return NULL;
}

/* In the place of nacre-fsd: donates a file to every OPEN, answers the rest with nothing. */
static void *fsd(void *arg)
{
	static struct {
		struct broker_header broker;
		struct fuse_in_header hdr;
		uint8_t body[BROKER_MSG_MAX];
	} q;
	static struct broker_inbox inbox;
	int fd = *(int *)arg, file = memfd_create("file", MFD_CLOEXEC);

	while (!atomic_load(&stop)) {
		struct {
			struct broker_header broker;
			struct fuse_out_header hdr;
			struct fuse_open_out open;
		} r = { .hdr = { .len = sizeof(r.hdr) } };
		_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
		struct iovec iov = { .iov_base = &r };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if ((inbox.at == inbox.len && poll(&p, 1, 50) <= 0) ||
		    broker_take(&inbox, fd, &q) < (ssize_t)(sizeof(q.broker) + sizeof(q.hdr)) ||
		    q.broker.tag == BROKER_TAG_QUIET)
			continue;
		r.broker = q.broker;
		r.hdr.unique = q.hdr.unique;
		if (q.hdr.opcode == FUSE_OPEN) {
			struct cmsghdr *c;

			r.hdr.len += (uint32_t)sizeof(r.open);
			m.msg_control = control;
			m.msg_controllen = sizeof(control);
			c = CMSG_FIRSTHDR(&m);
			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(c), &file, sizeof(file));
		}
		iov.iov_len = sizeof(r.broker) + r.hdr.len;
		if (sendmsg(fd, &m, MSG_NOSIGNAL) > 0)
			atomic_fetch_add(&n_answers, 1);
	}
	return NULL;
}

/* Monitors: they come, write, read and go. */
static void *clients(void *arg)
{
	static char bytes[4096];
	uint32_t x = 99;

	(void)arg;
	while (!atomic_load(&stop)) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (connect(fd, (struct sockaddr *)&address, address_len) == 0) {
			(void)send(fd, bytes, next(&x) % sizeof(bytes), MSG_NOSIGNAL);
			usleep(next(&x) % 3000);
			(void)recv(fd, bytes, sizeof(bytes), 0);
		}
		close(fd);
		usleep(500);
	}
	return NULL;
}

static void nothing(void)
{
}

static void on_lost(uint32_t container)
{
	fprintf(stderr, "the broker of container %u was given up\n", container);
	exit(1);
}

static void make(int *fsd_end)
{
	static const struct virtio_vsock_callbacks callbacks = {
		.guest_connected = nothing, .clients_gone = nothing,
	};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), pair[2];

	address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				  (size_t)snprintf(address.sun_path + 1, 40, "nacre-tsan-%d",
						   getpid()));
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mem = (struct gmem){ .n_regions = 1, .region = { { RAM, MEMORY - RAM, memory + RAM } } };
	if (bind(listener, (struct sockaddr *)&address, address_len) || listen(listener, 16) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) || loop_init() ||
	    virtio_vsock_init(&dev[VSOCK], listener, &callbacks) ||
	    virtio_fs_init(&dev[FS], BROKER_CLASS_ROOT))
		abort();
	virtio_rng_init(&dev[RNG]);
	for (unsigned int d = 0; d < N_DEVS; d++) {
		if (mmio_attach(&dev[d], &mem))
			abort();
	}
	*fsd_end = pair[0];
	if (virtio_fs_add_broker(0, pair[1], on_lost) || virtio_fs_start_workers(nothing))
		abort();
	for (unsigned int d = 0; d < N_DEVS; d++)
		bring_up(d);
}

int main(int argc, char **argv)
{
	static uint32_t seeds[2] = { 1, 77777 };
	unsigned int seconds = argc > 1 ? (unsigned int)atoi(argv[1]) : 10;
	pthread_t t[4];
	int fsd_end;
	struct timespec began, now;

	signal(SIGPIPE, SIG_IGN);
	make(&fsd_end);
	pthread_create(&t[0], NULL, vcpu, &seeds[0]);
	pthread_create(&t[1], NULL, vcpu, &seeds[1]);
	pthread_create(&t[2], NULL, fsd, &fsd_end);
	pthread_create(&t[3], NULL, clients, NULL);
	clock_gettime(CLOCK_MONOTONIC, &began);
	do {
		loop_step(20);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - began.tv_sec < (long)seconds);
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("%u requests, %u answers\n", atomic_load(&n_requests), atomic_load(&n_answers));
	/* A run in which nothing happened shows nothing. */
	return atomic_load(&n_answers) < 10;
}
