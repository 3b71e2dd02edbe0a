/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest machine; see machine.h.
 *
 * The kernel unpacks the initramfs into "rootfs", which can be neither unmounted nor the old root
 * of pivot_root(2). So a tmpfs gets the other file systems mounted below it and is then moved over
 * "/": every mount namespace copied from here has a root that pivot_root accepts.
 *
 * A user namespace may mount proc and sysfs only if it sees an instance that nothing covers (kernel
 * 6.1, fs/namespace.c mnt_already_visible): therefore /proc and /sys stay whole here,
 * /sys/fs/cgroup excepted, which sysfs keeps as an empty mount point.
 */
#include "machine.h"

#include <errno.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>

#include "kernel.h"
#include "plan.h"

/* A clock that is wrong by more is set at once. */
#define STEP_NS 50000000

/* A session has up to nine descriptors here. */
#define FILES_OF_INIT 8192u

static int kmsg_fd = -1;

struct early_mount {
	const char *source, *path, *type, *data;
	unsigned long flags;
};

/*
 * All but the first are below the first, which becomes "/". Access times are left at relatime: the
 * kernel compares them when a container mounts proc or sysfs.
 */
static const struct early_mount early_mounts[] = {
	{ "nacre", "/m", "tmpfs", "mode=0755,size=4m", MS_NODEV | MS_NOSUID },
	{ "proc", "/m/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "sysfs", "/m/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "cgroup2", "/m/sys/fs/cgroup", "cgroup2", "nsdelegate,memory_recursiveprot",
	  MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "devtmpfs", "/m/dev", "devtmpfs", "mode=0755", MS_NOSUID | MS_NOEXEC },
};

static const char *const directories[] = {
	"/run", "/run/nacre", MACHINE_ROOTS, MACHINE_VOLUMES, MACHINE_PIVOT, MACHINE_DEVICES,
	MACHINE_CGROUP,
};

void machine_log(const char *format, ...)
{
	char line[512];
	va_list ap;
	int n = snprintf(line, sizeof(line), "nacre-init: ");

	va_start(ap, format);
	vsnprintf(line + n, sizeof(line) - (size_t)n, format, ap);
	va_end(ap);
	if (kmsg_fd >= 0 && write(kmsg_fd, line, strlen(line)) < 0)
		return; /* there is no other place to complain */
}

void machine_reset(void)
{
	/* PID 1 must not end: whatever happens, ask again. */
	for (;;) {
		reboot(RB_AUTOBOOT);
		sleep(1);
	}
}

void machine_die(const char *format, ...)
{
	char line[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	machine_log("%s", line);
	machine_reset();
}

/* Descriptors 0, 1 and 2 are /dev/null: nothing that is opened later may become one of them. */
static void fill_stdio(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd < 0)
		machine_die("/dev/null: %s", strerror(errno));
	for (int i = 0; i <= STDERR_FILENO; i++) {
		if (fd != i && dup2(fd, i) < 0)
			machine_die("descriptor %d: %s", i, strerror(errno));
	}
	if (fd > STDERR_FILENO)
		close(fd);
	kmsg_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
}

/* Lets the children of a cgroup use every controller there is. A missing one is not an error. */
static void enable_controllers(const char *cgroup)
{
	char path[128], names[256], word[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.controllers", cgroup);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, names, sizeof(names) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return;
	names[n] = 0;
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	for (char *save, *c = strtok_r(names, " \n", &save); c; c = strtok_r(NULL, " \n", &save)) {
		snprintf(word, sizeof(word), "+%s", c);
		if (fd < 0 || write(fd, word, strlen(word)) < 0)
			machine_log("%s: controller %s: %s", cgroup, c, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
}

void machine_mount(void)
{
	struct rlimit files = { FILES_OF_INIT, MACHINE_FILES_HARD };

	umask(0);
	for (size_t i = 0; i < sizeof(early_mounts) / sizeof(early_mounts[0]); i++) {
		const struct early_mount *m = &early_mounts[i];
		int r;

		if (mkdir(m->path, 0755) < 0 && errno != EEXIST)
			machine_die("%s: %s", m->path, strerror(errno));
		r = kernel_mount(m->source, m->path, m->type, m->flags, m->data);
		if (r < 0)
			machine_die("mount of %s: %s", m->type, strerror(-r));
	}
	if (chdir("/m") < 0 || kernel_mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		machine_die("move of the root: %s", strerror(errno));
	fill_stdio();
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		if (strcmp(directories[i], MACHINE_CGROUP) == 0)
			enable_controllers("/sys/fs/cgroup");
		if (mkdir(directories[i], 0755) < 0 && errno != EEXIST)
			machine_die("%s: %s", directories[i], strerror(errno));
	}
	enable_controllers(MACHINE_CGROUP);
	setrlimit(RLIMIT_NOFILE, &files);
	umask(022);
}

void machine_sync(void)
{
	static const char *const shares[] = { MACHINE_ROOTS, MACHINE_VOLUMES };

	for (unsigned int i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		int fd = open(shares[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			continue;
		(void)syncfs(fd);
		close(fd);
	}
}

void machine_set_parameters(void)
{
	static const struct {
		const char *path;
		uint32_t value;
	} parameters[] = {
		/* Debian's kernel has Yama, but lets everybody trace everybody; others say "children only". */
		{ "/proc/sys/kernel/yama/ptrace_scope", 1 },
		{ "/proc/sys/fs/nr_open", PLAN_NOFILE_MAX },
		/* Search engines and databases want more than the kernel's 65530; distributions give this. */
		{ "/proc/sys/vm/max_map_count", 1048576 },
	};

	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		int fd = open(parameters[i].path, O_WRONLY | O_CLOEXEC);
		char value[16];
		int len = snprintf(value, sizeof(value), "%u", parameters[i].value);

		if (fd < 0 || write(fd, value, (size_t)len) != len)
			machine_die("%s: %s", parameters[i].path, strerror(errno));
		close(fd);
	}
}

int machine_reseed(const uint8_t *seed, uint32_t len)
{
	/* struct rand_pool_info of <linux/random.h>, which ends in an array of no size. */
	struct {
		int entropy_count, buf_size;
		uint8_t bytes[64];
	} pool = { .entropy_count = (int)len * 8, .buf_size = (int)len };
	int fd, r;

	if (len > sizeof(pool.bytes))
		return -EINVAL;
	memcpy(pool.bytes, seed, len);
	fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = ioctl(fd, RNDADDENTROPY, &pool) < 0 || ioctl(fd, RNDRESEEDCRNG, NULL) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int machine_set_clock(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};

	return clock_settime(CLOCK_REALTIME, &ts) < 0 ? -errno : 0;
}

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int machine_set_clock_forward(uint64_t ns)
{
	return ns > clock_now() ? machine_set_clock(ns) : 0;
}

int machine_adjust_clock(uint64_t ns, uint64_t tolerance)
{
	struct timex slew = { .modes = ADJ_OFFSET_SINGLESHOT };
	int64_t off = (int64_t)(ns - clock_now());

	if ((uint64_t)(off < 0 ? -off : off) <= tolerance)
		return 0;
	/* Only as far as is certain: `ns` itself may be wrong by as much. */
	off += off < 0 ? (int64_t)tolerance : -(int64_t)tolerance;
	if (off > STEP_NS || off < -STEP_NS)
		return machine_set_clock(clock_now() + (uint64_t)off);
	slew.offset = (long)(off / 1000);
	return adjtimex(&slew) < 0 ? -errno : 0;
}
