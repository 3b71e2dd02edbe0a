/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre-fsd: the file broker of one container.
 *
 * It answers FUSE requests that the guest's kernel made and nacre-vmm passed on (include/broker.h),
 * inside the container's file tree, and donates the descriptors of opened files. argv comes from
 * `nacre` and is trusted. Every byte from the socket is hostile: the guest wrote it, and a guest
 * that has taken nacre-vmm over writes it directly. The file tree is hostile too: an image wrote
 * it, and others may change a volume at any moment.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "filter.h"
#include "serve.h"
#include "slow.h"
#include "stages.h"

static struct args args;
static struct fsd fsd;

__attribute__((format(printf, 1, 2))) static int fail(const char *format, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	dprintf(STDERR_FILENO, "nacre-fsd: %s\n", line);
	return 1;
}

static bool is_seqpacket(int fd)
{
	socklen_t len = sizeof(int);
	int type = 0;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

static int close_others(int proc_fd)
{
	static int keep[EXPORT_MAX + 5];
	size_t n = 0;

	keep[n++] = STDERR_FILENO;
	keep[n++] = args.socket_fd;
	keep[n++] = proc_fd;
	if (args.confined_fd >= 0)
		keep[n++] = args.confined_fd;
	if (args.alive_fd >= 0)
		keep[n++] = args.alive_fd;
	for (uint32_t i = 0; i < args.n_exports; i++)
		keep[n++] = args.export[i].fd;
	return stage_close_others(keep, n);
}

/* Makes the exports nodes. 0, or 1 after a line on standard error. */
static int add_exports(void)
{
	for (uint32_t i = 0; i < args.n_exports; i++) {
		struct export *e = &args.export[i];
		int n = export_add(&fsd.exports, e->fd, e->read_only);
		int err = n < 0 ? n : node_add_export(&fsd.nodes, (uint16_t)n);
		char what[32] = "root";

		if (!err)
			continue;
		if (i != EXPORT_ROOT)
			snprintf(what, sizeof(what), "volume %u", i - 1);
		if (err == -EACCES)
			return fail("%s: a file system of this type is never exported", what);
		if (err == -ENOTDIR)
			return fail("%s: neither a directory nor (for volumes) a regular file",
				    what);
		return fail("%s: %s", what, strerror(-err));
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *wrong = args_parse(&args, argc, argv);
	int proc_fd, proc_self_fd, err;
	uint32_t max_fds, own;

	if (wrong)
		return fail("%s", wrong);
	if (!is_seqpacket(args.socket_fd))
		return fail("--socket %d: not a SOCK_SEQPACKET socket", args.socket_fd);

	err = stage_open_proc(&fsd.exports, &proc_fd, &proc_self_fd);
	if (err)
		return fail("/proc/self/fd: %s", strerror(-err));
	err = stage_enter_mounts(&fsd.exports, args.mount_ns_fd, proc_self_fd, proc_fd);
	if (err)
		return fail("cannot enter the mount namespace: %s", strerror(-err));
	err = stage_enter_user(args.user_ns_fd);
	if (err)
		return fail("cannot enter the user namespace: %s", strerror(-err));
	err = stage_drop_capabilities();
	if (err)
		return fail("cannot drop capabilities: %s", strerror(-err));
	err = stage_set_limits(&max_fds);
	if (err)
		return fail("cannot set limits: %s", strerror(-err));
	err = close_others(proc_fd);
	if (err)
		return fail("cannot close inherited descriptors: %s", strerror(-err));
	err = stage_restrict_files(&args);
	if (err)
		return fail("Landlock: %s", strerror(-err));
	/*
	 * ---- Confined. Below this line the process reaches the exported trees, its own descriptor
	 * table through proc_fd, the socket and standard error, as the container's root at most.
	 * ----
	 */
	own = FSD_FDS_OWN + args.n_exports;
	if (max_fds < own + 64)
		return fail("RLIMIT_NOFILE %u is too low for %u exports", max_fds, args.n_exports);
	err = fsd_init(&fsd, args.container, proc_fd, NODE_MAX, max_fds - own);
	if (err)
		return fail("cannot reserve the node table: %s", strerror(-err));
	err = add_exports();
	if (err)
		return err;
	err = slow_start(&fsd, args.socket_fd, filter_apply);
	if (err)
		return fail("cannot start threads: %s", strerror(-err));
	err = filter_apply();
	if (err)
		return fail("seccomp: %s", strerror(-err));
	/* ---- Below this line only the system calls of fsd.policy are left. ---- */
	err = serve(&fsd, args.socket_fd);
	return err ? fail("socket: %s", strerror(-err)) : 0;
}
