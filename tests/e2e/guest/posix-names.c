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
#define WHITEOUT  4u

static int rename_with(const char *from, const char *to, unsigned int flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

/* Eight processes that want the same names: each is made once. */
static void creating(void)
{
	pid_t pid[8];
	char name[32];
	int made = 0;

	put("new", "x");
	FAILS("O_EXCL of what is there", EEXIST, open("new", O_CREAT | O_EXCL | O_WRONLY, 0644));
	FAILS("opening what is not there", ENOENT, open("absent", O_WRONLY));
	FAILS("a file below what is not there", ENOENT, open("no/new", O_CREAT | O_WRONLY, 0644));
	FAILS("O_CREAT of a directory", EISDIR, open(".", O_CREAT | O_WRONLY, 0644));
	FAILS("O_CREAT with a slash behind", EISDIR, open("slash/", O_CREAT | O_WRONLY, 0644));
	claim("O_CREAT leaves what is there", open("new", O_CREAT | O_WRONLY, 0600) >= 0 && has("new", "x") &&
					      mode_of("new") == 0644);
	for (int i = 0; i < 8; i++) {
		pid[i] = fork();
		for (int n = 0; pid[i] == 0 && n < 50; n++) {
			snprintf(name, sizeof(name), "once-%d", n);
			made += open(name, O_CREAT | O_EXCL | O_WRONLY, 0600) >= 0;
		}
		if (pid[i] == 0)
			_exit(made);
	}
	for (int i = 0; i < 8; i++)
		made += end_of(pid[i]);
	claim("each name is made by one", made == 50);
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

/* Names as long as they may be, wherever a name is. */
static void longest(void)
{
	char name[256], other[256], beyond[257], got[PATH_MAX], target[PATH_MAX];
	struct dirent *e;
	int count = 0;
	DIR *d;

	memset(beyond, 'l', sizeof(beyond));
	beyond[256] = 0;
	memcpy(name, beyond, 255);
	memcpy(other, "other", 5);
	memcpy(other + 5, beyond, 250);
	name[255] = other[255] = 0;
	memset(target, 't', sizeof(target));
	target[PATH_MAX - 1] = 0;
	mkdir("long", 0755);
	if (chdir("long"))
		return;
	put("file", "x");
	WORKS("mkdir of 255 bytes", mkdir(name, 0755));
	WORKS("rename to 255 bytes", rename(name, other));
	WORKS("link to 255 bytes", link("file", name));
	claim("all of them are there", has(name, "x") && S_ISDIR(stat_of(other).st_mode));
	unlink(name);
	WORKS("symlink of 255 bytes, and of 4095", symlink(target, name));
	claim("is read whole", readlink(name, got, sizeof(got)) == PATH_MAX - 1 && !memcmp(got, target, PATH_MAX - 1));
	FAILS("mkdir of 256 bytes", ENAMETOOLONG, mkdir(beyond, 0755));
	FAILS("rename to 256 bytes", ENAMETOOLONG, rename("file", beyond));
	FAILS("link to 256 bytes", ENAMETOOLONG, link("file", beyond));
	FAILS("symlink of 256 bytes", ENAMETOOLONG, symlink("x", beyond));
	for (int i = 0; i < 100; i++) {
		snprintf(got, sizeof(got), "%.255s/%0255d", other, i);
		put(got, "");
	}
	d = opendir(other);
	while (d && (e = readdir(d)))
		count += strlen(e->d_name) == 255 && atoi(e->d_name + 200) < 100;
	claim("a listing of such names", count == 100 && closedir(d) == 0);
	WORKS("out of it", chdir(".."));
}

/* A path as long as it may be. */
static void deepest(void)
{
	static char path[PATH_MAX + 1];
	size_t end = 0;

	memset(path, 'p', sizeof(path) - 1);
	for (int i = 0; i < 15; i++) {
		end += 255;
		path[end] = 0;
		WORKS("one deeper", mkdir(path, 0755));
		path[end++] = '/';
	}
	path[PATH_MAX - 1] = 0;
	put(path, "deep");
	/* not left for those who say ./ before it */
	claim("a path of 4095 bytes", strlen(path) == 4095 && has(path, "deep") && unlink(path) == 0);
	path[PATH_MAX - 1] = 'p';
	FAILS("and of 4096", ENAMETOOLONG, open(path, O_RDONLY));
}

/* What a listing says of its entries is what lstat() says, whatever others have just done to them. */
static void listings(void)
{
	char name[64];
	struct dirent *e;
	struct stat st;
	int count = 0, agree = 0, fd[50];
	DIR *d;

	mkdir("kinds", 0755);
	put("kinds/file", "");
	mkdir("kinds/dir", 0755);
	symlink("nowhere", "kinds/link");
	mkfifo("kinds/fifo", 0600);
	mknod("kinds/socket", S_IFSOCK | 0600, 0);
	link("kinds/file", "kinds/hard");
	d = opendir("kinds");
	while (d && (e = readdir(d))) {
		snprintf(name, sizeof(name), "kinds/%.40s", e->d_name);
		st = stat_of(name);
		agree += e->d_type == IFTODT(st.st_mode) && (e->d_name[0] == '.' || e->d_ino == st.st_ino);
		count++;
	}
	claim("a listing tells kinds and numbers", closedir(d) == 0 && count == 8 && agree == 8);
	agree = 0;
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "kinds/dir/%d", i);
		fd[i] = open(name, O_CREAT | O_WRONLY, 0644);
		agree += write(fd[i], name, (size_t)i % 20) == i % 20;
	}
	d = opendir("kinds/dir");
	while (d && (e = readdir(d))) {
		snprintf(name, sizeof(name), "kinds/dir/%.40s", e->d_name);
		agree += e->d_name[0] != '.' && stat_of(name).st_size == atoi(e->d_name) % 20;
	}
	claim("and leaves the sizes of open files", closedir(d) == 0 && agree == 100);
	for (int i = 0; i < 50; i++)
		agree -= write(fd[i], "more", 4) == 4 && fchmod(fd[i], 0600) == 0 && fstat(fd[i], &st) == 0 &&
			 st.st_size == i % 20 + 4 && close(fd[i]) == 0;
	d = opendir("kinds/dir");
	while (d && (e = readdir(d))) {
		snprintf(name, sizeof(name), "kinds/dir/%.40s", e->d_name);
		agree += e->d_name[0] != '.' && stat_of(name).st_size == atoi(e->d_name) % 20 + 4 &&
			 mode_of(name) == 0600;
	}
	claim("sizes and modes that changed", closedir(d) == 0 && agree == 100);
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
	FAILS("RENAME_EXCHANGE with what is not there", ENOENT, rename_with("b", "absent", EXCHANGE));
	FAILS("both flags", EINVAL, rename_with("b", "c", EXCHANGE | NOREPLACE));
	FAILS("a flag that there is not", EINVAL, rename_with("b", "c", 64));
	mkdir("swap", 0755);
	put("swap/in", "in");
	WORKS("a directory and a file exchanged", rename_with("swap", "c", EXCHANGE));
	claim("each has the other's name", has("c/in", "in") && has("swap", "a"));
	FAILS("a directory exchanged with what it is in", EINVAL, rename_with("c", "c/in", EXCHANGE));
	WORKS("and back", rename_with("c", "swap", EXCHANGE));
	symlink("b", "arrow");
	WORKS("a symlink renamed", rename("arrow", "arrow2"));
	claim("is the link itself", S_ISLNK(stat_of("arrow2").st_mode) && has("arrow2", "2") && exists("b"));
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
	/* Not on overlayfs. */
	put("seen", "seen");
	if (rename_with("seen", "kept", WHITEOUT) == 0)
		claim("RENAME_WHITEOUT leaves 0:0", has("kept", "seen") && S_ISCHR(stat_of("seen").st_mode) &&
							    stat_of("seen").st_rdev == 0);
	unlink("seen");
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

	creating();
	directories();
	long_names();
	longest();
	deepest();
	listings();
	links();
	renames();
	nameless();
	kinds();
	large_directory(n ? n : 300);
	return n_failed != 0;
}
