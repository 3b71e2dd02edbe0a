/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that musl 1.2.3 has no function for, or whose function does too much: its setfsuid
 * and friends are fine, but openat2, statx and renameat2 are missing. Each returns a result or
 * -errno and takes no lock. After confinement.
 */
#ifndef NACRE_FSD_SYS_H
#define NACRE_FSD_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#ifndef STATX_BASIC_STATS
#include <linux/stat.h>
#endif

/* One entry as getdents64() writes it. */
struct sys_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

/*
 * Opens one component below dir_fd with O_PATH: a symbolic link is opened itself, nothing is
 * followed, nothing leaves the directory. `name` has been checked to be one component. The caller
 * owns the descriptor.
 */
int sys_open_component(int dir_fd, const char *name);

/* Attributes of the object that fd refers to, mount id included. */
int sys_stat_fd(int fd, struct statx *st);

/*
 * A 32-bit digest of the file handle that the file system gives the object, which changes when an
 * inode number is used again. *digest is 0 when the file system gives none, as overlayfs without
 * nfs_export: then device, inode number and type have to do. 0 or -errno.
 */
int sys_handle_digest(int fd, uint32_t *digest);

/*
 * Whether two O_PATH descriptors of regular files lead to one inode, where inode numbers cannot say: a
 * lock that is set through the one is seen through the other. 1, 0, or -errno: that could not be tried. The
 * working directory is /proc/self/fd.
 */
int sys_same_file(int path_fd, int other_path_fd);

int sys_renameat2(int old_dir, const char *old_name, int new_dir, const char *new_name,
		  unsigned int flags);
ssize_t sys_getdents(int fd, void *buf, size_t len);

/* File system ids of this thread. */
struct sys_identity {
	uid_t uid;
	gid_t gid;
};
void sys_identity_get(struct sys_identity *ids);

/*
 * Creates as (uid, gid) from now on, as far as file systems look at it. This thread only: these are
 * the raw system calls. -EPERM when fsd's user namespace does not have the ids; then nothing
 * changed.
 */
int sys_become(uid_t uid, gid_t gid);

#endif
