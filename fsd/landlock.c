/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock around nacre-fsd. See stages.h.
 *
 * A rule belongs to an inode, the root of an export, and counts for everything found below it, also
 * through /proc/self/fd. Calls that Landlock does not see (stat, chmod, xattr) stay with the mount
 * namespace and the seccomp filter.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confined.h"
#include "landlock.h"
#include "stages.h"

/* What a rule on a regular file may hold. */
#define FILE_RIGHTS                                                                                \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_FS_TRUNCATE)

static const uint64_t read_rights = LANDLOCK_ACCESS_FS_READ_FILE | /* OPEN */
				    LANDLOCK_ACCESS_FS_READ_DIR;   /* OPENDIR */

static const uint64_t write_rights = LANDLOCK_ACCESS_FS_WRITE_FILE |  /* OPEN */
				     LANDLOCK_FS_TRUNCATE |           /* SETATTR of a size */
				     LANDLOCK_ACCESS_FS_REMOVE_DIR |  /* RMDIR */
				     LANDLOCK_ACCESS_FS_REMOVE_FILE | /* UNLINK, RENAME over */
				     LANDLOCK_ACCESS_FS_MAKE_DIR |    /* MKDIR */
				     LANDLOCK_ACCESS_FS_MAKE_REG |    /* CREATE, MKNOD */
				     LANDLOCK_ACCESS_FS_MAKE_SOCK |   /* MKNOD */
				     LANDLOCK_ACCESS_FS_MAKE_FIFO |   /* MKNOD */
				     LANDLOCK_ACCESS_FS_MAKE_CHAR |   /* MKNOD of 0:0, a whiteout */
				     LANDLOCK_ACCESS_FS_MAKE_SYM |    /* SYMLINK */
				     LANDLOCK_FS_REFER;               /* LINK, RENAME */

static int allow_below(int ruleset, const struct export *e, uint64_t handled)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = read_rights | (e->read_only ? 0 : write_rights),
		.parent_fd = e->fd,
	};
	struct stat st;

	if (fstat(e->fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= FILE_RIGHTS;
	rule.allowed_access &= handled;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return -errno;
	return 0;
}

/* The ABI in force, 0 without Landlock, or -errno. */
static int restrict_files(const struct args *a)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_everything all;
	int fd, err = 0;

	/* ABI 1 cannot allow a rename between directories: it would take more than it protects. */
	if (abi < 2)
		return 0;
	all = landlock_everything_of(abi);
	fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (fd < 0)
		return -errno;
	for (uint32_t i = 0; i < a->n_exports && !err; i++)
		err = allow_below(fd, &a->export[i], all.handled_access_fs);
	if (!err && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		err = -errno;
	close(fd);
	return err ? err : abi;
}

int stage_restrict_files(const struct args *a)
{
	const off_t at = (off_t)(CONFINED_FSD * sizeof(struct confined_record));
	int abi = restrict_files(a);
	struct confined_record record;
	int probe;

	if (abi < 0)
		return abi;
	/* The working directory is /proc/self/fd, which belongs to no export. */
	probe = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	record = confined_record_of(abi, probe < 0 ? errno : 0);
	if (probe >= 0)
		close(probe);
	if (abi && probe >= 0)
		return -ENOTRECOVERABLE;
	if (a->confined_fd < 0)
		return 0;
	if (pwrite(a->confined_fd, &record, sizeof(record), at) != (ssize_t)sizeof(record))
		return errno ? -errno : -EIO;
	close(a->confined_fd);
	return 0;
}
