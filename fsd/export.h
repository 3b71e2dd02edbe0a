/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is exported, and the mounts met inside it.
 *
 * Export 0 is the container's root file system, export 1 + N volume N. A node belongs to one mount
 * of one export: (export, st_dev, mount id). The mount id is part of it because the same directory
 * may be bound twice into an export, once read-only, and the two must not share a descriptor.
 *
 * File systems that are interfaces to the host's kernel (procfs, sysfs, cgroup, ...) are refused
 * wherever they appear: as an export and below one.
 */
#ifndef NACRE_FSD_EXPORT_H
#define NACRE_FSD_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "broker.h"
#include "sys.h"

/* Volumes of one container; a bound on argv, generous against config.json files seen. */
#define EXPORT_MAX  1024u
#define EXPORT_ROOT 0u

/* Mounts known at once in all exports. Forgotten when the last node on them is. */
#define MOUNT_MAX  4096u
#define MOUNT_NONE UINT16_MAX

struct export
{
	int fd; /* O_PATH, kept for ever */
	bool read_only;
};

struct mount {
	uint64_t id;
	uint32_t dev_major, dev_minor;
	uint32_t n_nodes; /* 0: free */
	uint16_t export;
	bool remote;  /* close() may report what a write could not: NFS and the like */
	bool overlay; /* overlayfs, whose inode numbers change: node_find.c */
};

struct export_table {
	uint32_t n_exports;
	struct export export[EXPORT_MAX];
	uint16_t n_mounts; /* entries ever used */
	struct mount mount[MOUNT_MAX];
	/* st_dev of the host's devtmpfs, which calls itself tmpfs in statfs. */
	bool has_devtmpfs;
	uint32_t devtmpfs_major, devtmpfs_minor;
};

/*
 * Reads the device number of devtmpfs out of a mountinfo file, if it has a line of that type. Takes
 * nothing. Before confinement, once per mount namespace.
 */
void export_find_devtmpfs(struct export_table *t, int mountinfo_fd);

/* Number of the next export, which takes fd; -ENFILE when there are too many. */
int export_add(struct export_table *t, int fd, bool read_only);

/* The class of sessions that sees this export. */
static inline enum broker_class export_class(uint16_t export)
{
	return export == EXPORT_ROOT ? BROKER_CLASS_ROOT : BROKER_CLASS_VOLUME;
}

/*
 * Index of the mount that *st (of descriptor fd) lies on, entered if it is new. `near` is where its
 * parent is, or MOUNT_NONE. -EACCES: a file system that is never exported. -ENFILE: too many
 * mounts. The entry lives until mount_release() made its n_nodes 0; a caller that enters no node
 * right away leaves it to be used again.
 */
int mount_enter(struct export_table *t, uint16_t export, uint16_t near, int fd,
		const struct statx *st);

/* One node more, one node less, on mount m. */
void mount_hold(struct export_table *t, uint16_t m);
void mount_release(struct export_table *t, uint16_t m);

/* True when *st lies on mount m. */
bool mount_matches(const struct export_table *t, uint16_t m, const struct statx *st);

#endif
