/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File systems that are interfaces to a kernel. nacre refuses a volume that is one, with its name;
 * nacre-fsd refuses whatever it meets below an export.
 */
#ifndef NACRE_KERNEL_FS_H
#define NACRE_KERNEL_FS_H

#include <linux/magic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Not in <linux/magic.h> of 6.1. */
#define CONFIGFS_MAGIC   0x62656570
#define FUSECTL_MAGIC    0x65735543
#define MQUEUE_MAGIC     0x19800202
#define RPC_PIPEFS_MAGIC 0x67596969
#define NFSD_MAGIC       0x6e667364
#define BINFMTFS_MAGIC_  0x42494e4d

/*
 * Interfaces to the host's kernel. A file of theirs is a command or a view of other processes, not
 * data of the container: a container under crun gets fresh instances from the runtime, here the
 * guest's kernel makes them.
 */
static const uint32_t kernel_fs[] = {
	PROC_SUPER_MAGIC,     SYSFS_MAGIC,          CGROUP_SUPER_MAGIC,   CGROUP2_SUPER_MAGIC,
	DEBUGFS_MAGIC,        TRACEFS_MAGIC,        SECURITYFS_MAGIC,     SELINUX_MAGIC,
	SMACK_MAGIC,          AAFS_MAGIC,           BPF_FS_MAGIC,         PSTOREFS_MAGIC,
	EFIVARFS_MAGIC,       CONFIGFS_MAGIC,       DEVPTS_SUPER_MAGIC,   MQUEUE_MAGIC,
	BINFMTFS_MAGIC_,      BINDERFS_SUPER_MAGIC, NSFS_MAGIC,           FUSECTL_MAGIC,
	RDTGROUP_SUPER_MAGIC, XENFS_SUPER_MAGIC,    OPENPROM_SUPER_MAGIC, USBDEVICE_SUPER_MAGIC,
	RPC_PIPEFS_MAGIC,     NFSD_MAGIC,           SOCKFS_MAGIC,         PIPEFS_MAGIC,
	ANON_INODE_FS_MAGIC,  BDEVFS_MAGIC,         DAXFS_MAGIC,          DMA_BUF_MAGIC,
};

/* By statfs(2)'s f_type. */
static inline bool kernel_fs_is(uint32_t magic)
{
	for (size_t i = 0; i < sizeof(kernel_fs) / sizeof(kernel_fs[0]); i++) {
		if (kernel_fs[i] == magic)
			return true;
	}
	return false;
}

#endif
