/* SPDX-License-Identifier: Apache-2.0 */
/* The helpers' score; see oom_score.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include "fd.h"
#include "oom_score.h"

#define OWN_SCORE "/proc/self/oom_score_adj"

/* The caller's own, or 0. */
static long own_score(void)
{
	char own[16] = "";
	autoclose int fd = open(OWN_SCORE, O_RDONLY | O_CLOEXEC);

	return fd < 0 || read(fd, own, sizeof(own) - 1) <= 0 ? 0 : strtol(own, NULL, 10);
}

void oom_score_inherit(struct config_process *process)
{
	long own = process->oom_score_adj == CONFIG_OOM_SCORE_NONE ? own_score() : 0;

	if (own > 0)
		process->oom_score_adj = own;
}

const char *oom_score_of(const struct config_process *process, struct arena *arena)
{
	long own;

	if (process->oom_score_adj != CONFIG_OOM_SCORE_NONE)
		return arena_printf(arena, "%d", (int)process->oom_score_adj);
	own = own_score();
	return own > 0 ? arena_printf(arena, "%ld", own) : NULL;
}

static bool score_write(const char *score)
{
	autoclose int fd = open(OWN_SCORE, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, score, strlen(score)) > 0;
}

/* What is written without it is a score alone, no floor. */
static void drop_sys_resource(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	/* capset(2), and not libcap, which takes memory: see spawn.c */
	if (syscall(SYS_capget, &head, caps) < 0)
		return;
	caps[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective &= ~CAP_TO_MASK(CAP_SYS_RESOURCE);
	syscall(SYS_capset, &head, caps);
}

void oom_score_take(const char *score)
{
	if (strtol(score, NULL, 10) > 0) {
		score_write("0");
		drop_sys_resource();
	}
	score_write(score);
}

int oom_score_open(pid_t pid)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	return open(path, O_RDWR | O_CLOEXEC);
}
