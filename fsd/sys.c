/* SPDX-License-Identifier: Apache-2.0 */
/* System calls without a function in the C library. See sys.h. */
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int sys_open_component(int dir_fd, const char *name)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};
	long r;

	do {
		r = syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
		/* EAGAIN: a rename somewhere raced with RESOLVE_BENEATH; openat2(2) says to try
		 * again. */
	} while (r < 0 && (errno == EINTR || errno == EAGAIN));
	return r < 0 ? -errno : (int)r;
}

int sys_stat_fd(int fd, struct statx *st)
{
	const unsigned int mask = STATX_BASIC_STATS | STATX_MNT_ID;
	const int flags = AT_EMPTY_PATH | AT_NO_AUTOMOUNT;

	return syscall(SYS_statx, fd, "", flags, mask, st) < 0 ? -errno : 0;
}

/* FNV-1a */
static uint32_t digest_of(const unsigned char *p, size_t len, uint32_t h)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

int sys_handle_digest(int fd, uint32_t *digest)
{
	_Alignas(struct file_handle) unsigned char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	struct file_handle *fh = (struct file_handle *)room;
	int mount_id;

	*digest = 0;
	fh->handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(fd, "", fh, &mount_id, AT_EMPTY_PATH) < 0)
		return errno == EOPNOTSUPP || errno == EOVERFLOW ? 0 : -errno;
	*digest = digest_of(room + sizeof(*fh), fh->handle_bytes,
			    2166136261u ^ (uint32_t)fh->handle_type);
	if (*digest == 0)
		*digest = 1;
	return 0;
}

/* Without waiting for one who has a lease on it. */
static int open_to_read(int path_fd)
{
	char name[12];

	snprintf(name, sizeof(name), "%d", path_fd);
	return open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* A byte that no program locks but one that locks all there is. */
static struct flock last_byte(short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = LLONG_MAX - 1, .l_len = 1};
}

/* The same of open descriptors: locks are theirs (OFD), so that closing them ends the lock. */
static int shares_locks(int fd, int other)
{
	struct flock before = last_byte(F_WRLCK), set = last_byte(F_RDLCK), after = last_byte(F_WRLCK);

	if (fcntl(other, F_OFD_GETLK, &before) < 0 || fcntl(fd, F_OFD_SETLK, &set) < 0)
		return -errno;
	if (before.l_type != F_UNLCK)
		return -EBUSY; /* somebody else's */
	return fcntl(other, F_OFD_GETLK, &after) < 0 ? -errno : after.l_type != F_UNLCK;
}

int sys_same_file(int path_fd, int other_path_fd)
{
	int fd = open_to_read(path_fd), other, r;

	if (fd < 0)
		return -errno;
	other = open_to_read(other_path_fd);
	r = other < 0 ? -errno : shares_locks(fd, other);
	if (other >= 0)
		close(other);
	close(fd);
	return r;
}

int sys_renameat2(int old_dir, const char *old_name, int new_dir, const char *new_name,
		  unsigned int flags)
{
	long r = syscall(SYS_renameat2, old_dir, old_name, new_dir, new_name, flags);

	return r < 0 ? -errno : 0;
}

ssize_t sys_getdents(int fd, void *buf, size_t len)
{
	long r = syscall(SYS_getdents64, fd, buf, len);

	return r < 0 ? -errno : r;
}

void sys_identity_get(struct sys_identity *ids)
{
	/* An id that cannot be set leaves the old one, which is told. */
	ids->uid = (uid_t)syscall(SYS_setfsuid, (uid_t)-1);
	ids->gid = (gid_t)syscall(SYS_setfsgid, (gid_t)-1);
}

int sys_become(uid_t uid, gid_t gid)
{
	struct sys_identity old, now;

	sys_identity_get(&old);

	/* Neither call reports failure: an id that cannot be set leaves the old one. Group first.
	 */
	syscall(SYS_setfsgid, gid);
	syscall(SYS_setfsuid, uid);
	sys_identity_get(&now);
	if (now.gid == gid && now.uid == uid)
		return 0;
	syscall(SYS_setfsuid, old.uid);
	syscall(SYS_setfsgid, old.gid);
	return -EPERM;
}
