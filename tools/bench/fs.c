/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Speed of shared files without a guest: the virtio-fs device on fake guest memory, nacre-fsd as a
 * process of its own, and this program as the guest's driver (fs_driver.h).
 *
 *   fs NACRE-FSD DIRECTORY [MIB [VIRTIOFSD]]
 *
 * Sequential reads and writes of a file of MIB (default 256) in DIRECTORY, of 1 MiB each, which
 * is what the guest's kernel asks for at most; once with one request at a time and once with as
 * many as the ring has room for, as read-ahead and write-back do. Beside it pread() and pwrite() of
 * the same blocks. Wall time, and processor time of all that takes part, this driver included.
 *
 * Then 1000 files are opened, looked at and closed: by one request after the other (LOOKUP, OPEN,
 * GETATTR, RELEASE, FORGET), and as Linux does it (no GETATTR while the attributes of LOOKUP hold; FLUSH,
 * unless the server said that it wants none; nobody waits for RELEASE), files that it does not know
 * (LOOKUP first, FORGET in the end) and files that it does. The same calls on the host; and what
 * VIRTIOFSD does, the command line of a virtiofsd, with the same driver and fake memory that it shares
 * (fs_vhost.h). Needs root.
 *
 * Everything is measured in 30 rounds, each with all sides in turn, as other work on the machine comes
 * and goes. The median of the rounds' ratios counts; of reads and writes that of the shortest rounds stands beside.
 *
 * The bounds: reads and writes at 0.9 of the host's by the clock; an answer in at most 2.5 times what a
 * message takes over the same way (two eventfds, a socket, a second process) with nothing done for it,
 * which is what keeping the file server apart costs on this machine; files opened and closed as Linux
 * does it at the speed of VIRTIOFSD, if there is one.
 */
/* SOURCES: vmm/virtio_fs_send.c */
/* SOURCES: vmm/virtio_fs.c vmm/virtio_fs_session.c vmm/virtio_fs_broker.c vmm/virtio_fs_files.c vmm/virtio_fs_kept.c */
/* SOURCES: vmm/virtio_fs_io.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c */
/* SOURCES: vmm/log.c vmm/loop.c */
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fs_driver.h"
#include "fs_names.h"
#include "fs_vhost.h"
#include "plan.h"

static struct virtio_dev dev;
static struct gmem dev_mem; /* what the device sees: mem is also a virtiofsd's at times */

/* ---- the machine ---- */

static void on_lost(uint32_t container)
{
	fprintf(stderr, "nacre-fsd of container %u is gone\n", container);
	exit(2);
}

static void confine_nothing(void)
{
}

/* As KVM does it for a guest (KVM_IOEVENTFD): no register is written, no lock of the device taken. */
static void notify_nacre(uint32_t q)
{
	uint64_t one = 1;

	MUST(write(dev.kick[q].fd, &one, sizeof(one)) == sizeof(one));
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

/* With memory for `data` bytes of file. */
static void start(const char *fsd, const char *dir, uint64_t data)
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
	mem = (struct gmem){.n_regions = 1, .region = {{.base = FAKE_BASE, .size = MEMORY + data}}};
	mem.region[0].hva = mmap(NULL, MEMORY + data, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	MUST(mem.region[0].hva != MAP_FAILED);
	dev_mem = mem;
	pthread_barrier_init(&ready, NULL, 2);
	MUST(pthread_create(&thread, NULL, run_device, &pair[1]) == 0);
	pthread_barrier_wait(&ready);
	make_rings();
	driver_negotiate(&dev, FEATURES);
	for (uint32_t q = 0; q < FS_QUEUES; q++)
		driver_queue(&dev, q, &drv[q]);
	driver_ok(&dev);
	device.notify = notify_nacre;
	device.irq_fd = dev.irq_fd;
	device.id = PLAN_ID_BASE;
	device.event_idx = true;
	init_session();
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
	submit(slot, &r, writes ? sizeof(out) : sizeof(in), writes ? TO_DEVICE : FROM_DEVICE,
	       block_gpa(off));
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
		void *at = gmem_slice(&mem, GPA(block_gpa(off)), BLOCK);
		ssize_t n = writes ? pwrite(fd, at, BLOCK, (off_t)off)
				   : pread(fd, at, BLOCK, (off_t)off);

		MUST(n == BLOCK);
	}
	return cost_since(began);
}

/* What one round cost. */
struct round {
	struct cost host, one, full, anywhere;
};

static struct round transfer_round(bool writes, uint64_t node, uint64_t fh, int fd, uint64_t size)
{
	struct round r;

	r.host = plain(writes, fd, size);
	r.one = transfer(writes, node, fh, size, 1);
	r.full = transfer(writes, node, fh, size, SLOTS);
	scattered = true;
	r.anywhere = transfer(writes, node, fh, size, SLOTS);
	scattered = false;
	return r;
}

static void bench_transfer(bool writes, int fd, uint64_t size)
{
	uint64_t root = lookup(broker_root_node(0), "root").nodeid;
	uint64_t node = lookup(root, "file").nodeid, fh = open_node(node, O_RDWR).fh;
	double ratio[ROUNDS], each, host = 0, host_cpu = 0, one = 0, full = 0, full_cpu = 0, anywhere = 0;
	const double mib = (double)size / (1 << 20);
	char text[320];

	for (int i = 0; i < ROUNDS; i++) {
		struct round r = transfer_round(writes, node, fh, fd, size);

		host = least(host, r.host.wall);
		host_cpu = least(host_cpu, r.host.cpu);
		one = least(one, r.one.wall);
		full = least(full, r.full.wall);
		full_cpu = least(full_cpu, r.full.cpu);
		anywhere = least(anywhere, r.anywhere.wall);
		ratio[i] = r.host.wall / r.full.wall;
	}
	release(node, fh);
	each = median(ratio);
	snprintf(text, sizeof(text),
		 "%s of %u KiB: %s %.0f MiB/s; device, %u at a time: %.2f of it, median of rounds (bound 0.90; of the "
		 "least %.2f; by processor time %.2f); one at a time: %.2f; pages anywhere: %.2f",
		 writes ? "writes" : "reads", BLOCK / 1024, writes ? "pwrite()" : "pread()",
		 mib / host, SLOTS, each, host / full, host_cpu / full_cpu, host / one, host / anywhere);
	judge(each >= 0.9, text);
}

static void bench_names(const char *dir, const char *virtiofsd)
{
	uint64_t root = lookup(broker_root_node(0), "root").nodeid;
	double cold[ROUNDS], warm[ROUNDS], each, host = 0, way = 0;
	struct names_cost ours = {0}, theirs = {0};
	struct side nacre, peer;
	char text[400];

	if (virtiofsd) {
		put_aside(&nacre);
		vhost_start(virtiofsd, dir);
		init_session();
		put_aside(&peer);
		take_up(&nacre);
	}
	for (int i = 0; i < ROUNDS; i++) {
		struct names_cost a = measure_names(root), b;

		keep_least(&ours, &a);
		host = least(host, host_names(dir));
		way = least(way, echo());
		if (!virtiofsd)
			continue;
		take_up_instead(&nacre, &peer);
		b = measure_names(FUSE_ROOT_ID);
		take_up_instead(&peer, &nacre);
		keep_least(&theirs, &b);
		cold[i] = b.cold / a.cold;
		warm[i] = b.warm / a.warm;
	}
	each = ours.stepwise / N_FILES / 4;
	snprintf(text, sizeof(text),
		 "open, stat, close as Linux asks: %.0f per second of files that are not known, %.0f of "
		 "such that are; an answer takes %.1f us, the way alone %.1f us (%.2f, bound 2.50); on the "
		 "host %.0f per second",
		 N_FILES / ours.cold, N_FILES / ours.warm, each * 1e6, way * 1e6, each / way,
		 N_FILES / host);
	judge(each <= 2.5 * way, text);
	if (!virtiofsd)
		return;
	snprintf(text, sizeof(text),
		 "open, stat, close by virtiofsd: %.0f per second of files that are not known (nacre: "
		 "%.2f of that, bound 1.00), %.0f of such that are (%.2f, bound 1.00); medians of %d rounds",
		 N_FILES / theirs.cold, median(cold), N_FILES / theirs.warm, median(warm), ROUNDS);
	judge(median(cold) >= 1 && median(warm) >= 1, text);
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
	uint64_t size;
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3) {
		fputs("usage: fs NACRE-FSD DIRECTORY [MIB [VIRTIOFSD]]\n", stderr);
		return 2;
	}
	size = (argc > 3 ? strtoul(argv[3], NULL, 10) : 256) << 20;
	fd = make_files(argv[2]);
	start_echo();
	start(argv[1], argv[2], size);
	plain(true, fd, size);
	bench_transfer(false, fd, size);
	bench_transfer(true, fd, size);
	bench_names(argv[2], argc > 4 ? argv[4] : NULL);
	puts("end of suite");
	return failed;
}
