/* SPDX-License-Identifier: Apache-2.0 */
/* Names: directories, links, renames, what has none. See posix.h. NUMBER: entries of the large directory. */
#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "posix.h"

#define NOREPLACE 1u
#define EXCHANGE  2u

static int rename_with(const char *from, const char *to, unsigned int flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void directories(void)
{
	WORKS("mkdir", mkdir("d", 0755));
	FAILS("mkdir of what is there", EEXIST, mkdir("d", 0755));
	FAILS("mkdir below what is not", ENOENT, mkdir("no/d", 0755));
	put("d/file", "x");
	FAILS("rmdir of a full directory", ENOTEMPTY, rmdir("d"));
	FAILS("unlink of a directory", EISDIR, unlink("d"));
	FAILS("rmdir of a file", ENOTDIR, rmdir("d/file"));
	FAILS("a file as a directory", ENOTDIR, open("d/file/x", O_RDONLY));
	FAILS("O_DIRECTORY of a file", ENOTDIR, open("d/file", O_RDONLY | O_DIRECTORY));
	FAILS("writing to a directory", EISDIR, open("d", O_WRONLY));
	claim("links of a directory", stat_of("d").st_nlink == 2);
	mkdir("d/e", 0755);
	claim("links of a directory with one more", stat_of("d").st_nlink == 3);
	claim(".. is the parent", stat_of("d/e/..").st_ino == stat_of("d").st_ino &&
				  stat_of("d/.").st_ino == stat_of("d").st_ino);
	WORKS("rmdir", rmdir("d/e"));
	mkdir("here", 0755);
	if (chdir("here") == 0) {
		char buf[PATH_MAX];

		rmdir("../here");
		FAILS("a removed working directory", ENOENT, getcwd(buf, sizeof(buf)) ? 0 : -1);
		FAILS("a file in a removed directory", ENOENT, open("x", O_CREAT | O_WRONLY, 0644));
		claim("out of a removed directory", chdir("..") == 0 || errno == ENOENT);
	}
}

static void long_names(void)
{
	char name[300];

	memset(name, 'n', sizeof(name));
	name[255] = 0;
	put(name, "long");
	claim("a name of 255 bytes", has(name, "long"));
	name[255] = 'n';
	name[256] = 0;
	FAILS("a name of 256 bytes", ENAMETOOLONG, open(name, O_CREAT | O_WRONLY, 0644));
	put("new\nline", "1");
	put("\xff\xfe", "2");
	put("-", "3");
	put("...", "4");
	claim("names of any bytes", has("new\nline", "1") && has("\xff\xfe", "2") && has("-", "3") &&
				    has("...", "4"));
}

static void links(void)
{
	char target[64] = "";
	int fd;

	put("file", "linked");
	WORKS("link", link("file", "hard"));
	claim("two names of one file", stat_of("file").st_ino == stat_of("hard").st_ino &&
				       stat_of("hard").st_nlink == 2);
	FAILS("link to a name that is there", EEXIST, link("file", "hard"));
	FAILS("link of a directory", EPERM, link("d", "d2"));
	unlink("file");
	claim("the other name stays", has("hard", "linked") && stat_of("hard").st_nlink == 1);
	WORKS("symlink", symlink("hard", "soft"));
	claim("readlink", readlink("soft", target, sizeof(target)) == 4 && !strcmp(target, "hard"));
	claim("size of a symlink", stat_of("soft").st_size == 4 && S_ISLNK(stat_of("soft").st_mode));
	claim("through a symlink", has("soft", "linked"));
	FAILS("O_NOFOLLOW", ELOOP, open("soft", O_RDONLY | O_NOFOLLOW));
	symlink("loop2", "loop1");
	symlink("loop1", "loop2");
	FAILS("a loop", ELOOP, open("loop1", O_RDONLY));
	symlink("not-yet", "dangling");
	FAILS("a dangling symlink", ENOENT, open("dangling", O_RDONLY));
	fd = open("dangling", O_CREAT | O_WRONLY, 0644);
	claim("O_CREAT through a dangling symlink", fd >= 0 && exists("not-yet"));
	close(fd);
	FAILS("O_EXCL does not follow", EEXIST, open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0644));
	WORKS("link of a symlink", linkat(AT_FDCWD, "soft", AT_FDCWD, "soft2", 0));
	claim("is a symlink", S_ISLNK(stat_of("soft2").st_mode) && stat_of("soft").st_nlink == 2);
}

static void renames(void)
{
	struct stat before;
	int fd;

	put("a", "a");
	put("b", "b");
	before = stat_of("a");
	WORKS("rename over a file", rename("a", "b"));
	claim("it is the same file", has("b", "a") && stat_of("b").st_ino == before.st_ino && !exists("a"));
	put("a", "2");
	FAILS("RENAME_NOREPLACE over a file", EEXIST, rename_with("a", "b", NOREPLACE));
	WORKS("RENAME_NOREPLACE", rename_with("a", "c", NOREPLACE));
	WORKS("RENAME_EXCHANGE", rename_with("b", "c", EXCHANGE));
	claim("exchanged", has("b", "2") && has("c", "a"));
	mkdir("dir", 0755);
	put("dir/in", "in");
	WORKS("RENAME_EXCHANGE of file and directory", rename_with("dir", "b", EXCHANGE));
	claim("exchanged both ways", has("b/in", "in") && has("dir", "2"));
	FAILS("RENAME_EXCHANGE with nothing", ENOENT, rename_with("b", "nothing", EXCHANGE));
	mkdir("empty", 0755);
	FAILS("a directory over a file", ENOTDIR, rename("empty", "c"));
	FAILS("a file over a directory", EISDIR, rename("c", "empty"));
	FAILS("over a full directory", ENOTEMPTY, rename("empty", "b"));
	WORKS("a directory over an empty one", rename("b", "empty"));
	claim("it moved", has("empty/in", "in"));
	mkdir("empty/sub", 0755);
	FAILS("a directory into itself", EINVAL, rename("empty", "empty/sub/x"));
	fd = open("empty/in", O_RDWR);
	rename("empty", "moved");
	claim("an open file of a moved directory", pwrite(fd, "IN", 2, 0) == 2 && has("moved/in", "IN"));
	close(fd);
	link("c", "c2");
	WORKS("rename between two names of one file", rename("c", "c2"));
	claim("does nothing", exists("c") && exists("c2"));
}

static void nameless(void)
{
	char text[32] = "", path[64];
	struct stat st;
	int fd = open("gone", O_RDWR | O_CREAT, 0644);

	unlink("gone");
	claim("an unlinked file is used on", write(fd, "still", 5) == 5 &&
					     pread(fd, text, 5, 0) == 5 && !strcmp(text, "still"));
	claim("it has no links", fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 5);
	claim("it can be cut and changed", ftruncate(fd, 2) == 0 && fchmod(fd, 0600) == 0);
	put("gone", "another");
	claim("a new one of its name is another", fstat(fd, &st) == 0 &&
						  st.st_ino != stat_of("gone").st_ino && has("gone", "another"));
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR, 0640);
	if (fd < 0 && errno == EOPNOTSUPP) {
		printf("ok no O_TMPFILE here\n"); /* overlayfs before Linux 6.3 */
		return;
	}
	WORKS("O_TMPFILE", fd);
	claim("written and read", write(fd, "tmp", 3) == 3 && pread(fd, text, 3, 0) == 3);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	WORKS("given a name", linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	claim("its content and mode", has("named", "tmp") && mode_of("named") == 0640);
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FAILS("O_TMPFILE with O_EXCL stays without", ENOENT,
	      linkat(AT_FDCWD, path, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
	close(fd);
}

static void kinds(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), fd, r;
	char byte = 0;
	pid_t pid;

	WORKS("a FIFO", mkfifo("fifo", 0600));
	pid = fork();
	if (pid == 0)
		_exit(write(open("fifo", O_WRONLY), "f", 1) != 1);
	fd = open("fifo", O_RDONLY);
	claim("carries bytes", read(fd, &byte, 1) == 1 && byte == 'f' && end_of(pid) == 0);
	close(fd);
	WORKS("a socket", bind(s, (struct sockaddr *)&a, sizeof(a)));
	claim("is one", S_ISSOCK(stat_of("socket").st_mode));
	r = listen(s, 1);
	claim("connects", r == 0 && connect(c, (struct sockaddr *)&a, sizeof(a)) == 0);
	close(c);
	close(s);
	WORKS("mknod of a file", mknod("node", S_IFREG | 0600, 0));
	fd = open("node", O_PATH);
	FAILS("reading from O_PATH", EBADF, read(fd, &byte, 1));
	close(fd);
	fd = inotify_init1(IN_NONBLOCK);
	inotify_add_watch(fd, ".", IN_CREATE);
	put("watched", "");
	claim("inotify", poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 1000) == 1);
	close(fd);
}

/* All names once, also from a position that was told, and while names go away. */
static void large_directory(int n)
{
	char *seen = calloc((size_t)n, 1);
	char name[32];
	struct dirent *e;
	int count = 0, twice = 0, fds;
	long at = -1;
	DIR *d;

	mkdir("large", 0755);
	fds = open("large", O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < n; i++) {
		int fd;

		snprintf(name, sizeof(name), "entry-%d", i);
		fd = openat(fds, name, O_CREAT | O_WRONLY | O_EXCL, 0644);
		if (fd < 0)
			break;
		close(fd);
	}
	d = opendir("large");
	while (d && (e = readdir(d))) {
		int i;

		if (sscanf(e->d_name, "entry-%d", &i) != 1 || i < 0 || i >= n)
			continue;
		twice += seen[i];
		seen[i] = 1;
		if (++count == n / 2)
			at = telldir(d);
	}
	claim("all entries of a large directory, each once", count == n && !twice);
	seekdir(d, at);
	count = 0;
	while (d && (e = readdir(d)))
		count++;
	claim("the rest from the middle", count >= n - n / 2 && count <= n - n / 2 + 2);
	rewinddir(d);
	count = 0;
	while (d && (e = readdir(d)))
		count += e->d_name[0] == 'e' && unlinkat(fds, e->d_name, 0) == 0;
	closedir(d);
	close(fds);
	claim("removed while it was read", count == n && rmdir("large") == 0);
	free(seen);
}

int main(int argc, char **argv)
{
	int n = enter(argc, argv, "names");

	directories();
	long_names();
	links();
	renames();
	nameless();
	kinds();
	large_directory(n ? n : 300);
	return n_failed != 0;
}
