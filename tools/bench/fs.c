/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Speed of shared files without a guest: the virtio-fs device on fake guest memory, nacre-fsd as a
 * process of its own, and this program as the guest's driver (fs_driver.h).
 *
 *   fs NACRE-FSD DIRECTORY [MIB [VIRTIOFSD]]
 *
 * Sequential reads and writes of a file of MIB (default 32) in DIRECTORY, of 1 MiB each, which
 * is what the guest's kernel asks for at most; once with one request at a time and once with as
 * many as the ring has room for, as read-ahead and write-back do. Beside it pread() and pwrite() of
 * the same blocks. Wall time, and processor time of all that takes part, this driver included.
 *
 * Then 1000 files are opened, looked at and closed: by one request after the other (LOOKUP, OPEN,
 * GETATTR, RELEASE, FORGET of a file that the guest does not know; OPEN, GETATTR, RELEASE of one that
 * it does), and as Linux does it (no GETATTR while the attributes of LOOKUP hold; FLUSH, unless the
 * server said that it wants none; nobody waits for RELEASE). The same calls on the host; and what
 * VIRTIOFSD does, the command line of a virtiofsd, with the same driver and fake memory that it
 * shares (fs_vhost.h). The best of 30 rounds counts. Needs root.
 *
 * The bounds: reads and writes at 0.9 of the host's, by the clock or by processor time (on a machine
 * that does other work the clock says when it had two processors for this); an answer in at most 2.5
 * times what a message takes over the same way (two eventfds, a socket, a second process) with nothing
 * done for it, which is what keeping the file server apart costs on this machine; files opened and
 * closed as Linux does it at the speed of VIRTIOFSD, if there is one.
 */
/* SOURCES: vmm/virtio_fs.c vmm/virtio_fs_session.c vmm/virtio_fs_broker.c vmm/virtio_fs_files.c */
/* SOURCES: vmm/virtio_fs_io.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c */
/* SOURCES: vmm/log.c vmm/loop.c */
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fs_driver.h"
#include "fs_vhost.h"
#include "plan.h"

#define ROUNDS  30
#define N_FILES 1000u

static struct virtio_dev dev;
static struct gmem dev_mem; /* what the device sees: mem becomes another with bench_peer() */

/* ---- the machine ---- */

static void on_lost(uint32_t container)
{
	fprintf(stderr, "nacre-fsd of container %u is gone\n", container);
	exit(2);
}

static void confine_nothing(void)
{
}

static void notify_nacre(uint32_t q)
{
	driver_notify(&dev, q);
}

static pthread_barrier_t ready;

/* The device thread; a loop belongs to the thread that made it. */
static void *run_device(void *arg)
{
	const int *broker_fd = arg;

	MUST(loop_init() == 0 && virtio_fs_init(&dev, BROKER_CLASS_ROOT) == 0 &&
	     mmio_attach(&dev, &dev_mem) == 0 && virtio_fs_add_broker(0, *broker_fd, on_lost) == 0 &&
	     virtio_fs_start_workers(confine_nothing) == 0);
	pthread_barrier_wait(&ready);
	loop_run();
	return NULL;
}

static void start(const char *fsd, const char *dir)
{
	int pair[2], root = open(dir, O_PATH | O_DIRECTORY);
	char socket_text[12], root_text[12];
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
	dev_mem = mem;
	pthread_barrier_init(&ready, NULL, 2);
	MUST(pthread_create(&thread, NULL, run_device, &pair[1]) == 0);
	pthread_barrier_wait(&ready);
	make_rings();
	driver_negotiate(&dev, FEATURE_VERSION_1);
	for (uint32_t q = 0; q < FS_QUEUES; q++)
		driver_queue(&dev, q, &drv[q]);
	driver_ok(&dev);
	device.notify = notify_nacre;
	device.irq_fd = dev.irq_fd;
	device.id = PLAN_ID_BASE;
	init_session();
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
	uint64_t root = lookup(broker_root_node(0), "root").nodeid;
	uint64_t node = lookup(root, "file").nodeid, fh = open_node(node, O_RDWR).fh;
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

/* Seconds for 1000 files; the best so far. */
struct names_cost {
	double unknown, known, as_linux;
};

static void name_of(uint32_t i, char name[32])
{
	snprintf(name, 32, "n-%u", i);
}

static double open_unknown(uint64_t root)
{
	double began = now_s();
	char name[32];

	for (uint32_t i = 0; i < N_FILES; i++) {
		uint64_t node, fh;

		name_of(i, name);
		node = lookup(root, name).nodeid;
		fh = open_node(node, O_RDONLY).fh;
		getattr(node);
		release(node, fh);
		forget(node);
	}
	return now_s() - began;
}

static double open_known(uint64_t root)
{
	double began = now_s();
	uint64_t node = lookup(root, "n-0").nodeid;

	for (uint32_t i = 0; i < N_FILES; i++) {
		uint64_t fh = open_node(node, O_RDONLY).fh;

		getattr(node);
		release(node, fh);
	}
	forget(node);
	return now_s() - began;
}

static double open_as_linux(uint64_t root)
{
	double began = now_s();
	bool no_flush = false;
	char name[32];

	for (uint32_t i = 0; i < N_FILES; i++) {
		struct fuse_entry_out entry;
		struct fuse_open_out file;

		name_of(i, name);
		entry = lookup(root, name);
		file = open_node(entry.nodeid, O_RDONLY);
		if (!entry.attr_valid)
			getattr(entry.nodeid);
		if (!no_flush && !(file.open_flags & FOPEN_NOFLUSH)) {
			int err = flush(entry.nodeid, file.fh);

			MUST(err == 0 || err == -ENOSYS);
			no_flush = err == -ENOSYS;
		}
		release_behind(entry.nodeid, file.fh);
		forget(entry.nodeid);
	}
	wait_for_releases();
	return now_s() - began;
}

static void measure_names(uint64_t root, struct names_cost *c)
{
	c->unknown = least(c->unknown, open_unknown(root));
	c->known = least(c->known, open_known(root));
	c->as_linux = least(c->as_linux, open_as_linux(root));
}

static double host_names(const char *dir)
{
	double began = now_s();
	char name[32], path[4200];

	for (uint32_t i = 0; i < N_FILES; i++) {
		struct stat st;
		int fd;

		name_of(i, name);
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		fd = open(path, O_RDONLY);
		MUST(fd >= 0 && fstat(fd, &st) == 0 && close(fd) == 0);
	}
	return now_s() - began;
}

static struct names_cost bench_names(const char *dir)
{
	uint64_t root = lookup(broker_root_node(0), "root").nodeid;
	struct names_cost c = {0};
	double host = 0, way = 0, each;
	char text[400];

	for (int round = 0; round < ROUNDS; round++) {
		host = least(host, host_names(dir));
		way = least(way, echo());
		measure_names(root, &c);
	}
	each = c.unknown / N_FILES / 4;
	snprintf(text, sizeof(text),
		 "open, stat, close: %.0f per second of files that are not known (4 answers each), "
		 "%.0f of one that is (3), %.0f as Linux asks; an answer takes %.1f us, the way "
		 "alone %.1f us (%.2f, bound 2.50); on the host %.0f",
		 N_FILES / c.unknown, N_FILES / c.known, N_FILES / c.as_linux, each * 1e6, way * 1e6,
		 each / way, N_FILES / host);
	judge(each <= 2.5 * way, text);
	return c;
}

/* The nacre device is not used any more: its rings and memory are gone. */
static void bench_peer(const char *virtiofsd, const char *dir, const struct names_cost *ours)
{
	struct names_cost c = {0};
	char text[400];

	vhost_start(virtiofsd, dir);
	init_session();
	for (int round = 0; round < ROUNDS; round++)
		measure_names(FUSE_ROOT_ID, &c);
	snprintf(text, sizeof(text),
		 "open, stat, close by virtiofsd: %.0f per second of files that are not known (nacre: "
		 "%.2f of that), %.0f of one that is (%.2f), %.0f as Linux asks (%.2f, bound 1.00)",
		 N_FILES / c.unknown, c.unknown / ours->unknown, N_FILES / c.known,
		 c.known / ours->known, N_FILES / c.as_linux, c.as_linux / ours->as_linux);
	judge(ours->as_linux <= c.as_linux, text);
}

static int make_files(const char *dir)
{
	char name[32], path[4200];
	int fd;

	for (uint32_t i = 0; i < N_FILES; i++) {
		name_of(i, name);
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		close(open(path, O_CREAT | O_WRONLY, 0644));
	}
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_RDWR | O_CREAT, 0644);
	MUST(fd >= 0);
	return fd;
}

int main(int argc, char **argv)
{
	struct names_cost names;
	uint64_t size;
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3) {
		fputs("usage: fs NACRE-FSD DIRECTORY [MIB [VIRTIOFSD]]\n", stderr);
		return 2;
	}
	size = (argc > 3 ? strtoul(argv[3], NULL, 10) : 32) << 20;
	fd = make_files(argv[2]);
	start_echo();
	start(argv[1], argv[2]);
	plain(true, fd, size);
	bench_transfer(false, fd, size);
	bench_transfer(true, fd, size);
	names = bench_names(argv[2]);
	if (argc > 4)
		bench_peer(argv[4], argv[2], &names);
	puts("end of suite");
	return failed;
}
