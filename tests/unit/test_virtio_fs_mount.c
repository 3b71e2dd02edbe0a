/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre-fsd and the virtio-fs device behind a real FUSE client: this machine's kernel.
 *
 * tests/files/bridge.h has how it is put together; the tests work in the mounted file system as a
 * container would.
 */
/* SOURCES: vmm/virtio_fs_send.c */
/* SOURCES: vmm/virtio_fs.c vmm/virtio_fs_session.c vmm/virtio_fs_broker.c vmm/virtio_fs_files.c vmm/virtio_fs_kept.c */
/* SOURCES: vmm/virtio_fs_io.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c vmm/log.c vmm/loop.c */
/* SOURCES: fsd/request.c fsd/lookup.c fsd/attr.c fsd/open.c fsd/create.c fsd/name.c fsd/dir.c */
/* SOURCES: fsd/xattr.c fsd/node.c fsd/node_fds.c fsd/node_find.c fsd/handle.c fsd/export.c fsd/sys.c */
/* SOURCES: fsd/slow.c */
/* SOURCES: fsd/serve.c fsd/stages.c */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/files/bridge.h"

/* ---- set-up ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int start(void **state)
{
	(void)state;
	umask(0);
	strcpy(dir, "/tmp/nacre-test-export-XXXXXX");
	strcpy(at, "/tmp/nacre-test-mount-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_non_null(mkdtemp(at));
	assert_int_equal(chmod(dir, 0755), 0); /* the container's root directory */
	if (geteuid() != 0 || access("/dev/fuse", W_OK) < 0)
		return 0;
	start_processes();
	return 0;
}

static int start_volume(void **state)
{
	mount_class = BROKER_CLASS_VOLUME;
	return start(state);
}

static int stop(void **state)
{
	int status = 0;

	(void)state;
	mount_class = BROKER_CLASS_ROOT;
	if (fsd_pid) {
		/* Both end by themselves when the mount is gone. */
		assert_int_equal(umount2(at, 0), 0);
		waitpid(bridge_pid, &status, 0);
		assert_int_equal(status, 0);
		waitpid(fsd_pid, &status, 0);
		assert_int_equal(status, 0);
		fsd_pid = 0;
	}
	rmdir(at);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

/* Runs fn in a child in the root directory of the container, as the container's uid. */
static void in_container(void (*fn)(void), uid_t uid)
{
	char map[64];
	int user_ns, status;
	pid_t pid;

	if (!fsd_pid) {
		print_message("skipped: needs root and /dev/fuse\n");
		skip();
	}
	snprintf(map, sizeof(map), "0 %u 65536", PLAN_ID_BASE);
	user_ns = make_user_ns(map);
	pid = fork();
	if (pid == 0) {
		if (enter_container(user_ns, uid) < 0) {
			perror("entering the container");
			_exit(1);
		}
		fn();
		fflush(NULL);
		_exit(0);
	}
	close(user_ns);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

/* In the child cmocka's checks would unwind into the parent's test: a line and an exit. */
#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #cond,       \
				errno);                                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static struct stat host_stat(const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(lstat(path, &st), 0);
	return st;
}

/* ---- tests ---- */

static void write_pattern(int fd, size_t len, unsigned int seed)
{
	static uint8_t block[65537];

	for (size_t done = 0; done < len;) {
		size_t n = len - done < sizeof(block) ? len - done : sizeof(block);

		for (size_t i = 0; i < n; i++)
			block[i] = (uint8_t)((done + i) * 31 >> 3 ^ seed);
		CHECK(write(fd, block, n) == (ssize_t)n);
		done += n;
	}
}

static void check_pattern(int fd, size_t len, unsigned int seed)
{
	uint8_t *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < len; i++) {
		if (p[i] != (uint8_t)(i * 31 >> 3 ^ seed)) {
			fprintf(stderr, "byte %zu is %02x\n", i, p[i]);
			_exit(1);
		}
	}
	munmap(p, len);
}

static void do_data(void)
{
	const size_t len = 5000001;
	int fd = open("data", O_RDWR | O_CREAT | O_EXCL, 0644), fd2;
	char text[16];

	CHECK(fd >= 0);
	write_pattern(fd, len, 5);
	CHECK(fsync(fd) == 0);
	CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	check_pattern(fd, len, 5);
	/* Around the cache, in both directions. */
	fd2 = open("data", O_RDWR | O_DIRECT);
	if (fd2 >= 0) {
		uint8_t *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		CHECK(pread(fd2, block, 1 << 20, 4096) == 1 << 20);
		CHECK(block[0] == (uint8_t)(4096 * 31 >> 3 ^ 5));
		CHECK(pwrite(fd2, block, 1 << 20, 4096) == 1 << 20);
		close(fd2);
	}
	check_pattern(fd, len, 5);
	/* What nacre-fsd does on threads of its own. */
	CHECK(syncfs(fd) == 0 && fdatasync(fd) == 0);
	fd2 = open("copy", O_RDWR | O_CREAT, 0644);
	CHECK(copy_file_range(fd, &(off_t){0}, fd2, NULL, len, 0) > 0);
	close(fd2);
	/* Appending by two. */
	fd2 = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
	close(fd);
	fd = open("log", O_RDWR | O_APPEND);
	CHECK(write(fd2, "one,", 4) == 4 && write(fd, "two,", 4) == 4 &&
	      write(fd2, "three", 5) == 5);
	CHECK(pread(fd, text, sizeof(text), 0) == 13 && !memcmp(text, "one,two,three", 13));
	CHECK(ftruncate(fd, 3) == 0 && write(fd, "!", 1) == 1);
	CHECK(pread(fd, text, sizeof(text), 0) == 4 && !memcmp(text, "one!", 4));
	close(fd2);
	close(fd);
	fd = open("log", O_RDWR | O_TRUNC);
	CHECK(lseek(fd, 0, SEEK_END) == 0);
	CHECK(fallocate(fd, 0, 0, 1 << 16) == 0 && lseek(fd, 0, SEEK_END) == 1 << 16);
	close(fd);
}

static void test_data(void **state)
{
	(void)state;
	in_container(do_data, 0);
	/* Host root owns what container root made: the map is 2^31 to 0. */
	assert_int_equal(host_stat("data").st_uid, 0);
	assert_int_equal(host_stat("data").st_size, 5000001);
	assert_int_equal(host_stat("log").st_size, 1 << 16);
}

static void do_names(void)
{
	struct stat st;
	char text[32];
	int fd;

	CHECK(mkdir("d", 0751) == 0 && mkdir("d/e", 0700) == 0);
	CHECK(symlink("../else where", "d/link") == 0);
	CHECK(readlink("d/link", text, sizeof(text)) == 13);
	fd = open("f", O_RDWR | O_CREAT, 0640);
	CHECK(fd >= 0 && link("f", "d/hard") == 0 && fstat(fd, &st) == 0 && st.st_nlink == 2);
	CHECK(rename("f", "d/e/f") == 0 && rename("d", "D") == 0);
	CHECK(stat("D/e/f", &st) == 0 && stat("f", &st) < 0 && errno == ENOENT);
	CHECK(unlink("D/hard") == 0 && unlink("D/e/f") == 0);
	/* Unlinked, it can still be used. */
	CHECK(write(fd, "ghost", 5) == 5 && pread(fd, text, 5, 0) == 5 && fstat(fd, &st) == 0);
	CHECK(st.st_nlink == 0 && st.st_size == 5 && fchmod(fd, 0600) == 0);
	close(fd);
	CHECK(rmdir("D/e") == 0 && unlink("D/link") == 0);
	CHECK(mkfifo("fifo", 0600) == 0);
	/* A FIFO is the guest kernel's own. */
	fd = open("fifo", O_RDWR | O_NONBLOCK);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
	CHECK(open("D/../../..", O_TMPFILE | O_RDWR, 0600) < 0);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	CHECK(fd >= 0 || errno == EOPNOTSUPP);
	if (fd >= 0)
		CHECK(write(fd, "x", 1) == 1 && close(fd) == 0);
	CHECK(chdir("D") == 0 && rmdir("../D") == 0 && stat(".", &st) == 0);
}

static void test_names(void **state)
{
	(void)state;
	in_container(do_names, 0);
	assert_int_equal(host_stat("fifo").st_mode, S_IFIFO | 0600);
}

static void do_rights_as_root(void)
{
	struct stat st;
	int fd;

	umask(027);
	fd = open("masked", O_RDWR | O_CREAT, 0666);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0640 && st.st_uid == 0);
	close(fd);
	umask(0);
	CHECK(mkdir("open", 01777) == 0 && mkdir("group", 0775) == 0);
	CHECK(chown("group", 0, 500) == 0 && chmod("group", 02775) == 0);
	CHECK(mkdir("group/in", 0755) == 0);
	CHECK(stat("group/in", &st) == 0 && st.st_gid == 500 && (st.st_mode & S_ISGID));
	CHECK(close(open("given", O_CREAT | O_WRONLY, 0644)) == 0);
	CHECK(chown("given", 1000, 1001) == 0 && chmod("given", 06755) == 0);
	CHECK(stat("given", &st) == 0 && st.st_uid == 1000 && (st.st_mode & 07777) == 06755);
	CHECK(close(open("secret", O_CREAT | O_WRONLY, 0600)) == 0);
	CHECK(setxattr("given", "user.note", "hello", 5, 0) == 0);
	CHECK(getxattr("given", "user.note", NULL, 0) == 5);
	CHECK(setxattr("given", "trusted.x", "hello", 5, 0) < 0);
	CHECK(mknod("device", S_IFCHR | 0666, 0x103) < 0 && errno == EPERM);
	CHECK(flock(open("given", O_RDONLY), LOCK_EX) == 0);
}

static void do_rights_as_user(void)
{
	struct stat st;
	int fd;

	CHECK(stat("secret", &st) == 0);
	CHECK(open("secret", O_RDONLY) < 0 && errno == EACCES);
	CHECK(open("new", O_CREAT | O_WRONLY, 0644) < 0 && errno == EACCES);
	fd = open("open/mine", O_CREAT | O_WRONLY, 0600);
	CHECK(fd >= 0 && close(fd) == 0);
	CHECK(stat("open/mine", &st) == 0 && st.st_uid == 1000 && st.st_gid == 1000);
	CHECK(chown("open/mine", 0, 0) < 0 && errno == EPERM);
	CHECK(unlink("masked") < 0 && errno == EACCES);
	/* Writing takes set-user-id away. */
	fd = open("given", O_WRONLY);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
	CHECK(stat("given", &st) == 0 && (st.st_mode & 07777) == 0755);
}

static void test_rights(void **state)
{
	(void)state;
	in_container(do_rights_as_root, 0);
	assert_int_equal(host_stat("given").st_uid, 1000);
	in_container(do_rights_as_user, 1000);
	assert_int_equal(host_stat("open/mine").st_uid, 1000);
	assert_int_equal(host_stat("given").st_mode & 07777, 0755);
}

/*
 * Set-user-id and set-group-id. The guest's kernel writes cached data out before it sends a mode,
 * so what was written before a chmod() cannot take the new bits off on its way to the host.
 */
static void do_set_id(void)
{
	const struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 6}};
	int fd = open("by-fd", O_RDWR | O_CREAT | O_EXCL, 0600), fd2;

	write_pattern(fd, 1000001, 1);
	CHECK(fchmod(fd, 06755) == 0 && close(fd) == 0);
	fd = open("by-name", O_WRONLY | O_CREAT | O_EXCL, 0600);
	write_pattern(fd, 1000001, 2);
	CHECK(chmod("by-name", 06755) == 0 && close(fd) == 0);
	/* As dpkg does. */
	fd = open("with-owner", O_WRONLY | O_CREAT | O_EXCL, 0);
	write_pattern(fd, 1000001, 3);
	CHECK(fchown(fd, 7, 8) == 0 && fchmod(fd, 06755) == 0 && fsync(fd) == 0 && close(fd) == 0);
	CHECK(utimensat(AT_FDCWD, "with-owner", times, 0) == 0);
	/* Written by one handle, its mode set by another; renamed, with a second name. */
	fd = open("by-two", O_WRONLY | O_CREAT | O_EXCL, 0600);
	fd2 = open("by-two", O_RDWR);
	write_pattern(fd, 1000001, 4);
	CHECK(fchmod(fd2, 06755) == 0 && link("by-two", "linked") == 0);
	CHECK(rename("by-two", "renamed") == 0 && close(fd) == 0 && close(fd2) == 0);
}

static void test_set_id(void **state)
{
	static const char *const names[] = {"by-fd", "by-name", "with-owner", "linked", "renamed"};

	(void)state;
	in_container(do_set_id, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(host_stat(names[i]).st_mode & 07777, 06755);
		assert_int_equal(host_stat(names[i]).st_size, 1000001);
	}
}

/* Every way to change what a set-user-id file holds, or whose it is. */
static const char *const kill_ways[] = {"write", "append", "direct", "truncate", "ftruncate",
					"open",  "extend", "punch",  "copy",     "beside"};
#define N_KILL_WAYS (sizeof(kill_ways) / sizeof(kill_ways[0]))

static void do_make_victims(void)
{
	for (size_t i = 0; i < N_KILL_WAYS; i++) {
		int fd = open(kill_ways[i], O_RDWR | O_CREAT | O_EXCL, 0600);

		write_pattern(fd, 8192, 6);
		CHECK(close(fd) == 0 && chmod(kill_ways[i], 06777) == 0);
	}
}

static void do_kill(void)
{
	static _Alignas(4096) char block[4096];
	int fd[N_KILL_WAYS];

	for (size_t i = 0; i < N_KILL_WAYS; i++) {
		fd[i] = open(kill_ways[i], i == 1 ? O_RDWR | O_APPEND : O_RDWR);
		CHECK(fd[i] >= 0);
	}
	CHECK(write(fd[0], "x", 1) == 1 && write(fd[1], "x", 1) == 1);
	close(fd[2]);
	fd[2] = open(kill_ways[2], O_WRONLY | O_DIRECT);
	if (fd[2] < 0) /* not on this file system */
		fd[2] = open(kill_ways[2], O_WRONLY);
	CHECK(write(fd[2], block, sizeof(block)) == sizeof(block));
	CHECK(truncate(kill_ways[3], 3) == 0 && ftruncate(fd[4], 3) == 0);
	CHECK(close(open(kill_ways[5], O_WRONLY | O_TRUNC)) == 0);
	CHECK(fallocate(fd[6], 0, 0, 16384) == 0);
	/* PUNCH_HOLE with KEEP_SIZE. */
	CHECK(fallocate(fd[7], 3, 0, 4096) == 0);
	CHECK(copy_file_range(fd[0], &(off_t){0}, fd[8], &(off_t){0}, 4096, 0) > 0);
	/* Another has it open for writing as well, and closes last. */
	fd[0] = open(kill_ways[9], O_RDWR);
	CHECK(pwrite(fd[9], "x", 1, 0) == 1 && close(fd[9]) == 0 && close(fd[0]) == 0);
}

/* The guest says that its writer has no CAP_FSETID, or the host takes the bits off by itself. */
static void test_set_id_killed(void **state)
{
	(void)state;
	in_container(do_make_victims, 0);
	for (size_t i = 0; i < N_KILL_WAYS; i++)
		assert_int_equal(host_stat(kill_ways[i]).st_mode & 07777, 06777);
	in_container(do_kill, 1000);
	for (size_t i = 0; i < N_KILL_WAYS; i++) {
		if (host_stat(kill_ways[i]).st_mode & 06000)
			fail_msg("%s: the bits are still there", kill_ways[i]);
	}
}

#define N_FILES 3000

static void do_many(void)
{
	static bool seen[N_FILES];
	struct rlimit files;
	char name[32];
	struct dirent *e;
	unsigned int n = 0;
	DIR *d;

	getrlimit(RLIMIT_NOFILE, &files);
	CHECK(mkdir("many", 0755) == 0 && chdir("many") == 0);
	for (unsigned int i = 0; i < N_FILES; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		CHECK(close(open(name, O_CREAT | O_WRONLY, 0644)) == 0);
	}
	d = opendir(".");
	while ((e = readdir(d))) {
		struct stat st;
		unsigned int i;

		if (sscanf(e->d_name, "f%u", &i) != 1)
			continue;
		CHECK(i < N_FILES && !seen[i]);
		seen[i] = true;
		n++;
		CHECK(lstat(e->d_name, &st) == 0 && st.st_ino == e->d_ino);
	}
	closedir(d);
	CHECK(n == N_FILES);
	/* Removing while reading. */
	d = opendir(".");
	for (n = 0; (e = readdir(d));) {
		if (e->d_name[0] == 'f')
			n += unlink(e->d_name) == 0;
	}
	closedir(d);
	CHECK(n == N_FILES && chdir("..") == 0 && rmdir("many") == 0);
}

static void test_many(void **state)
{
	(void)state;
	in_container(do_many, 0);
}

static void host_write(const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void expect_content(const char *name, const char *text)
{
	char path[256], got[64] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/0/mounts/0/%s", at, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, got, sizeof(got)), (ssize_t)strlen(text));
	assert_string_equal(got, text);
	close(fd);
}

/* What others do to a volume is seen, and what is written to it is there at once. */
static void test_shared_volume(void **state)
{
	char path[128];

	(void)state;
	in_container(do_data, 0);
	in_container(do_names, 0);
	host_write("shared", "one");
	expect_content("shared", "one");
	host_write("shared", "three");
	/* Size and time may be a second old, no more. */
	usleep(1100000);
	expect_content("shared", "three");
	/* A name that was looked for in vain is seen as soon as it is there. */
	snprintf(path, sizeof(path), "%s/0/mounts/0/later", at);
	assert_int_equal(access(path, F_OK), -1);
	host_write("later", "x");
	assert_int_equal(access(path, F_OK), 0);
	/* The other class's tree is not here, and nothing above a volume can be changed. */
	snprintf(path, sizeof(path), "%s/0/root", at);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(path, sizeof(path), "%s/0/mounts/new", at);
	assert_int_equal(open(path, O_CREAT | O_WRONLY, 0644), -1);
	assert_int_equal(errno, EROFS);
	snprintf(path, sizeof(path), "%s/1", at);
	assert_int_equal(open(path, O_RDONLY), -1);
	assert_int_equal(errno, ENOENT);
}

#define HOLES_END (1 << 20)

/* Where a file has data and where holes, from its start: "D0 H65536 D131072 ...". */
static void map_of(int fd, char *text, size_t size)
{
	off_t off = 0, next;
	size_t n = 0;

	for (bool data = lseek(fd, 0, SEEK_DATA) == 0; off < HOLES_END; off = next, data = !data) {
		n += (size_t)snprintf(text + n, size - n, "%c%ld ", data ? 'D' : 'H', (long)off);
		next = lseek(fd, off, data ? SEEK_HOLE : SEEK_DATA);
		if (next < 0 && errno == ENXIO)
			next = HOLES_END;
		CHECK(next > off && n < size);
	}
}

/* As the host has it in a volume; in the root file system all is data, as pages may not be on the host yet. */
static void do_holes(void)
{
	char path[128], seen[256], expected[256];
	int fd = open("holes", O_RDWR | O_CREAT, 0644), host;

	snprintf(path, sizeof(path), "%s/holes", dir);
	host = open(path, O_RDONLY);
	CHECK(fd >= 0 && host >= 0 && ftruncate(fd, HOLES_END) == 0);
	for (int step = 0; step < 3; step++) {
		if (step == 0)
			CHECK(pwrite(fd, "one", 3, 128 << 10) == 3 && pwrite(fd, path, 99, 512 << 10) == 99);
		if (step == 1)
			CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 128 << 10, 4096) == 0);
		if (step == 2)
			CHECK(pwrite(fd, "end", 3, HOLES_END - 3) == 3);
		CHECK(fsync(fd) == 0);
		map_of(host, expected, sizeof(expected));
		map_of(fd, seen, sizeof(seen));
		CHECK(strchr(expected, 'H') && strchr(expected, 'D'));
		CHECK(!strcmp(seen, mount_class == BROKER_CLASS_ROOT ? "D0 " : expected));
	}
	close(host);
	close(fd);
}

static void test_holes(void **state)
{
	(void)state;
	in_container(do_holes, 0);
}

/* Descriptors of a process whose target has `part` in its name. */
static unsigned int count_open(pid_t pid, const char *part)
{
	char path[64], target[512];
	unsigned int n = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		ssize_t len = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);

		target[len > 0 ? len : 0] = 0;
		n += strstr(target, part) != NULL;
	}
	if (d)
		closedir(d);
	return n;
}

#define N_READ 100

/* Reads the file; its first byte. */
static char first_byte(const char *name)
{
	int fd = open(name, O_RDONLY);
	char c = 0;

	CHECK(fd >= 0 && read(fd, &c, 1) == 1 && close(fd) == 0);
	return c;
}

/* Files that are read again and again, while others write to them, replace and remove them. */
static void do_read_again(void)
{
	char name[24];
	int fd;

	for (int i = 0; i < N_READ; i++) {
		snprintf(name, sizeof(name), "again%d", i);
		fd = open(name, O_CREAT | O_WRONLY, 0600);
		CHECK(fd >= 0 && write(fd, "a", 1) == 1 && close(fd) == 0);
		CHECK(first_byte(name) == 'a' && first_byte(name) == 'a');
		fd = open(name, O_WRONLY | O_TRUNC);
		CHECK(fd >= 0 && write(fd, "b", 1) == 1 && close(fd) == 0);
		CHECK(first_byte(name) == 'b');
		fd = open("next", O_CREAT | O_WRONLY, 0600);
		CHECK(fd >= 0 && write(fd, "c", 1) == 1 && close(fd) == 0);
		CHECK(i == 0 || (rename("next", name) == 0 && first_byte(name) == 'c'));
	}
}

static void do_remove_what_was_read(void)
{
	char name[24];

	for (int i = 0; i < N_READ; i++) {
		snprintf(name, sizeof(name), "again%d", i);
		CHECK(first_byte(name) == (i ? 'c' : 'b'));
		CHECK(unlink(name) == 0);
	}
}

/* A file that was read stays open for the next who reads it, but not longer than it has a name. */
static void test_kept(void **state)
{
	(void)state;
	in_container(do_read_again, 0);
	assert_true(count_open(bridge_pid, "/again") >= N_READ / 2);
	in_container(do_remove_what_was_read, 0);
	for (int i = 0; i < 100 && count_open(bridge_pid, "(deleted)") + count_open(fsd_pid, "(deleted)"); i++)
		usleep(50000);
	assert_int_equal(count_open(bridge_pid, "/again"), 0);
	assert_int_equal(count_open(bridge_pid, "(deleted)"), 0);
	assert_int_equal(count_open(fsd_pid, "(deleted)"), 0);
}

int main(void)
{
#define MOUNT_TEST(fn)  cmocka_unit_test_setup_teardown(fn, start, stop)
#define VOLUME_TEST(fn) cmocka_unit_test_setup_teardown(fn, start_volume, stop)
	const struct CMUnitTest tests[] = {
		MOUNT_TEST(test_data),           MOUNT_TEST(test_names),
		MOUNT_TEST(test_rights),         MOUNT_TEST(test_set_id),
		MOUNT_TEST(test_set_id_killed),  MOUNT_TEST(test_many),
		VOLUME_TEST(test_shared_volume), VOLUME_TEST(test_set_id),
		VOLUME_TEST(test_set_id_killed), MOUNT_TEST(test_kept),
		VOLUME_TEST(test_kept),          MOUNT_TEST(test_holes),
		VOLUME_TEST(test_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
