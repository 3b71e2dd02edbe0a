/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory without end: killed at the container's limit, and not where the machine's memory ends, which is not
 * far behind.
 */
/* EXPECT: default=contained wide=contained */
#include "attack.h"

/* How often a process of this cgroup was killed for memory because of the cgroup's own limit. */
static long own_limit_reached(void)
{
	FILE *f = fopen("/sys/fs/cgroup/memory.events", "re");
	char line[64];
	long n = -1;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "oom ", 4))
			n = atol(line + 4);
	}
	if (f)
		fclose(f);
	return n;
}

static int take_all(void)
{
	NEED(write_to("/proc/self/oom_score_adj", "1000") ? -1 : 0);
	for (size_t i = 0; i < 4096; i++) {
		char *p = malloc(1 << 20);

		if (!p)
			return ENOMEM;
		memset(p, 1, 1 << 20);
	}
	return SUCCEEDED;
}

int main(void)
{
	long before = own_limit_reached();
	int status;
	pid_t pid;

	NEED(before);
	pid = fork();
	NEED(pid);
	if (pid == 0)
		exit(take_all());
	NEED(waitpid(pid, &status, 0));
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return WTERMSIG(status) == SIGKILL && own_limit_reached() > before ? CONTAINED : SUCCEEDED;
}
