/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials; see creds.h. System calls are made directly: the C library's setuid and setgroups
 * families look for other threads to change, and there are none.
 */
#include "creds.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "kernel.h"
#include "setup.h"

static void set_ids(uint32_t uid, uint32_t gid, size_t n_groups, const gid_t *groups)
{
	if (syscall(SYS_setgroups, n_groups, groups) < 0)
		setup_fail(errno, "supplementary groups");
	if (syscall(SYS_setresgid, gid, gid, gid) < 0)
		setup_fail(errno, "group %u", gid);
	if (syscall(SYS_setresuid, uid, uid, uid) < 0)
		setup_fail(errno, "user %u", uid);
}

void creds_become_root(void)
{
	set_ids(0, 0, 0, NULL);
}

/* With a policy a label is USER:ROLE:TYPE…; until one is loaded the kernel's own word, and else an error. */
static bool has_policy(int attributes)
{
	char label[256];
	int fd = openat(attributes, "current", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, label, sizeof(label));

	if (fd >= 0)
		close(fd);
	return n > 0 && memchr(label, ':', (size_t)n);
}

int creds_label_next(const char *attributes, const char *label)
{
	int dir = open(attributes, O_PATH | O_DIRECTORY | O_CLOEXEC), fd, err = 0;

	if (dir < 0)
		return -errno;
	if (has_policy(dir)) {
		fd = openat(dir, "exec", O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, label, strlen(label)) < 0)
			err = -errno;
		if (fd >= 0)
			close(fd);
	}
	close(dir);
	return err;
}

void creds_label(const struct plan *p)
{
	int err = p->label ? creds_label_next("/proc/self/attr", p->label) : 0;

	if (err < 0)
		setup_fail(-err, "process.selinuxLabel \"%s\"", p->label);
}

/* Capabilities that this kernel knows: the plan may name newer ones. */
static uint64_t known_caps(void)
{
	uint64_t known = 0;

	for (unsigned long cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0)
			break;
		known |= UINT64_C(1) << cap;
	}
	return known;
}

static void set_caps(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (unsigned int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(effective >> (32 * i));
		data[i].permitted = (uint32_t)(permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	if (syscall(SYS_capset, &head, data) < 0)
		setup_fail(errno, "capabilities");
}

static void drop_bounding(uint64_t known, uint64_t keep)
{
	for (unsigned long cap = 0; cap < 64; cap++) {
		uint64_t bit = UINT64_C(1) << cap;

		if ((known & bit) && !(keep & bit) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			setup_fail(errno, "bounding capability %lu", cap);
	}
}

static void set_ambient(uint64_t ambient)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		setup_fail(errno, "ambient capabilities");
	for (unsigned long cap = 0; cap < 64; cap++) {
		if ((ambient >> cap & 1) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			setup_fail(errno, "ambient capability %lu", cap);
	}
}

static void apply_ids(const struct plan *p)
{
	size_t n = p->count[PLAN_GROUP], pos = 0, i = 0;
	gid_t *groups = calloc(n ? n : 1, sizeof(*groups));
	struct cursor body;

	if (!groups)
		setup_fail(ENOMEM, "supplementary groups");
	while (i < n && plan_next(p, &pos, PLAN_GROUP, &body)) {
		const struct le32 *gid = cursor_take(&body, sizeof(*gid));

		groups[i++] = le32_get(*gid);
	}
	set_ids(le32_get(p->process->uid), le32_get(p->process->gid), n, groups);
	free(groups);
}

void creds_apply(const struct plan *p)
{
	const struct le64 *caps = p->process->caps;
	uint64_t known = known_caps(), set[CAP_SET_COUNT], extra = 0;
	bool no_new_privs = plan_has(p, PLAN_NO_NEW_PRIVS);

	for (unsigned int i = 0; i < CAP_SET_COUNT; i++)
		set[i] = le64_get(caps[i]) & known;
	if (!no_new_privs && p->count[PLAN_SECCOMP] > 0)
		extra = UINT64_C(1) << CAP_SYS_ADMIN;

	/* The bounding set first: it takes CAP_SETPCAP, which may be about to go. */
	drop_bounding(known, set[CAP_SET_BOUNDING]);
	/* Permitted capabilities survive the change of the user, to be cut to the plan's then. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		setup_fail(errno, "keeping capabilities");
	apply_ids(p);
	set_caps(set[CAP_SET_EFFECTIVE] | extra, set[CAP_SET_PERMITTED] | extra,
		 set[CAP_SET_INHERITABLE]);
	set_ambient(set[CAP_SET_AMBIENT]);
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		setup_fail(errno, "keeping capabilities");
	if (no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		setup_fail(errno, "no_new_privs");
}

void creds_seccomp(const struct plan *p)
{
	struct cursor body;
	size_t pos = 0;

	while (plan_next(p, &pos, PLAN_SECCOMP, &body)) {
		const struct plan_seccomp *s = cursor_take(&body, sizeof(*s));
		struct sock_fprog prog = { .len = (unsigned short)le32_get(s->n_insns) };
		uintptr_t insns = (uintptr_t)body.p; /* the kernel reads, but asks for non-const */

		prog.filter = (struct sock_filter *)insns;
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, le32_get(s->flags), &prog) != 0)
			setup_fail(errno, "seccomp filter");
	}
}

void creds_keep_kill_only(void)
{
	uint64_t kill_cap = UINT64_C(1) << CAP_KILL;
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		setup_fail(errno, "capabilities");
	kill_cap &= data[0].permitted;
	set_ambient(0);
	set_caps(kill_cap, kill_cap, 0);
}
