/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners, modes, set-id bits, sticky directories, ACLs, extended attributes. See posix.h. Runs as root
 * with the capabilities that a container has by default and CAP_SETFCAP; the claims are mostly about
 * children with other ids.
 */
#include <grp.h>
#include <stdint.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "posix.h"

#define ANN   1000
#define BEN   1001
#define GROUP 2000

/* Runs the rest of the block as this user, in a child; its claims go on being counted. */
#define AS(uid, ...)                                                                               \
	do {                                                                                       \
		pid_t pid_ = fork();                                                               \
		if (pid_ == 0) {                                                                   \
			become(uid);                                                               \
			n_failed = 0;                                                              \
			__VA_ARGS__                                                                \
			_exit(n_failed);                                                           \
		}                                                                                  \
		n_failed += end_of(pid_);                                                          \
	} while (0)

static void become(uid_t uid)
{
	const gid_t group = GROUP;

	if (setgroups(uid == ANN, &group) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		_exit(100);
}

static void modes(void)
{
	int fd;

	umask(027);
	fd = open("masked", O_CREAT | O_WRONLY, 0666);
	close(fd);
	mkdir("masked-dir", 0777);
	claim("umask", mode_of("masked") == 0640 && mode_of("masked-dir") == 0750);
	umask(0);
	fd = open("unmasked", O_CREAT | O_WRONLY, 0666);
	close(fd);
	claim("no umask", mode_of("unmasked") == 0666);
	umask(022);
	fd = open("read-only", O_CREAT | O_RDWR, 0400);
	claim("a mode that the opening does not need", write(fd, "x", 1) == 1);
	close(fd);
	chmod("unmasked", 01752);
	claim("chmod", mode_of("unmasked") == 01752);
	FAILS("chmod of nothing", ENOENT, chmod("nothing", 0));
}

static void others(void)
{
	put("private", "x");
	chmod("private", 0600);
	put("public", "x");
	chmod("public", 0646);
	put("grouped", "x");
	chown("grouped", 0, GROUP);
	chmod("grouped", 0660);
	mkdir("closed", 0700);
	put("closed/in", "x");
	mkdir("blind", 0711);
	put("blind/in", "x");
	AS(ANN, {
		FAILS("another's private file", EACCES, open("private", O_RDONLY));
		FAILS("its mode", EPERM, chmod("public", 0777));
		FAILS("its owner", EPERM, chown("public", ANN, ANN));
		FAILS("its times", EPERM,
		      utimensat(AT_FDCWD, "public", (struct timespec[]){ { 5, 0 }, { 5, 0 } }, 0));
		WORKS("its times to now, by who may write", utimensat(AT_FDCWD, "public", NULL, 0));
		WORKS("a group's file", open("grouped", O_RDWR));
		FAILS("a closed directory", EACCES, open("closed/in", O_RDONLY));
		FAILS("listing a blind one", EACCES, open("blind", O_RDONLY | O_DIRECTORY));
		WORKS("through it", open("blind/in", O_RDONLY));
		FAILS("making a file in another's directory", EACCES, open("blind/x", O_CREAT | O_WRONLY, 0600));
		FAILS("removing from it", EACCES, unlink("blind/in"));
		claim("access", access("public", W_OK) == 0 && access("private", R_OK) < 0);
	});
	AS(BEN, FAILS("a group's file for another", EACCES, open("grouped", O_RDONLY)););
}

static void owners(void)
{
	mkdir("anns", 0755);
	chown("anns", ANN, ANN);
	AS(ANN, {
		put("anns/file", "x");
		mkdir("anns/dir", 0755);
		symlink("x", "anns/link");
		WORKS("a group of one's own", chown("anns/file", -1, GROUP));
		FAILS("a group of another's", EPERM, chown("anns/file", -1, BEN));
		FAILS("giving away", EPERM, chown("anns/file", BEN, -1));
	});
	claim("owners of what was made", stat_of("anns/file").st_uid == ANN && stat_of("anns/file").st_gid == GROUP &&
		stat_of("anns/dir").st_uid == ANN && stat_of("anns/link").st_gid == ANN);
	chown("anns/link", 0, 0);
	WORKS("lchown", lchown("anns/link", BEN, BEN));
	claim("of the link itself", stat_of("anns/link").st_uid == BEN);
	mkdir("grouped-dir", 0777);
	chown("grouped-dir", 0, GROUP);
	chmod("grouped-dir", 02777);
	AS(BEN, {
		put("grouped-dir/file", "x");
		mkdir("grouped-dir/dir", 0755);
	});
	claim("a set-group-id directory gives its group", stat_of("grouped-dir/file").st_gid == GROUP &&
		stat_of("grouped-dir/dir").st_gid == GROUP && (mode_of("grouped-dir/dir") & S_ISGID));
}

static void sticky(void)
{
	mkdir("sticky", 0777);
	chmod("sticky", 01777);
	AS(ANN, put("sticky/anns", "x"););
	AS(ANN, mkdir("sticky/anns-dir", 0777););
	AS(BEN, {
		put("sticky/bens", "x");
		FAILS("another's directory in it", EPERM, rmdir("sticky/anns-dir"));
		FAILS("exchanging with it", EPERM,
		      syscall(SYS_renameat2, AT_FDCWD, "sticky/bens", AT_FDCWD, "sticky/anns", 2));
		FAILS("another's file in a sticky directory", EPERM, unlink("sticky/anns"));
		FAILS("renaming it", EPERM, rename("sticky/anns", "sticky/mine"));
		FAILS("renaming over it", EPERM, rename("sticky/bens", "sticky/anns"));
		WORKS("one's own", unlink("sticky/bens"));
	});
	mkdir("sticky-anns", 0777);
	chmod("sticky-anns", 01777);
	chown("sticky-anns", ANN, ANN);
	AS(BEN, put("sticky-anns/bens", "x"););
	AS(ANN, WORKS("the directory's owner may", unlink("sticky-anns/bens")););
}

/* Each way to change a file's bytes. */
static int by_writev(int fd)
{
	return writev(fd, (struct iovec[]){ { "a", 1 }, { "b", 1 } }, 2) == 2 ? 0 : -1;
}

static int by_append(int fd)
{
	return fcntl(fd, F_SETFL, O_APPEND) == 0 && write(fd, "c", 1) == 1 ? 0 : -1;
}

static int by_direct(int fd)
{
	static _Alignas(4096) char block[4096];

	return fcntl(fd, F_SETFL, O_DIRECT) == 0 && pwrite(fd, block, sizeof(block), 0) > 0 ? 0 : -1;
}

static int by_copy(int fd)
{
	return copy_file_range(open("anns/from", O_RDONLY), NULL, fd, NULL, 2, 0) == 2 ? 0 : -1;
}

static int by_ftruncate(int fd)
{
	return ftruncate(fd, 1);
}

static void set_ids_each_way(void)
{
	static const struct {
		const char *name;
		int (*change)(int fd);
	} ways[] = { { "writev", by_writev }, { "an append", by_append }, { "a direct write", by_direct },
		     { "copy_file_range", by_copy }, { "ftruncate", by_ftruncate } };
	char what[64];

	put("anns/from", "from");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int fd = open("anns/ways", O_RDWR | O_CREAT, 0755);

		fchmod(fd, 06755);
		snprintf(what, sizeof(what), "%s takes set-id bits", ways[i].name);
		claim(what, mode_of("anns/ways") == 06755 && ways[i].change(fd) == 0 && mode_of("anns/ways") == 0755);
		close(fd);
	}
}

static void set_ids(void)
{
	int fd;

	chmod("anns", 0777);
	AS(ANN, {
		put("anns/suid", "x");
		chmod("anns/suid", 06755);
		claim("set-id bits stay", mode_of("anns/suid") == 06755);
		fd = open("anns/suid", O_WRONLY);
		claim("a write takes them", write(fd, "y", 1) == 1 && mode_of("anns/suid") == 0755);
		close(fd);
		chmod("anns/suid", 06755);
		truncate("anns/suid", 0);
		claim("so does truncate", mode_of("anns/suid") == 0755);
		chmod("anns/suid", 06755);
		chown("anns/suid", -1, GROUP);
		claim("and chown", mode_of("anns/suid") == 0755);
		chmod("anns/suid", 02755);
		claim("a group that one is in", mode_of("anns/suid") == 02755);
		set_ids_each_way();
	});
	chown("anns/suid", ANN, BEN);
	AS(ANN, {
		chmod("anns/suid", 02755);
		claim("and one that one is not in", mode_of("anns/suid") == 0755);
	});
	put("shared-suid", "x");
	chmod("shared-suid", 04777);
	AS(BEN, {
		fd = open("shared-suid", O_WRONLY | O_TRUNC);
		close(fd);
	});
	claim("O_TRUNC by another takes it", mode_of("shared-suid") == 0777);
}

static void attributes(void)
{
	static char big[3000];
	char value[64] = "", list[256] = "";

	put("x", "");
	WORKS("setxattr", setxattr("x", "user.one", "1234", 4, 0));
	claim("getxattr", getxattr("x", "user.one", value, sizeof(value)) == 4 && !memcmp(value, "1234", 4));
	claim("its size", getxattr("x", "user.one", NULL, 0) == 4);
	FAILS("too small a buffer", ERANGE, getxattr("x", "user.one", value, 3));
	FAILS("XATTR_CREATE", EEXIST, setxattr("x", "user.one", "", 0, XATTR_CREATE));
	FAILS("XATTR_REPLACE", ENODATA, setxattr("x", "user.two", "", 0, XATTR_REPLACE));
	WORKS("an empty value", setxattr("x", "user.two", "", 0, 0));
	claim("listxattr", listxattr("x", list, sizeof(list)) == 18 &&
			   (!memcmp(list, "user.one\0user.two", 18) || !memcmp(list, "user.two\0user.one", 18)));
	WORKS("removexattr", removexattr("x", "user.one"));
	FAILS("what is gone", ENODATA, getxattr("x", "user.one", value, sizeof(value)));
	memset(big, 'b', sizeof(big));
	claim("3000 bytes", setxattr("x", "user.big", big, sizeof(big), 0) == 0 &&
			    getxattr("x", "user.big", NULL, 0) == sizeof(big));
	symlink("x", "xlink");
	FAILS("of a symlink", EPERM, lsetxattr("xlink", "user.one", "1", 1, 0));
	AS(ANN, {
		FAILS("set by another", EACCES, setxattr("x", "user.one", "1", 1, 0));
		claim("read by another", getxattr("x", "user.two", value, sizeof(value)) == 0);
	});
}

/* The kernel's form of an ACL: version 2, entries of tag, permissions, id. */
struct acl {
	uint32_t version;
	struct {
		uint16_t tag, perm;
		uint32_t id;
	} e[5];
};
enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, MASK = 16, OTHER = 32 };

static struct acl acl_for(uint32_t uid, uint16_t perm)
{
	return (struct acl){ 2, { { USER_OBJ, 7, -1 }, { USER, perm, uid }, { GROUP_OBJ, 0, -1 },
				  { MASK, 7, -1 }, { OTHER, 0, -1 } } };
}

static void acls(void)
{
	struct acl a = acl_for(ANN, 6), got = { 0 };
	char value[64];

	put("acl", "x");
	chmod("acl", 0600);
	if (setxattr("acl", "system.posix_acl_access", &a, sizeof(a), 0) < 0 && errno == EOPNOTSUPP) {
		printf("ok no ACLs here\n");
		return;
	}
	claim("an ACL read back", getxattr("acl", "system.posix_acl_access", &got, sizeof(got)) == sizeof(got) &&
				  !memcmp(&a, &got, sizeof(a)));
	claim("the mode shows its mask", mode_of("acl") == 0770);
	AS(ANN, WORKS("a named user", open("acl", O_RDWR)););
	AS(BEN, FAILS("another user", EACCES, open("acl", O_RDONLY)););
	chmod("acl", 0700);
	AS(ANN, FAILS("chmod sets the mask", EACCES, open("acl", O_RDONLY)););
	mkdir("acl-dir", 0755);
	a = acl_for(BEN, 7);
	WORKS("a default ACL", setxattr("acl-dir", "system.posix_acl_default", &a, sizeof(a), 0));
	umask(077);
	put("acl-dir/file", "x");
	mkdir("acl-dir/dir", 0777);
	umask(022);
	claim("is inherited, without the umask", mode_of("acl-dir/file") == 0640 && mode_of("acl-dir/dir") == 0770);
	claim("by directories as a default too",
	      getxattr("acl-dir/dir", "system.posix_acl_default", value, sizeof(value)) == sizeof(a) &&
		      !memcmp(value, &a, sizeof(a)));
	chmod("acl-dir", 0755);
	AS(BEN, {
		WORKS("and gives rights", open("acl-dir/file", O_RDONLY));
		FAILS("as far as the mask", EACCES, open("acl-dir/file", O_WRONLY));
	});
	WORKS("removed", removexattr("acl", "system.posix_acl_access"));
	FAILS("and gone", ENODATA, getxattr("acl", "system.posix_acl_access", value, sizeof(value)));
}

static void capabilities(void)
{
	/* VFS_CAP_REVISION_2, effective; CAP_NET_BIND_SERVICE permitted */
	static const uint32_t cap[5] = { 0x02000001, 1u << 10, 0, 0, 0 };
	uint32_t got[6] = { 0 };
	int fd;

	put("capable", "#!/bin/true\n");
	chmod("capable", 0777);
	WORKS("a file capability", setxattr("capable", "security.capability", cap, sizeof(cap), 0));
	claim("read back", getxattr("capable", "security.capability", got, sizeof(got)) == sizeof(cap) &&
			   got[1] == cap[1]);
	fd = open("capable", O_RDONLY);
	fsync(fd);
	close(fd);
	claim("it stays", getxattr("capable", "security.capability", got, sizeof(got)) == sizeof(cap));
	AS(ANN, {
		fd = open("capable", O_WRONLY);
		claim("a write", write(fd, "x", 1) == 1 && close(fd) == 0);
		FAILS("takes it", ENODATA, getxattr("capable", "security.capability", got, sizeof(got)));
		FAILS("setting one without the right", EPERM,
		      setxattr("capable", "security.capability", cap, sizeof(cap), 0));
	});
}

int main(int argc, char **argv)
{
	enter(argc, argv, "rights");
	modes();
	others();
	owners();
	sticky();
	set_ids();
	attributes();
	acls();
	capabilities();
	return n_failed != 0;
}
