/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs attacks, one after the other, and prints a line "NAME WORD" for each: "success", the name of
 * the errno it was refused with, the signal that ended it, or another word of attack.h.
 *
 *	driver DIRECTORY [NAME…]
 *
 * Static, so that it runs in any root file system, as its first process: one container start is
 * enough for all. An attack has its own session and 20 seconds; whatever of its process group is
 * left then is killed.
 */
#include <dirent.h>

#include "attack.h"

#define SECONDS 20

static const struct {
	int number;
	const char *name;
} errors[] = {
	{ EPERM, "EPERM" },	{ ENOENT, "ENOENT" },	{ ESRCH, "ESRCH" },
	{ EIO, "EIO" },		{ ENXIO, "ENXIO" },	{ ENOEXEC, "ENOEXEC" },
	{ EBADF, "EBADF" },	{ ECHILD, "ECHILD" },	{ EAGAIN, "EAGAIN" },
	{ ENOMEM, "ENOMEM" },	{ EACCES, "EACCES" },	{ EFAULT, "EFAULT" },
	{ ENOTBLK, "ENOTBLK" }, { EBUSY, "EBUSY" },	{ EEXIST, "EEXIST" },
	{ EXDEV, "EXDEV" },	{ ENODEV, "ENODEV" },	{ ENOTDIR, "ENOTDIR" },
	{ EISDIR, "EISDIR" },	{ EINVAL, "EINVAL" },	{ EMFILE, "EMFILE" },
	{ ENOTTY, "ENOTTY" },	{ EFBIG, "EFBIG" },	{ ENOSPC, "ENOSPC" },
	{ EROFS, "EROFS" },	{ ENOSYS, "ENOSYS" },	{ ELOOP, "ELOOP" },
	{ EOPNOTSUPP, "EOPNOTSUPP" }, { EAFNOSUPPORT, "EAFNOSUPPORT" },
	{ ESTALE, "ESTALE" },	{ ENOKEY, "ENOKEY" },	{ SUCCEEDED, "success" },
	{ CONTAINED, "contained" },   { EMPTY, "empty" }, { UNABLE, "unable" },
};

static const struct {
	int number;
	const char *name;
} signals[] = {
	{ SIGSYS, "SIGSYS" }, { SIGSEGV, "SIGSEGV" }, { SIGKILL, "SIGKILL" }, { SIGILL, "SIGILL" },
	{ SIGALRM, "timeout" },
};

static void print_outcome(const char *name, int status)
{
	const char *word = NULL;

	for (size_t i = 0; WIFEXITED(status) && i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (errors[i].number == WEXITSTATUS(status))
			word = errors[i].name;
	}
	for (size_t i = 0; WIFSIGNALED(status) && i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (signals[i].number == WTERMSIG(status))
			word = signals[i].name;
	}
	if (word)
		printf("%s %s\n", name, word);
	else
		printf("%s status-%#x\n", name, (unsigned int)status);
	fflush(stdout);
}

static void attack(const char *directory, const char *name)
{
	char path[4096];
	pid_t pid;
	int status;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	pid = fork();
	if (pid == 0) {
		setsid();
		alarm(SECONDS);
		execl(path, name, NULL);
		_exit(UNABLE);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		printf("%s unable\n", name);
		return;
	}
	kill(-pid, SIGKILL);
	/* As process 1 it gets the orphans: none may be left when the next attack counts processes. */
	while (getpid() == 1 && waitpid(-1, NULL, 0) > 0)
		continue;
	print_outcome(name, status);
}

int main(int argc, char **argv)
{
	struct dirent **names;
	int n;

	if (argc < 2)
		return 1;
	for (int i = 2; i < argc; i++)
		attack(argv[1], argv[i]);
	if (argc > 2)
		return 0;
	n = scandir(argv[1], &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.')
			attack(argv[1], names[i]->d_name);
	}
	return n < 0;
}
