/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of the table of layers; see layers.h. Expected values are written down here once
 * more, and not taken from where they are set: a layer that is forgotten there is noticed here.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "confined.h"
#include "fd.h"
#include "layers.h"
#include "layers_fds.h"
#include "layers_selinux.h"
#include "proc_read.h"
#include "state_files.h"

#define THREADS_MAX 128
/* How long memory.oom.group may be off: 2 s. */
#define OOM_GROUP_TRIES	  20
#define OOM_GROUP_STEP_NS 100000000L
#define CAP(c)	    (UINT64_C(1) << (c))

/* fsd/stages.c: what the file broker keeps in its own user namespace. */
#define FSD_CAPS                                                                                   \
	(CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_FOWNER) | CAP(CAP_FSETID) |             \
	 CAP(CAP_SETUID) | CAP(CAP_SETGID) | CAP(CAP_SETFCAP))

enum helper { HELPER_VMM, HELPER_FSD, HELPER_MONITOR, HELPER_COUNT };

static const char *const helper_names[] = { "nacre-vmm", "nacre-fsd", "nacre-monitor" };

/* What was read of the three, once. */
struct helpers {
	const struct state *state;
	pid_t pid[HELPER_COUNT];
	struct proc_status main[HELPER_COUNT];
	int n_threads[HELPER_COUNT];
	int n_filtered[HELPER_COUNT]; /* threads with a seccomp filter */
	int n_no_new_privs[HELPER_COUNT];
	uint64_t all_caps[HELPER_COUNT]; /* of every set but the bounding one, of every thread */
	uint64_t bounding[HELPER_COUNT];
};

void layer_set(struct layer_side *side, enum layer_verdict verdict, const char *format, ...)
{
	va_list args;

	side->verdict = verdict;
	va_start(args, format);
	vsnprintf(side->text, sizeof(side->text), format, args);
	va_end(args);
}

static void helper_read(struct helpers *h, enum helper i)
{
	pid_t tids[THREADS_MAX];
	int n = proc_threads(h->pid[i], tids, THREADS_MAX);

	h->n_threads[i] = n < 0 ? 0 : n;
	proc_status_read(h->pid[i], h->pid[i], &h->main[i]);
	for (int t = 0; t < n; t++) {
		struct proc_status s;

		if (proc_status_read(h->pid[i], tids[t], &s) < 0)
			continue;
		h->n_filtered[i] += s.seccomp == 2;
		h->n_no_new_privs[i] += s.no_new_privs == 1;
		h->bounding[i] |= s.caps[PROC_CAP_BND];
		h->all_caps[i] |= s.caps[PROC_CAP_INH] | s.caps[PROC_CAP_PRM] |
				  s.caps[PROC_CAP_EFF] | s.caps[PROC_CAP_AMB];
	}
}

static void read_kvm(struct layer_side *side, const struct helpers *h)
{
	struct layers_fds fds;
	int err = layers_fds_read(h->pid[HELPER_VMM], &fds);

	if (err)
		layer_set(side, LAYER_UNAVAILABLE, "nacre-vmm %d runs; its descriptors: %s",
			  (int)h->pid[HELPER_VMM], strerror(-err));
	else
		layer_set(side, fds.n_vm == 1 && fds.n_vcpu == h->state->size.cpus ?
			  LAYER_ON : LAYER_MISSING, "nacre-vmm %d holds %u VM with %u vCPUs%s",
			  (int)h->pid[HELPER_VMM], fds.n_vm, fds.n_vcpu, fds.n_vhost ?
			  ", and vhost-net: the host's kernel reads the guest's rings" : "");
}

static void read_namespaces(struct layer_side *side, const struct helpers *h)
{
	static const struct {
		enum helper helper;
		const char *name;
	} rows[] = {
		{ HELPER_VMM, "user" }, { HELPER_VMM, "mnt" },	  { HELPER_VMM, "pid" },
		{ HELPER_VMM, "net" },	{ HELPER_VMM, "ipc" },	  { HELPER_VMM, "uts" },
		{ HELPER_VMM, "cgroup" }, { HELPER_FSD, "user" }, { HELPER_FSD, "mnt" },
		{ HELPER_MONITOR, "mnt" }, { HELPER_MONITOR, "ipc" }, { HELPER_MONITOR, "uts" },
		{ HELPER_MONITOR, "cgroup" },
	};
	char own[200] = "", shared[200] = "";
	bool hidden = false;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r = proc_ns_differs(h->pid[rows[i].helper], rows[i].name);
		char *to = r > 0 ? own : shared;
		size_t len = strlen(to);

		hidden |= r == -EACCES || r == -EPERM;
		snprintf(to + len, 200 - len, "%s%s:%s", len ? " " : "",
			 helper_names[rows[i].helper] + strlen("nacre-"), rows[i].name);
	}
	if (hidden)
		layer_set(side, LAYER_UNAVAILABLE, "may not be looked at by this user; nacre-vmm is "
			  "in %u pid namespaces", h->main[HELPER_VMM].pid_depth);
	else if (shared[0])
		layer_set(side, LAYER_MISSING, "the host's: %s", shared);
	else
		layer_set(side, LAYER_ON, "own: %s", own);
}

static int leaf_read(const char *leaf, const char *file, char *text, size_t room)
{
	autoclose int dir = open(leaf, O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int fd = dir < 0 ? -1 : openat(dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, room - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

/* True when /proc says that the process is in the leaf. */
static bool is_in_leaf(pid_t pid, const char *leaf)
{
	char text[4096];
	const char *at;
	int n = proc_file_read(pid, "cgroup", text, sizeof(text));

	if (n < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	at = strstr(text, "::");
	return at && strncmp(leaf, "/sys/fs/cgroup", 14) == 0 && strcmp(at + 2, leaf + 14) == 0;
}

/*
 * memory.oom.group. While the monitor's witness shows that memory ran out inside (monitor/witness.h) it
 * is off: what is on again within a moment was not missing.
 */
static int oom_group_read(const char *leaf, char *text, size_t room)
{
	const struct timespec step = { .tv_nsec = OOM_GROUP_STEP_NS };
	int err = leaf_read(leaf, "memory.oom.group", text, room);

	for (int i = 0; i < OOM_GROUP_TRIES && !err && strcmp(text, "1") != 0; i++) {
		nanosleep(&step, NULL);
		err = leaf_read(leaf, "memory.oom.group", text, room);
	}
	return err;
}

static void read_cgroups(struct layer_side *side, const struct helpers *h)
{
	const char *leaf = h->state->cgroup;
	char max[64], group[64];

	if (!leaf) {
		if (h->state->cgroup_disabled)
			layer_set(side, LAYER_OFF, "--cgroup-manager disabled was asked for");
		else
			layer_set(side, LAYER_UNAVAILABLE, "no cgroup v2 was delegated");
		return;
	}
	for (int i = 0; i < HELPER_COUNT; i++) {
		if (!is_in_leaf(h->pid[i], leaf)) {
			layer_set(side, LAYER_MISSING, "%s is not in %s", helper_names[i], leaf);
			return;
		}
	}
	if (leaf_read(leaf, "memory.max", max, sizeof(max)) < 0 ||
	    oom_group_read(leaf, group, sizeof(group)) < 0)
		layer_set(side, LAYER_UNAVAILABLE, "%s: no memory controller was delegated", leaf);
	else
		layer_set(side, strcmp(max, "max") != 0 && strcmp(group, "1") == 0 ?
			  LAYER_ON : LAYER_MISSING, "%s: memory.max %s, memory.oom.group %s", leaf,
			  max, group);
}

/* The VMM's one mount: "ID PARENT 0:N / / ro,... - tmpfs ..." */
static void read_files(struct layer_side *side, const struct helpers *h)
{
	char text[8192];
	int n = proc_file_read(h->pid[HELPER_VMM], "mountinfo", text, sizeof(text));
	const char *end;

	if (n < 0) {
		layer_set(side, LAYER_UNAVAILABLE, "mountinfo: %s", strerror(-n));
		return;
	}
	end = strchr(text, '\n');
	if (!end || end[1] || !strstr(text, " / / ro,") || !strstr(text, " - tmpfs "))
		layer_set(side, LAYER_MISSING, "nacre-vmm has more than an empty read-only root");
	else
		layer_set(side, LAYER_ON, "nacre-vmm's only mount is an empty read-only tmpfs");
}

static void read_capabilities(struct layer_side *side, const struct helpers *h)
{
	/* a user's monitor has none to drop it with; no_new_privs is a row of its own */
	uint64_t monitors = h->main[HELPER_MONITOR].uid == 0 ? h->bounding[HELPER_MONITOR] : 0;
	bool fine = h->all_caps[HELPER_VMM] == 0 && h->bounding[HELPER_VMM] == 0 &&
		    h->all_caps[HELPER_MONITOR] == 0 && monitors == 0 &&
		    (h->all_caps[HELPER_FSD] & ~FSD_CAPS) == 0 && h->bounding[HELPER_FSD] == 0;

	layer_set(side, fine ? LAYER_ON : LAYER_MISSING,
		  "vmm %" PRIx64 ", monitor %" PRIx64 ", fsd %" PRIx64 " in its user namespace; "
		  "bounding sets %" PRIx64, h->all_caps[HELPER_VMM], h->all_caps[HELPER_MONITOR],
		  h->all_caps[HELPER_FSD], h->bounding[HELPER_VMM] | h->bounding[HELPER_FSD] |
		  monitors);
}

/* A property that every thread of the three must have. */
static void read_threads(struct layer_side *side, const struct helpers *h, const int *having,
			 const char *what)
{
	bool fine = true;

	for (int i = 0; i < HELPER_COUNT; i++)
		fine = fine && h->n_threads[i] > 0 && having[i] == h->n_threads[i];
	layer_set(side, fine ? LAYER_ON : LAYER_MISSING,
		  "%s: %d of %d threads of vmm, %d of %d of fsd, %d of %d of monitor", what,
		  having[0], h->n_threads[0], having[1], h->n_threads[1], having[2],
		  h->n_threads[2]);
}

static void read_user_namespace(struct layer_side *side, const struct helpers *h)
{
	char map[256];
	unsigned int inside = 1, outside = 0, count = 0;
	int n = proc_file_read(h->pid[HELPER_VMM], "uid_map", map, sizeof(map));

	if (n < 0 || sscanf(map, "%u %u %u", &inside, &outside, &count) != 3) /* NOLINT(cert-err34-c) */
		layer_set(side, LAYER_MISSING, "nacre-vmm has no uid_map");
	else
		layer_set(side, inside == 0 && outside != 0 && count == 1 ? LAYER_ON :
			  LAYER_MISSING, "root of nacre-vmm is uid %u, and no other id exists there",
			  proc_uid_outside(outside));
}

static void read_no_root(struct layer_side *side, const struct helpers *h)
{
	uint32_t vmm = proc_uid_outside(h->main[HELPER_VMM].uid);
	uint32_t monitor = proc_uid_outside(h->main[HELPER_MONITOR].uid);

	if (vmm == 0)
		layer_set(side, LAYER_MISSING, "nacre-vmm runs as uid 0");
	else if (monitor == 0)
		layer_set(side, LAYER_OFF, "started by root; nacre-vmm is uid %u", vmm);
	else
		layer_set(side, LAYER_ON, "monitor is uid %u, nacre-vmm uid %u", monitor, vmm);
}

/* "Max core file size   0   0   bytes" */
static bool has_core(pid_t pid)
{
	char text[4096];
	const char *at;
	unsigned int soft = 1, hard = 1;

	if (proc_file_read(pid, "limits", text, sizeof(text)) < 0)
		return true;
	at = strstr(text, "Max core file size");
	return !at || sscanf(at + 18, "%u %u", &soft, &hard) != 2 || hard != 0; /* NOLINT(cert-err34-c) */
}

/* What Landlock refused when each was confined: the lowest ABI, 0 for none, -1 if one did not say. */
static int landlock_of(const struct state *state)
{
	struct confined_record records[CONFINED_COUNT];
	autoclose int fd = openat(state->dir_fd, CONFINED_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int lowest = INT32_MAX;

	if (fd < 0 || read(fd, records, sizeof(records)) != (ssize_t)sizeof(records))
		return -1;
	for (int i = 0; i < CONFINED_COUNT; i++) {
		int abi = (int)le32_get(records[i].landlock_abi);

		if (le32_get(records[i].magic) != CONFINED_MAGIC ||
		    (abi > 0 && le32_get(records[i].probe_errno) != EACCES))
			return -1;
		if (abi < lowest)
			lowest = abi;
	}
	return lowest;
}

static void read_limits(struct layer_side *side, const struct helpers *h)
{
	int abi = landlock_of(h->state);
	struct layers_fds fds;
	int err = layers_fds_read(h->pid[HELPER_VMM], &fds);
	char landlock[64], descriptors[160];

	for (int i = 0; i < HELPER_COUNT; i++) {
		if (has_core(h->pid[i])) {
			layer_set(side, LAYER_MISSING, "%s may dump core", helper_names[i]);
			return;
		}
	}
	snprintf(landlock, sizeof(landlock), abi > 0 ? "Landlock ABI %d refused a probe in all three" :
		 "this kernel has no Landlock", abi);
	if (abi < 0) {
		layer_set(side, LAYER_MISSING, "Landlock: no refused probe on record");
		return;
	}
	if (err)
		snprintf(descriptors, sizeof(descriptors), "descriptors: %s", strerror(-err));
	else
		snprintf(descriptors, sizeof(descriptors),
			 "%u descriptors of nacre-vmm, all expected and close-on-exec", fds.n);
	if (!err && (fds.n_inherited || fds.unexpected[0]))
		layer_set(side, LAYER_MISSING, "nacre-vmm: %u descriptors survive an exec%s%s",
			  fds.n_inherited, fds.unexpected[0] ? "; not expected: " : "",
			  fds.unexpected);
	else
		layer_set(side, abi > 0 ? LAYER_ON : LAYER_UNAVAILABLE, "%s; no core dumps; %s",
			  landlock, descriptors);
}

void layers_read_host(struct layers *layers, const struct state *state,
		      const struct container_config *config)
{
	struct helpers h = { .state = state, .pid = { state->vmm.pid, state->fsd.pid,
						      state->monitor.pid } };
	struct layer_side *host = layers->host;

	for (int i = 0; i < HELPER_COUNT; i++)
		helper_read(&h, (enum helper)i);
	read_kvm(&host[LAYER_KVM], &h);
	read_namespaces(&host[LAYER_NAMESPACES], &h);
	read_cgroups(&host[LAYER_CGROUPS], &h);
	read_files(&host[LAYER_FILES], &h);
	read_capabilities(&host[LAYER_CAPABILITIES], &h);
	read_threads(&host[LAYER_SECCOMP], &h, h.n_filtered, "a filter");
	read_threads(&host[LAYER_NO_NEW_PRIVS], &h, h.n_no_new_privs, "set");
	layers_read_selinux(&host[LAYER_SELINUX], state, config);
	read_user_namespace(&host[LAYER_USER_NAMESPACE], &h);
	read_no_root(&host[LAYER_NO_ROOT], &h);
	read_limits(&host[LAYER_LIMITS], &h);
}
