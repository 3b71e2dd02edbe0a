/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Speed of shared files without a guest: the virtio-fs device on fake guest memory, nacre-fsd as a
 * process of its own, and this program as the guest's driver.
 *
 *   fs NACRE-FSD DIRECTORY [MIB]
 *
 * Sequential reads and writes of a file of MIB (default 32) in DIRECTORY, of 1 MiB each, which
 * is what the guest's kernel asks for at most; once with one request at a time and once with as
 * many as the ring has room for, as read-ahead and write-back do. Beside it pread() and pwrite() of
 * the same blocks. Wall time, and processor time of all that takes part, this driver included. Then LOOKUP, OPEN, GETATTR, RELEASE, FORGET of 1000 files, which is what open(),
 * fstat() and close() of a file are that the guest does not know yet; OPEN, GETATTR, RELEASE of one
 * that it does; and the same calls on the host. The best of 30 rounds counts. Needs root.
 *
 * The bounds: reads and writes at 0.9 of the host's, by the clock or by processor time (on a machine
 * that does other work the clock says when it had two processors for this), and an answer in at most 2.5 times what a
 * message takes over the same way (two eventfds, a socket, a second process) with nothing done for
 * it, which is what keeping the file server apart costs on this machine.
 */
/* SOURCES: vmm/virtio_fs.c vmm/virtio_fs_session.c vmm/virtio_fs_broker.c vmm/virtio_fs_files.c */
/* SOURCES: vmm/virtio_fs_io.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c */
/* SOURCES: vmm/log.c vmm/loop.c */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plan.h"
#include "tests/unit/fake_driver.h"
#include "vmm/virtio_fs_core.h"

#define BLOCK     FS_WRITE_MAX
#define PAGES     FS_PAGES_MAX
#define SLOTS     3u /* of PAGES + 2 descriptors each, in a ring of 1024 */
#define SLOT_DESC (PAGES + 2u)
#define SLOT_SIZE (BLOCK + 0x4000u)
#define RINGS     0x20000u
#define MEMORY    (RINGS + SLOTS * SLOT_SIZE + 0x100000u)
#define ROUNDS    30
#define N_FILES   1000u

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #cond,              \
				strerror(errno));                                                  \
			exit(2);                                                                   \
		}                                                                                  \
	} while (0)

static struct gmem mem;
static struct virtio_dev dev;
static struct fake_driver drv[FS_QUEUES];
static uint16_t hiprio_head;
/* Pages of a request lie in a row, as a guest that has just started gives them; or no two do. */
static bool scattered;

static double clock_s(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double now_s(void)
{
	return clock_s(CLOCK_MONOTONIC);
}

/* Seconds. Driver, device and its workers are one process, the host's own calls are its, too. */
struct cost {
	double wall, cpu;
};

static struct cost cost_now(void)
{
	return (struct cost){now_s(), clock_s(CLOCK_PROCESS_CPUTIME_ID)};
}

static struct cost cost_since(struct cost began)
{
	struct cost now = cost_now();

	return (struct cost){now.wall - began.wall, now.cpu - began.cpu};
}

/* ---- the driver ---- */

struct request {
	struct fuse_in_header hdr;
	uint8_t body[512];
};

static uint64_t slot_gpa(uint32_t slot)
{
	return FAKE_BASE + RINGS + (uint64_t)slot * SLOT_SIZE;
}

/* In a slot: the request, at 0x1000 the answer's header and body, at 0x4000 the pages. */
static void describe_pages(uint32_t slot, uint16_t first, uint32_t len, uint16_t flags)
{
	for (uint32_t done = 0, i = 0; done < len; done += 4096, i++) {
		uint32_t page = scattered ? PAGES - 1 - i : i;
		uint64_t at = slot_gpa(slot) + 0x4000 + page * 4096ul;
		bool last = len - done <= 4096;

		fake_desc(&drv[FS_QUEUE_REQUEST], (uint16_t)(first + i), at,
			  last ? len - done : 4096, (uint16_t)(flags | (last ? 0 : FAKE_NEXT)),
			  (uint16_t)(first + i + 1));
	}
}

/* The descriptors of a slot: `len` bytes of request; data > 0: bytes behind the answer, < 0: the
 * request. */
static void describe(uint32_t slot, uint32_t len, int32_t data)
{
	struct fake_driver *d = &drv[FS_QUEUE_REQUEST];
	uint16_t at = (uint16_t)(slot * SLOT_DESC);
	uint64_t gpa = slot_gpa(slot);

	fake_desc(d, at, gpa, len, FAKE_NEXT, (uint16_t)(at + 1));
	if (data < 0) {
		uint16_t pages = (uint16_t)(((uint32_t)-data + 4095) / 4096);

		describe_pages(slot, (uint16_t)(at + 1), (uint32_t)-data, 0);
		at = (uint16_t)(at + pages);
		/* the last page goes on to the answer */
		fake_put16(&mem, d->desc + 16ul * at + 12, FAKE_NEXT);
		fake_put16(&mem, d->desc + 16ul * at + 14, (uint16_t)(at + 1));
	}
	fake_desc(d, (uint16_t)(at + 1), gpa + 0x1000,
		  data > 0 ? (uint32_t)sizeof(struct fuse_out_header) : 0x2000,
		  FAKE_WRITE | (data > 0 ? FAKE_NEXT : 0), (uint16_t)(at + 2));
	if (data > 0)
		describe_pages(slot, (uint16_t)(at + 2), (uint32_t)data, FAKE_WRITE);
}

/* Offers a request of a slot; a slot that is used as before has its descriptors. */
static void submit(uint32_t slot, const struct request *r, uint32_t len, int32_t data)
{
	static struct {
		uint32_t len;
		int32_t data;
		bool scattered;
	} described[SLOTS];
	struct fuse_in_header h = r->hdr;

	h.len = (uint32_t)sizeof(h) + len + (data < 0 ? (uint32_t)-data : 0);
	len += (uint32_t)sizeof(h);
	if (described[slot].len != len || described[slot].data != data ||
	    described[slot].scattered != scattered)
		describe(slot, len, data);
	described[slot].len = len;
	described[slot].data = data;
	described[slot].scattered = scattered;
	fake_put(&mem, slot_gpa(slot), r, len);
	fake_put(&mem, slot_gpa(slot), &h, sizeof(h));
	fake_offer(&drv[FS_QUEUE_REQUEST], (uint16_t)(slot * SLOT_DESC));
	driver_notify(&dev, FS_QUEUE_REQUEST);
}

/* Waits for an answer, as an interrupt would wake the guest. The slot. */
static uint32_t complete(void)
{
	struct pollfd p = {.fd = dev.irq_fd, .events = POLLIN};
	uint32_t id, len;
	uint64_t n;

	while (!fake_used(&drv[FS_QUEUE_REQUEST], &id, &len)) {
		MUST(poll(&p, 1, 10000) == 1);
		(void)!read(dev.irq_fd, &n, sizeof(n));
	}
	atomic_thread_fence(memory_order_acquire);
	return id / SLOT_DESC;
}

static int answer(uint32_t slot, void *body, size_t len)
{
	struct fuse_out_header out;

	MUST(gmem_read(&mem, GPA(slot_gpa(slot) + 0x1000), &out, sizeof(out)) == 0);
	if (body && !out.error)
		MUST(gmem_read(&mem, GPA(slot_gpa(slot) + 0x1000 + sizeof(out)), body, len) == 0);
	return out.error;
}

static struct request make(uint32_t opcode, uint64_t node)
{
	static uint64_t unique;

	return (struct request){.hdr = {.opcode = opcode,
					.unique = unique += 2,
					.nodeid = node,
					.uid = PLAN_ID_BASE,
					.gid = PLAN_ID_BASE}};
}

/* A request without data, and its answer. 0 or -errno. */
static int call(const struct request *r, uint32_t len, void *body, size_t body_len)
{
	submit(0, r, len, 0);
	return answer(complete(), body, body_len);
}

static uint64_t lookup(uint64_t parent, const char *name)
{
	struct request r = make(FUSE_LOOKUP, parent);
	struct fuse_entry_out out;

	strcpy((char *)r.body, name);
	MUST((errno = -call(&r, (uint32_t)strlen(name) + 1, &out, sizeof(out))) == 0);
	return out.nodeid;
}

static uint64_t open_node(uint64_t node, uint32_t flags)
{
	struct request r = make(FUSE_OPEN, node);
	struct fuse_open_in in = {.flags = flags};
	struct fuse_open_out out;

	memcpy(r.body, &in, sizeof(in));
	MUST((errno = -call(&r, sizeof(in), &out, sizeof(out))) == 0);
	return out.fh;
}

static void getattr(uint64_t node)
{
	struct request r = make(FUSE_GETATTR, node);
	struct fuse_attr_out out;

	MUST((errno = -call(&r, sizeof(struct fuse_getattr_in), &out, sizeof(out))) == 0);
}

static void release(uint64_t node, uint64_t fh)
{
	struct request r = make(FUSE_RELEASE, node);
	struct fuse_release_in in = {.fh = fh};

	memcpy(r.body, &in, sizeof(in));
	MUST((errno = -call(&r, sizeof(in), NULL, 0)) == 0);
}

static void forget(uint64_t node)
{
	struct request r = make(FUSE_FORGET, node);
	struct fuse_forget_in in = {.nlookup = 1};
	uint64_t at = FAKE_BASE + RINGS + SLOTS * SLOT_SIZE + hiprio_head % 64 * 128ul;
	uint32_t id, len;

	while (fake_used(&drv[FS_QUEUE_HIPRIO], &id, &len))
		;
	memcpy(r.body, &in, sizeof(in));
	r.hdr.len = sizeof(r.hdr) + sizeof(in);
	fake_put(&mem, at, &r, r.hdr.len);
	fake_desc(&drv[FS_QUEUE_HIPRIO], hiprio_head % 64, at, r.hdr.len, 0, 0);
	fake_offer(&drv[FS_QUEUE_HIPRIO], hiprio_head++ % 64);
	driver_notify(&dev, FS_QUEUE_HIPRIO);
}

/* ---- the machine ---- */

static void on_lost(uint32_t container)
{
	fprintf(stderr, "nacre-fsd of container %u is gone\n", container);
	exit(2);
}

static void confine_nothing(void)
{
}

static pthread_barrier_t ready;

/* The device thread; a loop belongs to the thread that made it. */
static void *run_device(void *arg)
{
	const int *broker_fd = arg;

	MUST(loop_init() == 0 && virtio_fs_init(&dev, BROKER_CLASS_ROOT) == 0 &&
	     mmio_attach(&dev, &mem) == 0 && virtio_fs_add_broker(0, *broker_fd, on_lost) == 0 &&
	     virtio_fs_start_workers(confine_nothing) == 0);
	pthread_barrier_wait(&ready);
	loop_run();
	return NULL;
}

static void start(const char *fsd, const char *dir)
{
	int pair[2], root = open(dir, O_PATH | O_DIRECTORY);
	char socket_text[12], root_text[12];
	struct fuse_init_in in = {.major = FUSE_KERNEL_VERSION,
				  .minor = 36,
				  .max_readahead = BLOCK,
				  .flags = UINT32_MAX & ~(1u << 31),
				  .flags2 = UINT32_MAX};
	struct request r = make(FUSE_INIT, 0);
	struct fuse_init_out out;
	pthread_t thread;

	MUST(root >= 0 && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	snprintf(socket_text, sizeof(socket_text), "%d", pair[0]);
	snprintf(root_text, sizeof(root_text), "%d", root);
	if (fork() == 0) {
		close(pair[1]);
		execl(fsd, "nacre-fsd", "--socket", socket_text, "--container", "0", "--root",
		      root_text, NULL);
		_exit(127);
	}
	close(pair[0]);
	close(root);
	mem = (struct gmem){.n_regions = 1, .region = {{.base = FAKE_BASE, .size = MEMORY}}};
	mem.region[0].hva = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	MUST(mem.region[0].hva != MAP_FAILED);
	pthread_barrier_init(&ready, NULL, 2);
	MUST(pthread_create(&thread, NULL, run_device, &pair[1]) == 0);
	pthread_barrier_wait(&ready);
	driver_negotiate(&dev, FEATURE_VERSION_1);
	for (uint32_t q = 0; q < FS_QUEUES; q++) {
		drv[q] = fake_driver_at(&mem, FAKE_BASE + 0x8000u * q,
					dev_queue_size_max(&dev, q));
		driver_queue(&dev, q, &drv[q]);
	}
	driver_ok(&dev);
	in.flags |= FUSE_INIT_EXT | FUSE_SETXATTR_EXT;
	memcpy(r.body, &in, sizeof(in));
	MUST((errno = -call(&r, sizeof(in), &out, sizeof(out))) == 0);
}

/* ---- the same way, with nothing done ---- */

static int echo_kick, echo_done, echo_socket[2];

static void *run_echo(void *arg)
{
	uint64_t n;
	uint8_t message[128];

	(void)arg;
	while (read(echo_kick, &n, sizeof(n)) == sizeof(n)) {
		struct pollfd p = {.fd = echo_socket[0], .events = POLLIN};

		MUST(send(echo_socket[0], message, sizeof(message), 0) == sizeof(message));
		MUST(poll(&p, 1, -1) == 1);
		MUST(recv(echo_socket[0], message, sizeof(message), 0) == sizeof(message));
		n = 1;
		MUST(write(echo_done, &n, sizeof(n)) == sizeof(n));
	}
	return NULL;
}

static void start_echo(void)
{
	pthread_t thread;

	echo_kick = eventfd(0, EFD_CLOEXEC);
	echo_done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, echo_socket) == 0);
	if (fork() == 0) {
		uint8_t message[128];

		close(echo_socket[0]);
		while (recv(echo_socket[1], message, sizeof(message), 0) > 0)
			(void)!send(echo_socket[1], message, sizeof(message), MSG_NOSIGNAL);
		_exit(0);
	}
	close(echo_socket[1]);
	MUST(pthread_create(&thread, NULL, run_echo, NULL) == 0);
}

/* Seconds for one message there and back. */
static double echo(void)
{
	struct pollfd p = {.fd = echo_done, .events = POLLIN};
	double began = now_s();

	for (uint32_t i = 0; i < N_FILES; i++) {
		uint64_t n = 1;

		MUST(write(echo_kick, &n, sizeof(n)) == sizeof(n));
		MUST(poll(&p, 1, 10000) == 1 && read(echo_done, &n, sizeof(n)) == sizeof(n));
	}
	return (now_s() - began) / N_FILES;
}

/* ---- what is measured ---- */

static bool failed;

/* One line of the result. */
static void judge(bool good, const char *text)
{
	printf("%s bench: %s\n", good ? "ok" : "not ok", text);
	failed = failed || !good;
}

static void submit_block(uint32_t slot, bool writes, uint64_t node, uint64_t fh, uint64_t off)
{
	struct request r = make(writes ? FUSE_WRITE : FUSE_READ, node);
	struct fuse_read_in in = {.fh = fh, .offset = off, .size = BLOCK};
	struct fuse_write_in out = {
		.fh = fh, .offset = off, .size = BLOCK, .write_flags = FUSE_WRITE_CACHE};

	if (writes)
		memcpy(r.body, &out, sizeof(out));
	else
		memcpy(r.body, &in, sizeof(in));
	submit(slot, &r, writes ? sizeof(out) : sizeof(in),
	       writes ? -(int32_t)BLOCK : (int32_t)BLOCK);
}

/* The whole file, `depth` requests at a time. */
static struct cost transfer(bool writes, uint64_t node, uint64_t fh, uint64_t size, uint32_t depth)
{
	uint64_t next = 0, done = 0;
	struct cost began = cost_now();

	for (; next < depth * (uint64_t)BLOCK; next += BLOCK)
		submit_block((uint32_t)(next / BLOCK), writes, node, fh, next);
	while (done < size) {
		uint32_t slot = complete();

		MUST((errno = -answer(slot, NULL, 0)) == 0);
		done += BLOCK;
		if (next < size) {
			submit_block(slot, writes, node, fh, next);
			next += BLOCK;
		}
	}
	return cost_since(began);
}

/* The host's own, between the file and the same memory. */
static struct cost plain(bool writes, int fd, uint64_t size)
{
	struct cost began = cost_now();

	for (uint64_t off = 0; off < size; off += BLOCK) {
		uint64_t gpa = slot_gpa((uint32_t)(off / BLOCK % SLOTS)) + 0x4000;
		void *at = gmem_slice(&mem, GPA(gpa), BLOCK);
		ssize_t n = writes ? pwrite(fd, at, BLOCK, (off_t)off)
				   : pread(fd, at, BLOCK, (off_t)off);

		MUST(n == BLOCK);
	}
	return cost_since(began);
}

static double least(double a, double b)
{
	return a > 0 && a < b ? a : b;
}

static void keep_least(struct cost *a, struct cost b)
{
	*a = (struct cost){least(a->wall, b.wall), least(a->cpu, b.cpu)};
}

static void bench_transfer(bool writes, int fd, uint64_t size)
{
	uint64_t root = lookup(broker_root_node(0), "root"), node = lookup(root, "file");
	uint64_t fh = open_node(node, O_RDWR);
	struct cost one = {0}, full = {0}, anywhere = {0}, host = {0};
	char text[320];
	const double mib = (double)size / (1 << 20);

	for (int i = 0; i < ROUNDS; i++) {
		keep_least(&host, plain(writes, fd, size));
		keep_least(&one, transfer(writes, node, fh, size, 1));
		keep_least(&full, transfer(writes, node, fh, size, SLOTS));
		scattered = true;
		keep_least(&anywhere, transfer(writes, node, fh, size, SLOTS));
		scattered = false;
	}
	release(node, fh);
	snprintf(text, sizeof(text),
		 "%s of %u KiB: %s %.0f MiB/s; device, one at a time: %.2f of it (by processor "
		 "time %.2f); %u at a time: %.2f (%.2f), bound 0.90; pages anywhere: %.2f (%.2f)",
		 writes ? "writes" : "reads", BLOCK / 1024, writes ? "pwrite()" : "pread()",
		 mib / host.wall, host.wall / one.wall, host.cpu / one.cpu, SLOTS,
		 host.wall / full.wall, host.cpu / full.cpu, host.wall / anywhere.wall,
		 host.cpu / anywhere.cpu);
	judge(host.wall >= 0.9 * full.wall || host.cpu >= 0.9 * full.cpu, text);
}

static void bench_names(const char *dir)
{
	uint64_t root = lookup(broker_root_node(0), "root");
	double cold = 0, warm = 0, host = 0, way = 0;
	char name[32], path[4200], text[320];

	for (uint32_t i = 0; i < N_FILES; i++) {
		snprintf(path, sizeof(path), "%s/n-%u", dir, i);
		close(open(path, O_CREAT | O_WRONLY, 0644));
	}
	for (int round = 0; round < ROUNDS; round++) {
		double began = now_s();
		uint64_t node;

		for (uint32_t i = 0; i < N_FILES; i++) {
			struct stat st;
			int fd;

			snprintf(path, sizeof(path), "%s/n-%u", dir, i);
			fd = open(path, O_RDONLY);
			MUST(fd >= 0 && fstat(fd, &st) == 0 && close(fd) == 0);
		}
		host = least(host, now_s() - began);
		way = least(way, echo());
		began = now_s();
		for (uint32_t i = 0; i < N_FILES; i++) {
			uint64_t fh;

			snprintf(name, sizeof(name), "n-%u", i);
			node = lookup(root, name);
			fh = open_node(node, O_RDONLY);
			getattr(node);
			release(node, fh);
			forget(node);
		}
		cold = least(cold, now_s() - began);
		began = now_s();
		node = lookup(root, "n-0");
		for (uint32_t i = 0; i < N_FILES; i++) {
			uint64_t fh = open_node(node, O_RDONLY);

			getattr(node);
			release(node, fh);
		}
		warm = least(warm, now_s() - began);
		forget(node);
	}
	snprintf(text, sizeof(text),
		 "open, stat, close: %.0f per second of files that are not known (4 answers each), "
		 "%.0f of one that is (3); an answer takes %.1f us, the way alone %.1f us "
		 "(%.2f, bound 2.50); on the host %.0f",
		 N_FILES / cold, N_FILES / warm, cold / N_FILES / 4 * 1e6, way * 1e6,
		 cold / N_FILES / 4 / way, N_FILES / host);
	judge(cold / N_FILES / 4 <= 2.5 * way, text);
}

int main(int argc, char **argv)
{
	uint64_t size;
	char path[4200];
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3) {
		fputs("usage: fs NACRE-FSD DIRECTORY [MIB]\n", stderr);
		return 2;
	}
	size = (argc > 3 ? strtoul(argv[3], NULL, 10) : 32) << 20;
	snprintf(path, sizeof(path), "%s/file", argv[2]);
	fd = open(path, O_RDWR | O_CREAT, 0644);
	MUST(fd >= 0);
	start_echo();
	start(argv[1], argv[2]);
	plain(true, fd, size);
	bench_transfer(false, fd, size);
	bench_transfer(true, fd, size);
	bench_names(argv[2]);
	puts("end of suite");
	return failed;
}
