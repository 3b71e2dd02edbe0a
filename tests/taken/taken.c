/* SPDX-License-Identifier: Apache-2.0 */
/* Runs tricks in confined processes; see taken.h. */
#include "taken.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

enum outcome { NOT_REACHED, CONFINED, REFUSED, GOT_IT };

static _Atomic int *outcome;
static struct world world;
static char secret_dir[] = "/tmp/nacre-taken.XXXXXX";
static char secret_path[64];

static void die(const char *what)
{
	fprintf(stderr, "taken: %s: %s\n", what, strerror(errno));
	exit(1);
}

static pid_t do_clone(unsigned long flags)
{
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
}

static void write_map(pid_t pid, const char *file, const char *map)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, map, strlen(map)) != (ssize_t)strlen(map))
		die(path);
	close(fd);
}

int taken_user_ns(const char *uid_map, const char *gid_map)
{
	char path[64];
	int fd;
	pid_t pid = do_clone(CLONE_NEWUSER);

	if (pid == 0) {
		pause();
		_exit(0);
	}
	if (pid < 0)
		die("a user namespace");
	write_map(pid, "uid_map", uid_map);
	write_map(pid, "gid_map", gid_map);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return fd;
}

/*
 * Should a stage of confinement not confine, its tricks shall hurt nobody: they run in namespaces of
 * their own, in which every file system of the host is read-only.
 */
static void make_cage(void)
{
	struct {
		uint64_t set, clear, propagation, user_ns;
	} attr = { 1 /* MOUNT_ATTR_RDONLY */, 0, MS_PRIVATE, 0 };

	if (unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET) ||
	    syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr)) ||
	    mount("none", "/tmp", "tmpfs", 0, NULL))
		die("namespaces to test in");
}

static void make_world(void)
{
	int pair[2], kvm, fd;

	if (!mkdtemp(secret_dir))
		die("a directory");
	chmod(secret_dir, 0755);
	snprintf(secret_path, sizeof(secret_path), "%s/secret", secret_dir);
	fd = open(secret_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || fchmod(fd, 0666) < 0 || write(fd, "secret\n", 7) != 7)
		die(secret_path);
	close(fd);
	world.secret = secret_path;
	world.file_fd = memfd_create("donated", MFD_CLOEXEC);
	if (world.file_fd < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		die("descriptors");
	world.socket_fd = pair[0];
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	world.vm_fd = kvm < 0 ? -1 : ioctl(kvm, (int)KVM_CREATE_VM, 0);
	world.victim = do_clone(0);
	if (world.victim == 0) {
		/* of the helper's uid, and it may be traced */
		if (setresgid(TAKEN_UID, TAKEN_UID, TAKEN_UID) ||
		    setresuid(TAKEN_UID, TAKEN_UID, TAKEN_UID))
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1);
		for (;;)
			pause();
	}
}

/* One trick in one process. */
static enum outcome try(const struct kind *kind, int number, const struct trick *trick,
			bool with_filter, unsigned long clone_flags)
{
	int status, null;
	pid_t pid;

	atomic_store(outcome, NOT_REACHED);
	pid = do_clone(clone_flags);
	if (pid == 0) {
		null = open("/dev/null", O_RDWR);
		dup2(null, STDIN_FILENO);
		kind->confine(&world, number, with_filter);
		atomic_store(outcome, CONFINED);
		atomic_store(outcome, trick->succeeds(&world) ? GOT_IT : REFUSED);
		_exit(0);
	}
	if (pid < 0)
		die("clone");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (atomic_load(outcome) == NOT_REACHED)
		return NOT_REACHED;
	/* an exec that worked ends without a word */
	if (atomic_load(outcome) == CONFINED && !WIFSIGNALED(status))
		return GOT_IT;
	return atomic_load(outcome) == GOT_IT ? GOT_IT : REFUSED;
}

static unsigned int n_bad;

static void try_all(const char *program, const struct kind *kind, int number,
		    const struct trick *tricks, size_t n, bool with_filter,
		    unsigned long clone_flags, unsigned int *tried)
{
	for (size_t i = 0; i < n; i++) {
		enum outcome o;

		if (!with_filter && tricks[i].by_filter_alone)
			continue;
		o = try(kind, number, &tricks[i], with_filter, clone_flags);
		(*tried)++;
		if (o == REFUSED)
			continue;
		n_bad++;
		printf("    %s, %s%s: %s: %s\n", program, kind->name,
		       with_filter ? "" : " without its filter", tricks[i].name,
		       o == GOT_IT ? "not refused" : "was never reached: confinement failed");
	}
}

/* Another process of the victim's uid may be killed by tricks: that it lives is looked at last. */
static void check_victim(const char *program)
{
	char secret[16] = "";
	int fd = open(secret_path, O_RDONLY);

	if (waitpid(world.victim, NULL, WNOHANG) != 0) {
		n_bad++;
		printf("    %s: the process outside was ended\n", program);
	}
	if (fd < 0 || read(fd, secret, sizeof(secret)) != 7 || memcmp(secret, "secret\n", 7) != 0) {
		n_bad++;
		printf("    %s: the file outside was changed\n", program);
	}
	kill(world.victim, SIGKILL);
	unlink(secret_path);
	rmdir(secret_dir);
}

int taken_run(const char *program, const struct kind *kinds, int n_kinds, const struct trick *more,
	      size_t n_more, unsigned long clone_flags)
{
	if (geteuid() != 0) {
		printf("skip taken-over %s: needs root\n", program);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	outcome = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (outcome == MAP_FAILED)
		die("shared memory");
	make_cage();
	make_world();
	for (int k = 0; k < n_kinds; k++) {
		for (int with_filter = 1; with_filter >= 0; with_filter--) {
			unsigned int before = n_bad, tried = 0;

			if (!with_filter && kinds[k].filter_needed)
				continue;
			try_all(program, &kinds[k], k, taken_tricks, n_taken_tricks, with_filter,
				clone_flags, &tried);
			try_all(program, &kinds[k], k, more, n_more, with_filter, clone_flags,
				&tried);
			printf("%s taken-over %s: %s%s: %u tricks refused\n",
			       n_bad == before ? "ok" : "not ok", program, kinds[k].name,
			       with_filter ? "" : ", without its seccomp filter",
			       tried - (n_bad - before));
		}
	}
	check_victim(program);
	return n_bad != 0;
}
