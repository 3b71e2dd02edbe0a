/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command in a tree that the virtio-fs device and nacre-fsd serve, without a virtual machine
 * (bridge.h): for suites that take long, for measurements, for trying things out.
 *
 *   mounted [--volume] [--nofile N] DIRECTORY COMMAND [ARG...]
 *
 * The command runs in the tree's root, as root of a container. --volume: as a volume, not as a root
 * file system. --nofile: RLIMIT_NOFILE of nacre-fsd and the device. At the end a line on standard
 * error tells how much memory both have used at most. The status is the command's.
 */
/* SOURCES: vmm/virtio_fs_send.c */
/* SOURCES: vmm/virtio_fs.c vmm/virtio_fs_session.c vmm/virtio_fs_broker.c vmm/virtio_fs_files.c vmm/virtio_fs_kept.c */
/* SOURCES: vmm/virtio_fs_io.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c */
/* SOURCES: vmm/log.c vmm/loop.c */
/* SOURCES: fsd/request.c fsd/lookup.c fsd/attr.c fsd/open.c fsd/create.c fsd/name.c fsd/dir.c */
/* SOURCES: fsd/xattr.c fsd/node.c fsd/node_fds.c fsd/node_find.c fsd/handle.c fsd/export.c fsd/sys.c */
/* SOURCES: fsd/slow.c fsd/serve.c fsd/stages.c */
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/files/bridge.h"

/* Largest resident size of a process so far, in KiB, and its open descriptors now. */
static void print_usage(const char *name, pid_t pid)
{
	char path[64], line[256];
	long kib = 0, size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		(void)sscanf(line, "VmHWM: %ld", &kib);
		(void)sscanf(line, "FDSize: %ld", &size);
	}
	if (f)
		fclose(f);
	fprintf(stderr, "%s: at most %ld KiB, room for %ld descriptors\n", name, kib, size);
}

/* The command's exit status. */
static int run(char **argv)
{
	char map[64];
	int user_ns, status = 0;
	pid_t pid;

	snprintf(map, sizeof(map), "0 %u 65536", PLAN_ID_BASE);
	user_ns = make_user_ns(map);
	pid = fork();
	if (pid == 0) {
		MUST(enter_container(user_ns, 0) == 0);
		setenv("HOME", ".", 1);
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	MUST(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void usage(void)
{
	fputs("usage: mounted [--volume] [--nofile N] DIRECTORY COMMAND [ARG...]\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct rlimit files;
	int i = 1, status;

	MUST(getrlimit(RLIMIT_NOFILE, &files) == 0);
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--volume"))
			mount_class = BROKER_CLASS_VOLUME;
		else if (!strcmp(argv[i], "--nofile") && i + 1 < argc)
			files.rlim_cur = files.rlim_max = (rlim_t)atol(argv[++i]);
		else
			usage();
	}
	if (argc - i < 2)
		usage();
	snprintf(dir, sizeof(dir), "%s", argv[i]);
	strcpy(at, "/tmp/nacre-mounted-XXXXXX");
	MUST(setrlimit(RLIMIT_NOFILE, &files) == 0 && mkdtemp(at));
	umask(022);
	start_processes();
	status = run(argv + i + 1);
	print_usage("nacre-fsd", fsd_pid);
	print_usage("the device", bridge_pid);
	MUST(umount2(at, 0) == 0 && rmdir(at) == 0);
	/* Both end by themselves when the mount is gone. */
	for (int n = 0; n < 2; n++) {
		int end = 0;

		MUST(wait(&end) > 0);
		if (end) {
			fprintf(stderr, "nacre-fsd or the device ended with status %x\n", end);
			status = 125;
		}
	}
	return status;
}
