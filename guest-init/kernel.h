/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that the C libraries do not wrap, or wrap in a header that cannot stand beside the
 * kernel's own (<sys/mount.h> and <linux/mount.h>). Each returns what the kernel returned, or
 * -errno.
 */
#ifndef NACRE_INIT_KERNEL_H
#define NACRE_INIT_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Bits of namespaces whose number <linux/sched.h> does not give everywhere. */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* For open_tree() and mount_setattr(); <fcntl.h> of some C libraries lacks it. */
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

static inline long kernel_result(long r)
{
	return r < 0 ? -errno : r;
}

static inline int kernel_mount(const char *source, const char *target, const char *type,
			       unsigned long flags, const void *data)
{
	return (int)kernel_result(syscall(SYS_mount, source, target, type, flags, data));
}

static inline int kernel_open_tree(int dir, const char *path, unsigned int flags)
{
	return (int)kernel_result(syscall(SYS_open_tree, dir, path, flags));
}

/* Attaches the detached tree `from` on what the O_PATH descriptor `to` stands for. */
static inline int kernel_move_mount(int from, int to)
{
	return (int)kernel_result(syscall(SYS_move_mount, from, "", to, "",
					  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

static inline int kernel_mount_setattr(int fd, unsigned int flags, struct mount_attr *attr)
{
	return (int)kernel_result(
		syscall(SYS_mount_setattr, fd, "", flags | AT_EMPTY_PATH, attr, sizeof(*attr)));
}

static inline int kernel_openat2(int dir, const char *path, struct open_how *how)
{
	return (int)kernel_result(syscall(SYS_openat2, dir, path, how, sizeof(*how)));
}

static inline int kernel_close_range(unsigned int first, unsigned int last)
{
	return (int)kernel_result(syscall(SYS_close_range, first, last, 0));
}

/* Like fork(), in the parent the child's pid; the child's memory is a copy. */
static inline pid_t kernel_clone3(struct clone_args *args)
{
	return (pid_t)kernel_result(syscall(SYS_clone3, args, sizeof(*args)));
}

/* Of the calling process. The C library of the programs refuses to make this call. */
static inline int kernel_sched_policy(int policy)
{
	const struct {
		int sched_priority;
	} param = { 0 };

	return (int)kernel_result(syscall(SYS_sched_setscheduler, 0, policy, &param));
}

/* `fd` is a namespace's or, with several CLONE_NEW* bits, a pidfd. */
static inline int kernel_setns(int fd, uint32_t bits)
{
	return (int)kernel_result(syscall(SYS_setns, fd, bits));
}

static inline int kernel_pidfd_send_signal(int pidfd, int signo)
{
	return (int)kernel_result(syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0));
}

static inline int kernel_pidfd_open(pid_t pid)
{
	return (int)kernel_result(syscall(SYS_pidfd_open, pid, 0));
}

#endif
