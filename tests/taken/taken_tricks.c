/* SPDX-License-Identifier: Apache-2.0 */
/* What no helper may do, whatever thread of it was taken over. See taken.h. */
#include "taken.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* A system call that gives a descriptor, a pid or 0 when it is not refused. */
#define CALL(function, ...)                                                                        \
	static bool function(const struct world *w)                                                \
	{                                                                                          \
		(void)w;                                                                           \
		return syscall(__VA_ARGS__) >= 0;                                                  \
	}

/* One that fails for want of arguments once the right to make it was found. */
#define RIGHT(function, ...)                                                                       \
	static bool function(const struct world *w)                                                \
	{                                                                                          \
		(void)w;                                                                           \
		return syscall(__VA_ARGS__) >= 0 ||                                                \
		       (errno != EPERM && errno != EACCES && errno != ENOSYS);                     \
	}

static char scratch[8192] __attribute__((aligned(4096)));

CALL(open_root, SYS_open, "/", O_RDONLY)
CALL(open_parent, SYS_openat, AT_FDCWD, "..", O_RDONLY)
CALL(open_secret, SYS_open, w->secret, O_RDONLY)
CALL(write_secret, SYS_open, w->secret, O_WRONLY)
CALL(open_passwd, SYS_open, "/etc/passwd", O_RDONLY)
CALL(open_kvm, SYS_open, "/dev/kvm", O_RDWR)
CALL(open_mem, SYS_open, "/dev/mem", O_RDWR)
CALL(open_own_maps, SYS_open, "/proc/self/maps", O_RDONLY)
CALL(open_own_mem, SYS_open, "/proc/self/mem", O_RDWR)
CALL(open_init_root, SYS_open, "/proc/1/root/etc/shadow", O_RDONLY)
CALL(make_file, SYS_open, "/file", O_RDWR | O_CREAT, 0600)
CALL(make_dir, SYS_mkdir, "/dir", 0700)
CALL(make_device, SYS_mknod, "/disk", 0060600, 0x800)
CALL(make_link, SYS_symlink, "/etc", "/link")
RIGHT(by_handle, SYS_open_by_handle_at, AT_FDCWD, scratch, O_RDONLY)
CALL(socket_unix, SYS_socket, AF_UNIX, SOCK_STREAM, 0)
CALL(socket_inet, SYS_socket, AF_INET, SOCK_STREAM, 0)
CALL(socket_packet, SYS_socket, AF_PACKET, SOCK_RAW, 0)
CALL(socket_vsock, SYS_socket, 40, SOCK_STREAM, 0)
CALL(socket_netlink, SYS_socket, AF_NETLINK, SOCK_RAW, 0)
CALL(socket_pair, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (int *)scratch)
CALL(do_fork, SYS_fork)
CALL(do_vfork, SYS_clone, (unsigned long)SIGCHLD, NULL, NULL, NULL, NULL)
CALL(new_user_ns, SYS_unshare, CLONE_NEWUSER)
CALL(new_mount_ns, SYS_unshare, CLONE_NEWNS)
CALL(trace_victim, SYS_ptrace, PTRACE_SEIZE, w->victim, 0L, 0L)
CALL(kill_victim, SYS_kill, w->victim, 0)
CALL(kill_init, SYS_kill, 1 + (getpid() == 1), 0)
CALL(owned_by_victim, SYS_fcntl, w->socket_fd, F_SETOWN, w->victim)
CALL(tgkill_victim, SYS_tgkill, w->victim, w->victim, 0)
CALL(queue_victim, SYS_rt_sigqueueinfo, w->victim, SIGUSR1, scratch)
CALL(pidfd_of_victim, SYS_pidfd_open, w->victim, 0)
CALL(mount_tmpfs, SYS_mount, "none", "/", "tmpfs", 0UL, NULL)
CALL(mount_bind, SYS_mount, "/", "/", NULL, (unsigned long)MS_BIND, NULL)
CALL(mount_rw, SYS_mount, NULL, "/", NULL, (unsigned long)(MS_REMOUNT | MS_BIND), NULL)
CALL(unmount, SYS_umount2, "/", MNT_DETACH)
CALL(pivot, SYS_pivot_root, ".", ".")
CALL(do_chroot, SYS_chroot, "/")
CALL(tree_of_mounts, SYS_open_tree, AT_FDCWD, "/", 1U)
RIGHT(load_module, SYS_init_module, scratch, 16UL, "")
RIGHT(load_kernel, SYS_kexec_load, 0UL, 0UL, NULL, 0UL)
RIGHT(do_reboot, SYS_reboot, 0, 0, 0, NULL) /* wrong magic numbers */
RIGHT(swap_on, SYS_swapon, "/file", 0)
CALL(host_name, SYS_sethostname, "taken", 5UL)
CALL(use_bpf, SYS_bpf, 0, scratch, 48U)
CALL(use_perf, SYS_perf_event_open, scratch, 0, -1, -1, 0UL)
CALL(use_keys, SYS_add_key, "user", "taken", "x", 1UL, -2)
CALL(use_userfaultfd, SYS_userfaultfd, 1)
CALL(use_io_uring, SYS_io_uring_setup, 4U, scratch)
CALL(use_fanotify, SYS_fanotify_init, 0U, 0U)
CALL(be_root, SYS_setresuid, 1, 1, 1)
CALL(be_group, SYS_setresgid, 1, 1, 1)
CALL(raise_files, SYS_prlimit64, w->victim, RLIMIT_NOFILE, NULL, scratch)

static bool set_clock(const struct world *w)
{
	struct timespec now;

	(void)w;
	clock_gettime(CLOCK_REALTIME, &now);
	return syscall(SYS_clock_settime, CLOCK_REALTIME, &now) == 0;
}

static bool raise_core(const struct world *w)
{
	const struct rlimit more = { RLIM_INFINITY, RLIM_INFINITY };

	(void)w;
	return syscall(SYS_prlimit64, 0, RLIMIT_CORE, &more, NULL) == 0;
}

static bool gain_capabilities(const struct world *w)
{
	struct {
		uint32_t version;
		int pid;
	} head = { 0x20080522, 0 };
	uint32_t all[6];

	(void)w;
	memset(all, 0xff, sizeof(all));
	return syscall(SYS_capset, &head, all) == 0;
}

static bool run_program(const struct world *w)
{
	char *const argv[] = { "sh", NULL };

	(void)w;
	execve("/bin/sh", argv, argv + 1);
	execve("/bin/busybox", argv, argv + 1);
	return false; /* it would not come back: a success shows as a confined process that ended well */
}

static bool join_namespace(const struct world *w)
{
	int fd = (int)syscall(SYS_open, "/proc/1/ns/mnt", O_RDONLY);

	(void)w;
	return fd >= 0 || syscall(SYS_setns, 0, CLONE_NEWNS) == 0;
}

static bool read_memory_of_victim(const struct world *w)
{
	struct iovec to = { scratch, 16 }, from = { scratch, 16 };

	return syscall(SYS_process_vm_readv, w->victim, &to, 1UL, &from, 1UL, 0UL) > 0;
}

static bool map_executable(const struct world *w)
{
	(void)w;
	return (void *)syscall(SYS_mmap, NULL, 4096UL, PROT_READ | PROT_WRITE | PROT_EXEC,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0UL) != MAP_FAILED;
}

static bool make_executable(const struct world *w)
{
	(void)w;
	return syscall(SYS_mprotect, scratch, 4096UL, PROT_READ | PROT_EXEC) == 0;
}

static bool make_executable_by_key(const struct world *w)
{
	(void)w;
	return syscall(SYS_pkey_mprotect, scratch, 4096UL, PROT_READ | PROT_EXEC, -1) == 0;
}

static bool dump_again(const struct world *w)
{
	(void)w;
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

static bool forget_filter(const struct world *w)
{
	(void)w;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL) == 0;
}

static bool vm_ioctl(const struct world *w, unsigned long request)
{
	return w->vm_fd >= 0 && ioctl(w->vm_fd, (int)request, 0) >= 0;
}

static bool make_vcpu(const struct world *w)
{
	return vm_ioctl(w, KVM_CREATE_VCPU);
}

static bool move_tss(const struct world *w)
{
	return vm_ioctl(w, KVM_SET_TSS_ADDR);
}

static bool make_irqchip(const struct world *w)
{
	return vm_ioctl(w, KVM_CREATE_IRQCHIP);
}

static bool type_on_terminal(const struct world *w)
{
	char c = 'x';

	(void)w;
	return ioctl(0, TIOCSTI, &c) == 0;
}

static bool ask_socket(const struct world *w)
{
	int n;

	return ioctl(w->socket_fd, FIONREAD, &n) == 0;
}

static bool send_descriptor(const struct world *w)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };

	memcpy(CMSG_DATA(&control.head), &w->file_fd, sizeof(int));
	return sendmsg(w->socket_fd, &m, 0) > 0;
}

static bool send_to_address(const struct world *w)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/notify" };

	return sendto(w->socket_fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) > 0;
}

#if defined(__x86_64__)
static bool old_entry(const struct world *w)
{
	long r;

	(void)w;
	/* getpid() by the 32-bit entry */
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
	return r > 0;
}

static bool x32_entry(const struct world *w)
{
	(void)w;
	return syscall(0x40000000 | SYS_getpid) > 0;
}
#endif

const struct trick taken_tricks[] = {
	{ "open /", open_root, false },
	{ "open ..", open_parent, false },
	{ "open a file outside", open_secret, false },
	{ "open a file outside for writing", write_secret, false },
	{ "open /etc/passwd", open_passwd, false },
	{ "open /dev/kvm", open_kvm, false },
	{ "open /dev/mem", open_mem, false },
	{ "open /proc/self/maps", open_own_maps, false },
	{ "open /proc/self/mem", open_own_mem, false },
	{ "open /proc/1/root", open_init_root, false },
	{ "make a file in /", make_file, false },
	{ "make a directory in /", make_dir, false },
	{ "make a disk's node", make_device, false },
	{ "make a link in /", make_link, false },
	{ "open by handle", by_handle, true },
	{ "make a UNIX socket", socket_unix, true },
	{ "make a network socket", socket_inet, true },
	{ "make a packet socket", socket_packet, false },
	{ "make a vsock socket", socket_vsock, true },
	{ "make a netlink socket", socket_netlink, true },
	{ "make a pair of sockets", socket_pair, true },
	{ "fork", do_fork, true },
	{ "clone", do_vfork, true },
	{ "take a user namespace", new_user_ns, true },
	{ "take a mount namespace", new_mount_ns, false },
	{ "trace another process", trace_victim, false },
	{ "signal another process", kill_victim, false },
	{ "signal the host's init", kill_init, false },
	{ "signal another thread", tgkill_victim, false },
	{ "have the kernel signal another process", owned_by_victim, true },
	{ "queue a signal", queue_victim, false },
	{ "open another process", pidfd_of_victim, true },
	{ "mount a tmpfs", mount_tmpfs, false },
	{ "mount by bind", mount_bind, false },
	{ "make the root writable", mount_rw, false },
	{ "unmount the root", unmount, false },
	{ "pivot the root", pivot, false },
	{ "change the root", do_chroot, false },
	{ "clone mounts", tree_of_mounts, false },
	{ "load a module", load_module, false },
	{ "load a kernel", load_kernel, false },
	{ "reboot", do_reboot, false },
	{ "turn swap on", swap_on, false },
	{ "set the clock", set_clock, false },
	{ "name the host", host_name, false },
	{ "use bpf", use_bpf, false },
	{ "use performance counters", use_perf, true },
	{ "add a key", use_keys, true },
	{ "use userfaultfd", use_userfaultfd, true },
	{ "use io_uring", use_io_uring, true },
	{ "use fanotify", use_fanotify, true },
	{ "become another user", be_root, false },
	{ "become another group", be_group, false },
	{ "change another's limits", raise_files, false },
	{ "raise the core limit", raise_core, false },
	{ "gain capabilities", gain_capabilities, false },
	{ "run a program", run_program, false },
	{ "join a namespace", join_namespace, false },
	{ "read another's memory", read_memory_of_victim, false },
	{ "map executable memory", map_executable, true },
	{ "make memory executable", make_executable, true },
	{ "make memory executable by a key", make_executable_by_key, true },
	{ "be dumpable again", dump_again, true },
	{ "change the filter", forget_filter, true },
	{ "make a vCPU", make_vcpu, true },
	{ "set the VM's TSS", move_tss, true },
	{ "make an interrupt controller", make_irqchip, true },
	{ "type on the terminal", type_on_terminal, false },
	{ "FIONREAD of a socket", ask_socket, true },
	{ "send to an address", send_to_address, true },
#if defined(__x86_64__)
	{ "int 0x80", old_entry, true },
	{ "x32 calls", x32_entry, true },
#endif
};

const struct trick taken_send_descriptor = { "send a descriptor", send_descriptor, true };

const size_t n_taken_tricks = sizeof(taken_tricks) / sizeof(taken_tricks[0]);
