/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-fs device and nacre-fsd behind a real FUSE client: this machine's kernel.
 *
 * Two processes. One is nacre-fsd, confined as it always is, in a user namespace whose ids begin at
 * PLAN_ID_BASE. One is the device on fake guest memory, which puts what it reads from /dev/fuse on
 * the rings and writes what comes back to it. Who works in the mounted file system does it as a
 * container would: in a user namespace whose id c is PLAN_ID_BASE + c outside. Needs root and
 * /dev/fuse.
 *
 * Everything is static: for the one source file of a program.
 */
#ifndef NACRE_TESTS_BRIDGE_H
#define NACRE_TESTS_BRIDGE_H

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fsd/serve.h"
#include "fsd/slow.h"
#include "fsd/stages.h"
#include "plan.h"
#include "tests/must.h"
#include "tests/unit/fake_driver.h"
#include "vmm/virtio_fs_core.h"

#define SLOTS      32u
#define SLOT_IN    (FS_WRITE_MAX + 0x1000u)
#define SLOT_OUT   (FS_WRITE_MAX + 0x1000u)
#define SLOT_BYTES (SLOT_IN + SLOT_OUT)
#define RINGS      0x20000u

static char dir[64], at[64]; /* exported, mounted */
static pid_t fsd_pid, bridge_pid;

/* ---- nacre-fsd ---- */

static struct fsd fsd;

/* A user namespace with the map "inside outside 65536", as a descriptor. */
static int make_user_ns(const char *map)
{
	static const char *const files[] = {"uid_map", "gid_map"};
	int ready[2], fd;
	char path[64], c;
	pid_t pid;

	MUST(pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) == 0)
			(void)!write(ready[1], "", 1);
		pause();
		_exit(0);
	}
	MUST(read(ready[0], &c, 1) == 1);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
		fd = open(path, O_WRONLY);
		MUST(write(fd, map, strlen(map)) == (ssize_t)strlen(map));
		close(fd);
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	return fd;
}

static int fail_stage(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	return 1;
}

static int no_filter(void)
{
	return 0;
}

/* As main() of nacre-fsd has it; the same directory is root and volume 0. */
static int run_fsd(int socket_fd, int user_ns_fd)
{
	int root_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int volume_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int proc_fd, proc_self_fd, err;
	uint32_t max_fds;

	err = stage_open_proc(&fsd.exports, &proc_fd, &proc_self_fd);
	if (!err)
		err = stage_enter_mounts(&fsd.exports, -1, proc_self_fd, proc_fd);
	if (!err)
		err = stage_enter_user(user_ns_fd);
	if (!err)
		err = stage_drop_capabilities();
	if (!err)
		err = stage_set_limits(&max_fds);
	if (!err)
		err = stage_close_others((int[]){2, socket_fd, proc_fd, root_fd, volume_fd}, 5);
	if (err)
		return fail_stage("stage", err);
	err = fsd_init(&fsd, 0, proc_fd, NODE_MAX, max_fds - FSD_FDS_OWN);
	if (!err)
		err = export_add(&fsd.exports, root_fd, false);
	if (!err)
		err = node_add_export(&fsd.nodes, EXPORT_ROOT);
	if (!err)
		err = export_add(&fsd.exports, volume_fd, false) - 1;
	if (!err)
		err = node_add_export(&fsd.nodes, EXPORT_ROOT + 1);
	if (err)
		return fail_stage("export", err);
	err = slow_start(&fsd, socket_fd, no_filter);
	if (!err)
		err = serve(&fsd, socket_fd);
	return err ? fail_stage("serve", err) : 0;
}

/* ---- the device, and /dev/fuse in the place of a driver ---- */

static struct gmem mem;
static struct virtio_dev dev;
static struct fake_driver drv[FS_QUEUES];
static struct loop_source fuse_src, irq_src;
static uint32_t free_slots; /* bits */
static uint8_t buffer[SLOT_IN];
static enum broker_class mount_class;

static uint64_t slot_gpa(uint32_t slot)
{
	return FAKE_BASE + RINGS + (uint64_t)slot * SLOT_BYTES;
}

/* Takes what the device has put back. */
static void on_used(void *ctx, uint32_t events)
{
	uint32_t head, len;
	uint64_t count;

	(void)ctx;
	(void)events;
	(void)!read(dev.irq_fd, &count, sizeof(count));
	pthread_mutex_lock(&dev.lock);
	for (uint32_t q = 0; q < FS_QUEUES; q++) {
		while (fake_used(&drv[q], &head, &len)) {
			uint32_t slot = head / 2;

			/* The client may have been killed: ENOENT then. */
			if (len)
				(void)!write(fuse_src.fd,
					     gmem_slice(&mem, GPA(slot_gpa(slot) + SLOT_IN), len),
					     len);
			free_slots |= 1u << slot;
		}
	}
	pthread_mutex_unlock(&dev.lock);
	loop_arm(&fuse_src, free_slots ? EPOLLIN : 0);
}

/* One request from the kernel onto a ring. */
static void on_fuse(void *ctx, uint32_t events)
{
	uint32_t slot = (uint32_t)__builtin_ctz(free_slots), q;
	uint16_t head = (uint16_t)(2 * slot);
	const struct fuse_in_header *h = (const void *)buffer;
	ssize_t n = read(fuse_src.fd, buffer, sizeof(buffer));

	(void)ctx;
	if (n < 0 && errno == ENODEV)
		_exit(0); /* unmounted */
	if (n < 0) {
		if (events & EPOLLERR)
			_exit(0);
		return;
	}
	free_slots &= ~(1u << slot);
	q = h->opcode == FUSE_FORGET || h->opcode == FUSE_BATCH_FORGET ? FS_QUEUE_HIPRIO
								       : FS_QUEUE_REQUEST;
	fake_put(&mem, slot_gpa(slot), buffer, (size_t)n);
	fake_desc(&drv[q], head, slot_gpa(slot), (uint32_t)n, FAKE_NEXT, (uint16_t)(head + 1));
	fake_desc(&drv[q], (uint16_t)(head + 1), slot_gpa(slot) + SLOT_IN, SLOT_OUT, FAKE_WRITE, 0);
	fake_offer(&drv[q], head);
	driver_notify(&dev, q);
	if (!free_slots)
		loop_arm(&fuse_src, 0);
}

static void on_lost(uint32_t container)
{
	fprintf(stderr, "nacre-fsd of container %u is gone\n", container);
	_exit(1);
}

static void confine_nothing(void)
{
}

/* As nacre-vmm is: without a capability. Its writes take set-user-id bits off for that reason. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	return (int)syscall(SYS_capset, &h, none);
}

static int run_bridge(int fuse_fd, int broker_fd)
{
	mem = (struct gmem){.n_regions = 1,
			    .region = {{.base = FAKE_BASE, .size = RINGS + SLOTS * SLOT_BYTES}}};
	mem.region[0].hva = mmap(NULL, mem.region[0].size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	free_slots = UINT32_MAX;
	if (drop_capabilities() || loop_init() || virtio_fs_init(&dev, mount_class) ||
	    mmio_attach(&dev, &mem) || virtio_fs_add_broker(0, broker_fd, on_lost) ||
	    virtio_fs_start_workers(confine_nothing))
		return 1;
	driver_negotiate(&dev, FEATURE_VERSION_1);
	for (uint32_t q = 0; q < FS_QUEUES; q++) {
		drv[q] = fake_driver_at(&mem, FAKE_BASE + 0x8000u * q,
					dev_queue_size_max(&dev, q));
		driver_queue(&dev, q, &drv[q]);
	}
	driver_ok(&dev);
	loop_add(&fuse_src, fuse_fd, EPOLLIN, on_fuse, NULL);
	loop_add(&irq_src, dev.irq_fd, EPOLLIN, on_used, NULL);
	loop_run();
}

/* Mounts `dir` at `at`, as a root file system or a volume (mount_class). */
static void start_processes(void)
{
	int pair[2], fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128], map[64];
	int user_ns;

	MUST(fuse_fd >= 0);
	snprintf(map, sizeof(map), "%u 0 65536", PLAN_ID_BASE);
	user_ns = make_user_ns(map);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	fsd_pid = fork();
	if (fsd_pid == 0)
		_exit(run_fsd(pair[0], user_ns));
	close(pair[0]);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions",
		 fuse_fd);
	MUST(mount("nacre", at, "fuse", MS_NODEV, options) == 0);
	bridge_pid = fork();
	if (bridge_pid == 0)
		_exit(run_bridge(fuse_fd, pair[1]));
	close(pair[1]);
	close(fuse_fd);
	close(user_ns);
}

/* The mounted tree's own root, as a path. */
static void bridge_root(char *path, size_t size)
{
	snprintf(path, size, "%s/0/%s", at, mount_class == BROKER_CLASS_ROOT ? "root" : "mounts/0");
}

/* In a child: the container's root directory and user namespace (by make_user_ns), as this uid of
 * it. */
static int enter_container(int user_ns, uid_t uid)
{
	char root[80];

	bridge_root(root, sizeof(root));
	/* By way of the container's root: leaving its uid takes the capabilities away. */
	if (chdir(root) < 0 || setns(user_ns, CLONE_NEWUSER) < 0 || setgid(uid) < 0 ||
	    setuid(0) < 0 || setuid(uid) < 0)
		return -1;
	return 0;
}

#endif
