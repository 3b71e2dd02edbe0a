/* SPDX-License-Identifier: Apache-2.0 */
/* Contents: sizes, appending, mappings, holes, locks, what fsync says. See posix.h. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>

#include "posix.h"

#define PAGE 4096u

static char page[PAGE], other[PAGE];

/* fallocate(2)'s modes, by number: not every C library has them. */
enum { KEEP_SIZE = 1, PUNCH_HOLE = 2, ZERO_RANGE = 16 };

static void sizes(void)
{
	const off_t far = ((off_t)5 << 30) + 7;
	int fd = open("large", O_RDWR | O_CREAT, 0644);
	struct stat st;

	claim("a write beyond 4 GiB", pwrite(fd, "far", 3, far) == 3);
	claim("and near the start", pwrite(fd, "near", 4, 10) == 4);
	claim("the size", fstat(fd, &st) == 0 && st.st_size == far + 3 && st.st_blocks < 2048);
	memset(page, 1, sizeof(page));
	claim("read back", pread(fd, page, 16, far - 5) == 8 && !memcmp(page, "\0\0\0\0\0far", 8));
	claim("the hole is zeros", pread(fd, page, PAGE, (off_t)4 << 30) == PAGE && !page[0] && !page[PAGE - 1]);
	claim("nothing behind the end", pread(fd, page, 1, far + 3) == 0);
	claim("SEEK_END", lseek(fd, -3, SEEK_END) == far);
	claim("cut", ftruncate(fd, 12) == 0 && fstat(fd, &st) == 0 && st.st_size == 12);
	claim("grown again with zeros", ftruncate(fd, 20) == 0 && pread(fd, page, 20, 0) == 20 &&
					!memcmp(page + 8, "\0\0ne\0\0\0\0\0\0\0\0", 12));
	WORKS("truncate by name", truncate("large", 5));
	claim("seen by fstat", fstat(fd, &st) == 0 && st.st_size == 5);
	FAILS("a negative size", EINVAL, ftruncate(fd, -1));
	close(fd);
	fd = open("large", O_RDONLY);
	FAILS("writing without the right", EBADF, write(fd, "x", 1));
	FAILS("cutting without the right", EINVAL, ftruncate(fd, 0));
	close(fd);
	fd = open("large", O_WRONLY | O_TRUNC);
	claim("O_TRUNC", fstat(fd, &st) == 0 && st.st_size == 0);
	FAILS("reading without the right", EBADF, read(fd, page, 1));
	close(fd);
}

/* Every way to bytes beyond 4 GiB. */
static void beyond(void)
{
	const off_t far = (off_t)6 << 30, near = ((off_t)5 << 30) + 1;
	int fd = open("beyond", O_RDWR | O_CREAT, 0644), end = open("beyond", O_WRONLY | O_APPEND);
	off_t in = far, out = near;
	char *map;

	ftruncate(fd, far + PAGE);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, far);
	claim("a mapping beyond 4 GiB", map != MAP_FAILED && memcpy(map, "mapped", 6));
	claim("seen by read", pread(fd, page, 8, far) == 8 && !memcmp(page, "mapped\0", 8));
	claim("an end to append to", write(end, "end", 3) == 3 && lseek(fd, 0, SEEK_END) == far + PAGE + 3);
	claim("copy_file_range from and to there", copy_file_range(fd, &in, fd, &out, 6, 0) == 6 &&
						   pread(fd, page, 8, near - 1) == 8 && !memcmp(page, "\0mapped", 8));
	WORKS("a hole there", fallocate(fd, PUNCH_HOLE | KEEP_SIZE, far, PAGE));
	claim("is seen in the mapping", map[0] == 0 && pread(fd, page, 1, far) == 1 && page[0] == 0);
	claim("a lock there", fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_WRLCK, .l_start = far, .l_len = 1 }) == 0);
	munmap(map, PAGE);
	WORKS("emptied", ftruncate(fd, 0));
	close(end);
	close(fd);
}

/* Two descriptors and a child append; a mapping of the same file is read and written. */
static void appending(void)
{
	int a = open("log", O_RDWR | O_CREAT | O_APPEND, 0644), b = open("log", O_WRONLY | O_APPEND);
	bool whole = true;
	char *map;
	pid_t pid;

	claim("the first line", write(a, "line-of-12.\n", 12) == 12);
	map = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, a, 0);
	claim("mapped", map != MAP_FAILED && !memcmp(map, "line", 4));
	map[0] = 'L';
	pid = fork();
	for (int i = 0; i < 500; i++) {
		if (write(i % 2 ? a : b, pid ? "from-parent\n" : "from--child\n", 12) != 12)
			whole = false;
	}
	if (pid == 0)
		_exit(!whole);
	claim("appended from both sides", whole && end_of(pid) == 0);
	claim("no line is lost", lseek(a, 0, SEEK_END) == 1001 * 12);
	for (int i = 1; i < 1001; i++)
		whole = whole && (!memcmp(map + 12 * i, "from-parent\n", 12) ||
				  !memcmp(map + 12 * i, "from--child\n", 12));
	claim("nor torn, in the mapping", whole && map[0] == 'L');
	claim("what the mapping wrote is read", pread(a, page, 1, 0) == 1 && page[0] == 'L');
	munmap(map, 64 * PAGE);
	/* Linux appends here, whatever POSIX says: pwrite(2) "BUGS" */
	claim("pwrite with O_APPEND appends", pwrite(a, "end", 3, 0) == 3 && lseek(a, 0, SEEK_END) == 12015);
	close(b);
	b = open("log", O_RDWR);
	fcntl(b, F_SETFL, O_APPEND);
	claim("O_APPEND by fcntl", write(b, "!", 1) == 1 && pread(b, page, 1, 12015) == 1 && page[0] == '!');
	claim("the start is as it was", pread(b, page, 5, 0) == 5 && !memcmp(page, "Line-", 5));
	close(a);
	close(b);
}

static sigjmp_buf back;

static void on_bus(int sig)
{
	siglongjmp(back, sig);
}

static void mappings(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT, 0644), late;
	char *shared, *private;

	ftruncate(fd, 3 * PAGE);
	shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	claim("maps", shared != MAP_FAILED && private != MAP_FAILED);
	memset(shared + 100, 'm', 2 * PAGE);
	claim("read sees the mapping", pread(fd, page, 4, PAGE) == 4 && !memcmp(page, "mmmm", 4));
	claim("the mapping sees write", pwrite(fd, "written", 7, 2 * PAGE + 200) == 7 &&
					!memcmp(shared + 2 * PAGE + 200, "written", 7));
	private[0] = 'p';
	claim("a private mapping keeps to itself", pread(fd, page, 1, 0) == 1 && page[0] == 0);
	WORKS("msync", msync(shared, 3 * PAGE, MS_SYNC));
	close(fd);
	shared[1] = 'c';
	munmap(shared, 4 * PAGE);
	late = open("mapped", O_RDONLY);
	claim("a mapping outlives its descriptor", pread(late, page, 2, 0) == 2 && page[1] == 'c');
	shared = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, late, 0);
	signal(SIGBUS, on_bus);
	if (sigsetjmp(back, 1) == 0) {
		claim("behind the end", *(volatile char *)(shared + 3 * PAGE) == 1);
	} else {
		claim("SIGBUS behind the end", true);
	}
	truncate("mapped", PAGE);
	if (sigsetjmp(back, 1) == 0)
		claim("behind the new end", *(volatile char *)(shared + 2 * PAGE) == 1);
	else
		claim("SIGBUS behind the new end", true);
	signal(SIGBUS, SIG_DFL);
	munmap(shared, 4 * PAGE);
	munmap(private, PAGE);
	close(late);
}

#define TURNS 20000

/* Two processes that have opened a file each for itself share its pages. */
static void sharing(void)
{
	int fd = open("shared", O_RDWR | O_CREAT, 0644);
	unsigned int *count;
	pid_t pid;

	ftruncate(fd, PAGE);
	pid = fork();
	if (pid == 0)
		fd = open("shared", O_RDWR);
	count = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int i = 0; i < TURNS; i++)
		__atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
	if (pid == 0)
		_exit(msync(count, PAGE, MS_SYNC) != 0);
	claim("two processes count in one page", end_of(pid) == 0 && *count == 2 * TURNS);
	claim("and read() sees the sum", pread(fd, page, 4, 0) == 4 && !memcmp(page, count, 4));
	munmap(count, PAGE);
	close(fd);
}

static void holes(void)
{
	int fd = open("sparse", O_RDWR | O_CREAT, 0644);
	struct stat st;
	off_t at;

	WORKS("fallocate", fallocate(fd, 0, 0, 64 * PAGE));
	claim("its size and blocks", fstat(fd, &st) == 0 && st.st_size == 64 * PAGE && st.st_blocks >= 512);
	WORKS("fallocate with KEEP_SIZE", fallocate(fd, KEEP_SIZE, 64 * PAGE, 64 * PAGE));
	claim("keeps the size", fstat(fd, &st) == 0 && st.st_size == 64 * PAGE);
	memset(page, 'x', PAGE);
	for (int i = 0; i < 64; i++)
		pwrite(fd, page, PAGE, i * (off_t)PAGE);
	WORKS("PUNCH_HOLE", fallocate(fd, PUNCH_HOLE | KEEP_SIZE, 8 * PAGE, 8 * PAGE));
	memset(other, 1, PAGE);
	claim("reads as zeros", pread(fd, other, PAGE, 8 * PAGE) == PAGE && !other[0] && !other[PAGE - 1]);
	claim("and only that", pread(fd, other, PAGE, 7 * PAGE) == PAGE && other[PAGE - 1] == 'x' &&
			       pread(fd, other, 1, 16 * PAGE) == 1 && other[0] == 'x');
	WORKS("ZERO_RANGE", fallocate(fd, ZERO_RANGE, 20 * PAGE + 5, 10));
	claim("zeroed bytes", pread(fd, other, 20, 20 * PAGE) == 20 && !memcmp(other, "xxxxx\0\0\0\0\0\0\0\0\0\0xxxxx", 20));
	close(fd);
	fd = open("holes", O_RDWR | O_CREAT, 0644);
	ftruncate(fd, 1 << 20);
	pwrite(fd, "data", 4, 512 << 10);
	fsync(fd);
	/* "Everything is data" is an answer too; a hole where data is would not be. */
	at = lseek(fd, 0, SEEK_DATA);
	claim("SEEK_DATA is not behind the data", at >= 0 && at <= 512 << 10);
	at = lseek(fd, 512 << 10, SEEK_HOLE);
	claim("SEEK_HOLE is behind the data", at >= (512 << 10) + 4 && at <= 1 << 20);
	FAILS("SEEK_DATA behind the end", ENXIO, lseek(fd, 2 << 20, SEEK_DATA));
	close(fd);
}

static void copies(void)
{
	int from, to;
	off_t in = 1, out = 3, at = 0;

	put("from", "0123456789");
	from = open("from", O_RDWR);
	to = open("to", O_RDWR | O_CREAT, 0644);
	claim("copy_file_range", copy_file_range(from, &in, to, &out, 5, 0) == 5 && in == 6 && out == 8);
	claim("what it copied", pread(to, page, 16, 0) == 8 && !memcmp(page, "\0\0\0" "12345", 8));
	in = 8;
	out = 0;
	claim("copy_file_range to the end", copy_file_range(from, &in, to, &out, 100, 0) == 2);
	in = 0;
	out = 10;
	claim("within a file", copy_file_range(from, &in, from, &out, 4, 0) == 4 && has("from", "01234567890123"));
	claim("sendfile", lseek(to, 0, SEEK_SET) == 0 && sendfile(to, from, &at, 14) == 14 && has("to", "01234567890123"));
	claim("writev and readv", pwritev(to, (struct iovec[]){ { "ab", 2 }, { "", 0 }, { "cd", 2 } }, 3, 0) == 4 &&
				  preadv(to, (struct iovec[]){ { page, 1 }, { other, 3 } }, 2, 0) == 4 && other[2] == 'd');
	close(from);
	close(to);
}

static void direct(void)
{
	char *buf = aligned_alloc(PAGE, 2 * PAGE);
	int fd = open("direct", O_RDWR | O_CREAT | O_DIRECT, 0644), cached = open("direct", O_RDWR);

	WORKS("O_DIRECT", fd);
	memset(buf, 'd', 2 * PAGE);
	claim("written", write(fd, buf, 2 * PAGE) == 2 * PAGE);
	claim("seen through the cache", pread(cached, page, PAGE, PAGE) == PAGE && page[5] == 'd');
	claim("what the cache wrote", pwrite(cached, "cached", 6, 100) == 6 &&
				      pread(fd, buf, PAGE, 0) == PAGE && !memcmp(buf + 100, "cached", 6));
	claim("and the other way", (memset(buf, 'e', PAGE), pwrite(fd, buf, PAGE, 0)) == PAGE &&
				   pread(cached, page, 6, 100) == 6 && page[0] == 'e');
	close(fd);
	close(cached);
	free(buf);
}

static void syncs(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY), fd = open("synced", O_RDWR | O_CREAT | O_SYNC, 0644);
	struct statfs fs;

	claim("O_SYNC", write(fd, "s", 1) == 1);
	WORKS("fsync", fsync(fd));
	WORKS("fdatasync", fdatasync(fd));
	WORKS("fsync of a directory", fsync(dir));
	WORKS("syncfs", syncfs(fd));
	WORKS("sync_file_range", sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
	WORKS("posix_fadvise", posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) ? -1 : 0);
	claim("statfs", fstatfs(dir, &fs) == 0 && fs.f_blocks > 0 && fs.f_bfree <= fs.f_blocks &&
			fs.f_bsize >= 512 && fs.f_namelen == 255);
	/* the same in a plain directory of the same disk */
	printf("ok a disk of %llu blocks of %lu bytes, %llu inodes\n", (unsigned long long)fs.f_blocks,
	       (unsigned long)fs.f_frsize, (unsigned long long)fs.f_files);
	close(dir);
	close(fd);
}

static void times(void)
{
	struct timespec ts[2] = { { 1000000001, 123456789 }, { -5, 999999999 } };
	struct stat st, later;
	int fd;

	put("timed", "x");
	WORKS("utimensat", utimensat(AT_FDCWD, "timed", ts, 0));
	st = stat_of("timed");
	claim("nanoseconds, and before 1970", st.st_atim.tv_sec == 1000000001 && st.st_atim.tv_nsec == 123456789 &&
					      st.st_mtim.tv_sec == -5 && st.st_mtim.tv_nsec == 999999999);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	utimensat(AT_FDCWD, "timed", ts, 0);
	later = stat_of("timed");
	claim("UTIME_OMIT and UTIME_NOW", later.st_atim.tv_sec == 1000000001 && later.st_mtim.tv_sec > 1600000000);
	utimensat(AT_FDCWD, "timed", (struct timespec[]){ { 5, 0 }, { 5, 0 } }, 0);
	fd = open("timed", O_WRONLY);
	write(fd, "y", 1);
	close(fd);
	later = stat_of("timed");
	claim("a write moves mtime and ctime", later.st_mtim.tv_sec > 1600000000 &&
		later.st_ctim.tv_sec >= st.st_ctim.tv_sec && later.st_atim.tv_sec == 5);
	utimensat(AT_FDCWD, "timed", (struct timespec[]){ { 5, 0 }, { 5, 0 } }, 0);
	chmod("timed", 0600);
	claim("chmod leaves mtime", stat_of("timed").st_mtim.tv_sec == 5);
	utimensat(AT_FDCWD, ".", (struct timespec[]){ { 5, 0 }, { 5, 0 } }, 0);
	put("timed-new", "");
	claim("a new file moves its directory's mtime", stat_of(".").st_mtim.tv_sec > 1600000000);
}

static struct flock lock_of(short type, off_t start)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 10 };
}

static void locks(void)
{
	int a = open("locked", O_RDWR | O_CREAT, 0644), b = open("locked", O_RDWR);
	struct flock l = lock_of(F_WRLCK, 0);
	pid_t pid;

	WORKS("flock", flock(a, LOCK_EX));
	FAILS("flock of another opening", EWOULDBLOCK, flock(b, LOCK_EX | LOCK_NB));
	flock(a, LOCK_UN);
	WORKS("a record lock", fcntl(a, F_SETLK, &l));
	pid = fork();
	if (pid == 0) {
		struct flock mine = lock_of(F_WRLCK, 5), free = lock_of(F_WRLCK, 10);

		errno = 0;
		_exit(!(fcntl(b, F_SETLK, &mine) < 0 && (errno == EAGAIN || errno == EACCES) &&
			fcntl(b, F_GETLK, &mine) == 0 && mine.l_pid == getppid() &&
			fcntl(b, F_SETLK, &free) == 0));
	}
	claim("of two processes", end_of(pid) == 0);
	l = lock_of(F_UNLCK, 0);
	fcntl(a, F_SETLK, &l);
#ifdef F_OFD_SETLK
	l = lock_of(F_WRLCK, 0);
	WORKS("an OFD lock", fcntl(a, F_OFD_SETLK, &l));
	FAILS("of two openings", EAGAIN, fcntl(b, F_OFD_SETLK, &l));
#endif
	close(a);
	close(b);
}

enum lock_kind { BY_FLOCK, BY_RECORD };

/* Waits for the whole file's lock. 0, or -1 with errno. */
static int take(enum lock_kind kind, int fd)
{
	struct flock l = lock_of(F_WRLCK, 0);

	return kind == BY_FLOCK ? flock(fd, LOCK_EX) : fcntl(fd, F_SETLKW, &l);
}

/* A child that waits for the lock of `fd` until the descriptor is closed. */
static bool is_waited_for(enum lock_kind kind, int fd)
{
	struct pollfd told = { .events = POLLIN };
	bool early;
	int ends[2];
	pid_t pid;

	pipe(ends);
	told.fd = ends[0];
	if (take(kind, fd) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		close(fd); /* of flock(2) the lock would be the child's as well */
		fd = open("waited", O_RDWR);
		_exit(!(take(kind, fd) == 0 && write(ends[1], "x", 1) == 1));
	}
	early = poll(&told, 1, 200) != 0;
	close(fd);
	close(ends[1]);
	return !early && poll(&told, 1, 10000) == 1 && (told.revents & POLLIN) && end_of(pid) == 0 &&
	       close(ends[0]) == 0;
}

/* Who waits for a lock; which locks several may have; who would wait for ever. */
static void waiting(void)
{
	int fd = open("waited", O_RDWR | O_CREAT, 0644), refused;
	struct flock l = lock_of(F_RDLCK, 0);
	pid_t pid;

	claim("flock() waits, until the other closes", is_waited_for(BY_FLOCK, open("waited", O_RDWR)));
	claim("so does F_SETLKW", is_waited_for(BY_RECORD, open("waited", O_RDWR)));
	WORKS("a lock for reading", fcntl(fd, F_SETLK, &l));
	pid = fork();
	if (pid == 0)
		_exit(!(fcntl(fd, F_SETLK, &l) == 0 && (l.l_type = F_WRLCK, fcntl(fd, F_SETLK, &l)) < 0));
	claim("for reading by two, for writing by none", end_of(pid) == 0);
	l = lock_of(F_WRLCK, 0);
	WORKS("for writing, when the other has ended", fcntl(fd, F_SETLK, &l));
	close(open("waited", O_RDONLY));
	pid = fork();
	if (pid == 0)
		_exit(fcntl(fd, F_SETLK, &l) < 0);
	claim("closing any descriptor gives it back", end_of(pid) == 0);
	l = lock_of(F_WRLCK, 0);
	fcntl(fd, F_SETLK, &l);
	pid = fork();
	if (pid == 0) {
		l = lock_of(F_WRLCK, 10);
		refused = fcntl(fd, F_SETLK, &l) < 0;
		l = lock_of(F_WRLCK, 0);
		refused += fcntl(fd, F_SETLKW, &l) < 0 && errno == EDEADLK;
		_exit(refused);
	}
	usleep(100000);
	l = lock_of(F_WRLCK, 10);
	refused = fcntl(fd, F_SETLKW, &l) < 0 && errno == EDEADLK;
	close(fd); /* with the lock that the child may wait for */
	claim("of two that wait for each other one is told", refused + end_of(pid) == 1);
}

static void limits(void)
{
	struct rlimit old, small = { 100, 100 };
	int fd;
	pid_t pid = fork();

	if (pid == 0) {
		fd = open("limited", O_RDWR | O_CREAT, 0644);
		getrlimit(RLIMIT_FSIZE, &old);
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &small);
		errno = 0;
		_exit(!(write(fd, page, 200) == 100 && write(fd, page, 1) < 0 && errno == EFBIG));
	}
	claim("RLIMIT_FSIZE", end_of(pid) == 0);
}

/* What was written is run at once; while it is open for writing it is not. */
static void programs(void)
{
	int self = open("/proc/self/exe", O_RDONLY), to = open("program", O_WRONLY | O_CREAT, 0755);
	ssize_t n;
	pid_t pid;

	while ((n = sendfile(to, self, NULL, 1 << 20)) > 0)
		;
	pid = fork();
	if (pid == 0) {
		execl("./program", "program", NULL);
		_exit(errno == ETXTBSY ? 0 : 1);
	}
	claim("ETXTBSY", n == 0 && end_of(pid) == 0);
	close(self);
	close(to);
	pid = fork();
	if (pid == 0) {
		close(2);
		execl("./program", "program", NULL);
		_exit(1);
	}
	claim("a program that was just written", end_of(pid) == 2);
}

int main(int argc, char **argv)
{
	enter(argc, argv, "data");
	sizes();
	beyond();
	appending();
	mappings();
	sharing();
	holes();
	copies();
	direct();
	syncs();
	times();
	locks();
	waiting();
	limits();
	programs();
	return n_failed != 0;
}
