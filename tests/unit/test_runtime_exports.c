/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of what is shared with a VM: volumes with other owners, and volumes that are refused. Needs root. */
/* SOURCES: runtime/exports.c runtime/overlay.c runtime/visit.c runtime/userns.c runtime/mount_points.c runtime/mounts_below.c runtime/mount_options.c */
/* SOURCES: runtime/resolve.c */
/* SOURCES: runtime/arena.c runtime/failure.c runtime/config.c runtime/cpuset.c runtime/report.c */
/* LIBS: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/exports.h"
#include "runtime/mount_options.h"

static char place[] = "/var/tmp/nacre-exports.XXXXXX";

static int set_up(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	if (!mkdtemp(place) || chdir(place) < 0 || mkdir("root", 0755) < 0 ||
	    mkdir("volume", 0755) < 0 || close(creat("volume/file", 0644)) < 0 ||
	    chown("volume/file", 1000, 2000) < 0)
		return -1;
	return 0;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", place);
	return geteuid() != 0 || chdir("/") < 0 ? 0 : system(command);
}

struct opened {
	struct container_config config;
	struct exports exports;
	struct failure failure;
	struct config_mount *mount;
	int err;
};

static void begin(struct opened *o, const char *source)
{
	*o = (struct opened){ .exports = { .root_fd = -1 } };
	config_init(&o->config);
	o->config.root_path = arena_printf(&o->config.arena, "%s/root", place);
	o->mount = config_add_mount(&o->config.arena, &o->config.mounts);
	*o->mount = (struct config_mount){
		.destination = "/v", .type = "bind", .data = "", .is_bind = true,
		.source = source[0] == '/' ? source : arena_printf(&o->config.arena, "%s/%s", place,
								   source),
		.named = "mounts[0]",
	};
}

static void end(struct opened *o)
{
	exports_close(&o->exports);
	config_free(&o->config);
}

static void map_add(struct opened *o, struct config_id_maps *maps, uint32_t container, uint32_t host)
{
	*config_add_id_map(&o->config.arena, maps) =
		(struct config_id_map){ .container = container, .host = host, .size = 10 };
}

static void test_owners_are_mapped(void **state)
{
	struct opened o;
	struct stat st;

	(void)state;
	if (geteuid() != 0)
		skip();
	begin(&o, "volume");
	o.mount->idmapped = true;
	map_add(&o, &o.mount->uid_maps, 1000, 5000);
	map_add(&o, &o.mount->gid_maps, 2000, 7000);
	if (exports_open(&o.exports, &o.config, &o.failure) != 0) {
		/* a file system of the tests' machine may not know how */
		assert_non_null(strstr(o.failure.text, "idmap: refused by the kernel"));
		end(&o);
		skip();
	}
	assert_int_equal(fstatat(o.exports.volume_fds[0], "file", &st, 0), 0);
	assert_int_equal(st.st_uid, 5000);
	assert_int_equal(st.st_gid, 7000);
	assert_int_equal(stat("volume/file", &st), 0); /* as it was, on the host */
	assert_int_equal(st.st_uid, 1000);
	end(&o);

	/* without mappings of its own: the container's */
	begin(&o, "volume");
	o.mount->idmapped = true;
	map_add(&o, &o.config.uid_maps, 1000, 6000);
	map_add(&o, &o.config.gid_maps, 2000, 6000);
	assert_int_equal(exports_open(&o.exports, &o.config, &o.failure), 0);
	assert_int_equal(fstatat(o.exports.volume_fds[0], "file", &st, 0), 0);
	assert_int_equal(st.st_uid, 6000);
	end(&o);
}

static void expect_refused(const char *source, bool idmapped, const char *says)
{
	struct opened o;

	begin(&o, source);
	o.mount->idmapped = idmapped;
	assert_true(exports_open(&o.exports, &o.config, &o.failure) < 0);
	if (!strstr(o.failure.text, says))
		fail_msg("%s: \"%s\" does not say \"%s\"", source, o.failure.text, says);
	end(&o);
}

static void test_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	expect_refused("volume", true, "idmap: expected uidMappings and gidMappings");
	expect_refused("nothing", false, "nothing: expected a directory or a file");
	expect_refused("/proc", false, "cannot be shared with a VM");
	expect_refused("/sys", false, "cannot be shared with a VM");
	expect_refused("/dev/pts", false, "cannot be shared with a VM");
	expect_refused("/dev/null", false, "devices of the host cannot be shared");
}

static struct failure point_failure;

/* The mount point of one mount, made in root/. 0 or -errno. */
static int point_made(const char *destination, bool is_file)
{
	struct opened o;
	int root_fd = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int err;

	assert_true(root_fd >= 0);
	begin(&o, "volume");
	o.mount->destination = destination;
	o.mount->target_is_file = is_file;
	err = exports_make_needed(root_fd, &o.config, &o.failure);
	point_failure = o.failure;
	end(&o);
	close(root_fd);
	return err;
}

static void expect_made(const char *path, mode_t kind)
{
	struct stat st;

	if (lstat(path, &st) < 0 || (st.st_mode & S_IFMT) != kind)
		fail_msg("%s was not made", path);
}

/* Images name files by links to what is made at run time, /etc/resolv.conf to begin with. */
static void test_mount_points(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir("root/etc", 0755), 0);
	assert_int_equal(symlink("../run/resolve/stub.conf", "root/etc/resolv.conf"), 0);
	assert_int_equal(symlink("/../../jump/far", "root/there"), 0);
	assert_int_equal(symlink("loop2", "root/loop1"), 0);
	assert_int_equal(symlink("loop1", "root/loop2"), 0);
	assert_int_equal(point_made("/a/b/", false), 0);
	expect_made("root/a/b", S_IFDIR);
	assert_int_equal(point_made("/a/c", true), 0);
	expect_made("root/a/c", S_IFREG);
	assert_int_equal(point_made("/etc/resolv.conf", true), 0);
	expect_made("root/run/resolve/stub.conf", S_IFREG);
	expect_made("root/etc/resolv.conf", S_IFLNK);
	assert_int_equal(point_made("/there/file", true), 0);
	expect_made("root/jump/far/file", S_IFREG);
	assert_int_equal(access("jump", F_OK), -1); /* not beside the root */
	assert_int_equal(point_made("/loop1/x", false), -ELOOP);
	assert_non_null(strstr(point_failure.text, "mounts[0]: cannot make /loop1/x"));
	assert_int_equal(point_made("/a/c/x", false), -ENOTDIR);
}

static bool can_make(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		assert_int_equal(errno, EROFS);
		return false;
	}
	close(fd);
	return true;
}

static void expect_readonly(bool readonly_below, bool sub_too, bool guest_too)
{
	struct opened o;

	begin(&o, "volume");
	o.mount->flags = MS_RDONLY;
	o.mount->recursive = true;
	o.mount->readonly_below = readonly_below;
	assert_int_equal(exports_open(&o.exports, &o.config, &o.failure), 0);
	assert_false(can_make(o.exports.volume_fds[0], "x"));
	assert_int_equal(can_make(o.exports.volume_fds[0], "a b/x"), !sub_too);
	assert_int_equal(o.exports.volume_readonly[0], guest_too);
	assert_int_equal(o.mount->flags, guest_too ? MS_RDONLY : 0);
	end(&o);
}

/* OCI runtime-spec 1.2 config.md "Linux mount options": "ro" and "rro". */
static void test_readonly_with_mounts_below(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir("volume/a b", 0755), 0);
	expect_readonly(false, true, true); /* nothing is mounted there */
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("tmpfs", "volume/a b", "tmpfs", 0, NULL), 0);
	assert_true(mounts_below("volume"));
	assert_false(mounts_below("volume/a b"));
	assert_false(mounts_below("vol"));
	expect_readonly(false, false, false);
	expect_readonly(true, true, true);
	assert_int_equal(umount("volume/a b"), 0);
	assert_int_equal(rmdir("volume/a b"), 0);
}

/* What is written to it goes to the upper directory, and nobody else sees the mount. */
static void expect_overlay_refused(const char *data, const char *why)
{
	struct opened o;

	begin(&o, "overlay");
	o.mount->type = "overlay";
	o.mount->data = data;
	assert_true(exports_open(&o.exports, &o.config, &o.failure) < 0);
	if (!strstr(o.failure.text, why))
		fail_msg("%s", o.failure.text);
	end(&o);
}

static void test_an_overlay(void **state)
{
	char data[4097];
	struct opened o;
	struct stat st;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir("layers", 0755), 0);
	assert_int_equal(mount("tmpfs", "layers", "tmpfs", 0, NULL), 0); /* an overlay is no upper directory */
	assert_int_equal(mkdir("layers/upper", 0755), 0);
	assert_int_equal(mkdir("layers/work", 0755), 0);
	snprintf(data, sizeof(data), "lowerdir=%s/volume,upperdir=%s/layers/upper,workdir=%s/layers/work", place,
		 place, place);
	begin(&o, "overlay");
	o.mount->type = "overlay";
	o.mount->data = data;
	assert_int_equal(exports_open(&o.exports, &o.config, &o.failure), 0);
	assert_false(o.mount->target_is_file);
	assert_int_equal(fstatat(o.exports.volume_fds[0], "file", &st, 0), 0);
	assert_int_equal(st.st_uid, 1000);
	fd = openat(o.exports.volume_fds[0], "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(access("layers/upper/new", F_OK), 0);
	assert_int_equal(access("volume/new", F_OK), -1);
	assert_int_equal(access("root/file", F_OK), -1);
	end(&o);

	begin(&o, "overlay");
	o.mount->type = "overlay";
	o.mount->data = "lowerdir=/no/such/directory";
	assert_true(exports_open(&o.exports, &o.config, &o.failure) < 0);
	assert_non_null(strstr(o.failure.text, "mounts[0]: overlay \"lowerdir=/no/such/directory\": "));
	end(&o);
	expect_overlay_refused("lowerdir=/usr:/sys,userxattr", "mounts[0]: /sys: procfs, sysfs");
	expect_overlay_refused("lowerdir=/usr\\:a:/s\\ys", "mounts[0]: /sys: procfs, sysfs");
	expect_overlay_refused("userxattr,upperdir=/proc,workdir=/w,lowerdir=/usr", "mounts[0]: /proc: procfs, sysfs");
	memset(data, '/', sizeof(data) - 1);
	data[sizeof(data) - 1] = '\0';
	memcpy(data, "lowerdir=", 9);
	expect_overlay_refused(data, "expected at most 4095 bytes of options, not 4096");
	assert_int_equal(umount("layers"), 0);
}

#define ACCESS_TIMES (ST_NOATIME | ST_NODIRATIME | ST_RELATIME)

static void expect_access_times(uint32_t flags, unsigned long expected)
{
	struct opened o;
	struct statvfs fs;

	begin(&o, "volume");
	o.mount->flags = flags;
	o.mount->recursive = true;
	assert_int_equal(exports_open(&o.exports, &o.config, &o.failure), 0);
	assert_int_equal(fstatvfs(o.exports.volume_fds[0], &fs), 0);
	assert_int_equal(fs.f_flag & ACCESS_TIMES, expected);
	end(&o);
}

/* Of a tmpfs at volume/below, by an option of the bind above it. */
static void expect_access_times_below(const char *option, unsigned long expected)
{
	const char *why = NULL;
	struct opened o;
	struct statvfs fs;
	int fd;

	begin(&o, "volume");
	o.mount->recursive = true;
	assert_int_equal(mount_option_apply(o.mount, option, &o.config.arena, &why), 0);
	assert_int_equal(exports_open(&o.exports, &o.config, &o.failure), 0);
	fd = openat(o.exports.volume_fds[0], "below", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fstatvfs(fd, &fs), 0);
	assert_int_equal(fs.f_flag & ACCESS_TIMES, expected);
	close(fd);
	end(&o);
}

static void test_access_times(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	expect_access_times(MS_NOATIME | MS_NODIRATIME, ST_NOATIME | ST_NODIRATIME);
	expect_access_times(MS_STRICTATIME, 0);
	assert_int_equal(mkdir("volume/below", 0755), 0);
	assert_int_equal(mount("tmpfs", "volume/below", "tmpfs", 0, NULL), 0);
	expect_access_times_below("noatime", ST_RELATIME);
	expect_access_times_below("rnoatime", ST_NOATIME);
	expect_access_times_below("rstrictatime", 0);
	assert_int_equal(umount("volume/below"), 0);
	assert_int_equal(rmdir("volume/below"), 0);
}

static void expect_link(const char *path, const char *target)
{
	char found[64];
	ssize_t len = readlink(path, found, sizeof(found));

	if (len != (ssize_t)strlen(target) || memcmp(found, target, (size_t)len) != 0)
		fail_msg("%s: no link to %s", path, target);
}

/* All that nacre-init makes is there before the root is read-only, and not before it is sealed. */
static void test_sealed_root(void **state)
{
	struct config_mount *mount;
	struct opened o;
	struct stat st;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir("sealed", 0755), 0);
	assert_int_equal(mkdir("sealed/dev", 0755), 0);
	assert_int_equal(close(creat("sealed/dev/ptmx", 0644)), 0);
	begin(&o, "volume");
	o.config.root_path = arena_printf(&o.config.arena, "%s/sealed", place);
	o.config.root_readonly = true;
	o.config.process.cwd = "/new/place";
	o.config.process.terminal = true;
	o.config.notify_path = "/dev/notify";
	*config_add_device(&o.config.arena, &o.config.devices) =
		(struct config_device){ .path = "/opt/fuse", .kind = 'c' };
	*config_add_block(&o.config.arena, &o.config.blocks) =
		(struct config_block){ .guest = "/disks/a", .named = "--block" };
	assert_int_equal(exports_open(&o.exports, &o.config, &o.failure), 0);
	assert_int_equal(access("sealed/v", F_OK), -1);
	assert_int_equal(exports_seal(&o.exports, &o.config, &o.failure), 0);
	assert_string_equal(o.failure.text, "");
	expect_made("sealed/v", S_IFDIR);
	expect_made("sealed/new/place", S_IFDIR);
	expect_made("sealed/opt/fuse", S_IFREG);
	expect_made("sealed/disks/a", S_IFREG);
	expect_made("sealed/dev/null", S_IFREG);
	expect_made("sealed/dev/tty", S_IFREG);
	expect_made("sealed/dev/console", S_IFREG);
	expect_made("sealed/dev/notify", S_IFREG);
	expect_link("sealed/dev/fd", "/proc/self/fd");
	expect_link("sealed/dev/ptmx", "pts/ptmx");
	assert_int_equal(mkdirat(o.exports.root_fd, "late", 0755), -1);
	assert_int_equal(errno, EROFS);
	end(&o);

	/* again, and with mounts of its own there: nothing is missing, nothing more is made */
	begin(&o, "volume");
	o.mount->destination = "/dev/";
	mount = config_add_mount(&o.config.arena, &o.config.mounts);
	*mount = (struct config_mount){ .destination = "/tmp", .type = "tmpfs", .data = "size=1m" };
	mount = config_add_mount(&o.config.arena, &o.config.mounts);
	*mount = (struct config_mount){ .destination = "/tmp/x", .type = "tmpfs", .data = "" };
	mount = config_add_mount(&o.config.arena, &o.config.mounts);
	*mount = (struct config_mount){ .destination = "/opt", .type = "tmpfs", .data = "" };
	o.config.root_path = arena_printf(&o.config.arena, "%s/sealed", place);
	o.config.root_readonly = true;
	o.config.process.cwd = "/tmp/work";
	o.config.notify_path = "/dev/other";
	assert_int_equal(exports_open(&o.exports, &o.config, &o.failure), 0);
	assert_int_equal(exports_seal(&o.exports, &o.config, &o.failure), 0);
	assert_int_equal(stat("sealed/tmp", &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	/* for everybody where nothing was; else as what it covers, or as nacre-init finds it */
	assert_string_equal(o.config.mounts.v[1].data, "mode=1777,size=1m");
	assert_string_equal(o.config.mounts.v[2].data, "");
	assert_string_equal(o.config.mounts.v[3].data, "");
	assert_int_equal(access("sealed/tmp/work", F_OK), -1);
	assert_int_equal(access("sealed/dev/other", F_OK), -1);
	end(&o);

	/* one that may be written to is left to the guest */
	begin(&o, "volume");
	o.config.process.cwd = "/elsewhere";
	assert_int_equal(exports_open(&o.exports, &o.config, &o.failure), 0);
	assert_int_equal(exports_seal(&o.exports, &o.config, &o.failure), 0);
	assert_int_equal(access("root/elsewhere", F_OK), -1);
	end(&o);
}

/* Whoever renames without end, and be it in a container. */
static pid_t start_renaming(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (close(creat("here", 0644)) < 0)
			_exit(1);
		for (;;) {
			rename("here", "there");
			rename("there", "here");
		}
	}
	return pid;
}

/* A link with ".." in it, as images have them, while somebody on the host renames files: openat2(2), EAGAIN. */
static void test_renames_elsewhere(void **state)
{
	char target[3 * 300 + 8] = "";
	int root_fd, err = 0;
	struct opened o;
	pid_t renamer;

	(void)state;
	if (geteuid() != 0)
		skip();
	for (int i = 0; i < 300; i++)
		memcpy(target + (size_t)3 * (size_t)i, "../", 4);
	strcat(target, "run");
	assert_int_equal(mkdir("busy", 0755), 0);
	assert_int_equal(mkdir("busy/run", 0755), 0);
	assert_int_equal(mkdir("busy/var", 0755), 0);
	assert_int_equal(symlink(target, "busy/var/run"), 0);
	begin(&o, "volume");
	o.mount->destination = "/var/run/here";
	o.config.process.cwd = "/var/run/there";
	root_fd = open("busy", O_PATH | O_DIRECTORY | O_CLOEXEC);
	renamer = start_renaming();
	for (int i = 0; i < 2000 && !err; i++)
		err = exports_make_needed(root_fd, &o.config, &o.failure);
	kill(renamer, SIGKILL);
	waitpid(renamer, NULL, 0);
	assert_string_equal(o.failure.text, "");
	assert_int_equal(err, 0);
	close(root_fd);
	end(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owners_are_mapped),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_mount_points),
		cmocka_unit_test(test_access_times),
		cmocka_unit_test(test_sealed_root),
		cmocka_unit_test(test_renames_elsewhere),
		/* these are in a mount namespace of their own */
		cmocka_unit_test(test_readonly_with_mounts_below),
		cmocka_unit_test(test_an_overlay),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
