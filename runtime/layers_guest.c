/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of the table of layers; see layers.h. Numbers that nacre-init read of the
 * container's first process: hearsay, compared with what config.json asks. A process that has less
 * than it was given is no worse for it.
 */
#include <inttypes.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/resource.h>

#include "guest_text.h"
#include "layers.h"

static const struct {
	uint32_t flag;
	const char *name;
} namespaces[] = {
	{ CLONE_NEWPID, "pid" }, { CLONE_NEWNS, "mnt" },	 { CLONE_NEWNET, "net" },
	{ CLONE_NEWIPC, "ipc" }, { CLONE_NEWUTS, "uts" },	 { CLONE_NEWCGROUP, "cgroup" },
	{ CLONE_NEWUSER, "user" }, { CLONE_NEWTIME, "time" },
};

static void judge_kvm(struct layer_side *side, const struct msg_layers *g)
{
	char release[sizeof(g->release) + 1];

	guest_text_copy(release, g->release, sizeof(g->release));
	layer_set(side, LAYER_ON, "a kernel of its own, %s", release);
}

static void judge_namespaces(struct layer_side *side, const struct msg_layers *g,
			     const struct container_config *config)
{
	uint32_t has = le32_get(g->namespaces);
	/* the last two are made whether asked for or not */
	uint32_t asked = config->namespaces | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS;
	char own[100] = "", guests[100] = "";
	bool missing = false;

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		uint32_t flag = namespaces[i].flag;
		char *to = has & flag ? own : guests;
		size_t len = strlen(to);

		missing = missing || (asked & flag && !(has & flag));
		snprintf(to + len, 100 - len, "%s%s", len ? " " : "", namespaces[i].name);
	}
	layer_set(side, missing ? LAYER_MISSING : LAYER_ON, "own: %s%s%s", own,
		  guests[0] ? "; the guest's: " : "", guests);
}

static void judge_cgroups(struct layer_side *side, const struct msg_layers *g,
			  const struct container_config *config)
{
	uint64_t memory = le64_get(g->memory_max), pids = le64_get(g->pids_max);
	bool fine = (config->resources.memory_limit <= 0 ||
		     memory <= (uint64_t)config->resources.memory_limit) &&
		    (config->resources.pids_limit <= 0 ||
		     pids <= (uint64_t)config->resources.pids_limit);
	char text[2][32] = { "max", "max" };

	if (memory != UINT64_MAX)
		snprintf(text[0], sizeof(text[0]), "%" PRIu64, memory);
	if (pids != UINT64_MAX)
		snprintf(text[1], sizeof(text[1]), "%" PRIu64, pids);
	layer_set(side, fine ? LAYER_ON : LAYER_MISSING, "memory.max %s, pids.max %s", text[0],
		  text[1]);
}

static void judge_files(struct layer_side *side, const struct msg_layers *g,
			const struct container_config *config)
{
	uint32_t masked = le32_get(g->n_masked), readonly = le32_get(g->n_readonly);
	size_t asked = config->masked_paths.n + config->readonly_paths.n;

	if (asked == 0 && !config->root_readonly)
		layer_set(side, LAYER_OFF, "no masked and no read-only path was asked for");
	else
		layer_set(side, (config->masked_paths.n == 0 || masked > 0) &&
			  (config->readonly_paths.n == 0 || readonly > 0) ?
			  LAYER_ON : LAYER_MISSING, "%u paths masked, %u mounts read-only", masked,
			  readonly);
}

static void judge_capabilities(struct layer_side *side, const struct msg_layers *g,
			       const struct container_config *config)
{
	const uint64_t *asked = config->process.caps;
	uint64_t extra = 0;

	for (int i = 0; i < CAP_SET_COUNT; i++)
		extra |= le64_get(g->caps[i]) & ~asked[i];
	layer_set(side, extra ? LAYER_MISSING : LAYER_ON,
		  "bounding %" PRIx64 ", effective %" PRIx64 "%s",
		  le64_get(g->caps[CAP_SET_BOUNDING]), le64_get(g->caps[CAP_SET_EFFECTIVE]),
		  extra ? ": more than config.json gives" : ", as asked");
}

static void judge_seccomp(struct layer_side *side, const struct msg_layers *g,
			  const struct container_config *config, bool held)
{
	uint32_t filters = le32_get(g->seccomp_filters);
	bool on = le32_get(g->seccomp) == 2 && filters > 0;

	if (held && filters == 0)
		layer_set(side, LAYER_UNAVAILABLE, "not yet: the filter is loaded at the exec");
	else if (on && !config->seccomp)
		layer_set(side, LAYER_OFF, "no profile was asked for; the base filter is on");
	else
		layer_set(side, on ? LAYER_ON : LAYER_MISSING, "%u filter%s", filters,
			  filters == 1 ? "" : "s");
}

static void judge_label(struct layer_side *side, const struct msg_layers *g,
			const struct container_config *config, bool held)
{
	const char *asked = config->process.selinux_label;
	char label[sizeof(g->label) + 1];

	guest_text_copy(label, g->label, sizeof(g->label));
	if (!label[0])
		layer_set(side, LAYER_UNAVAILABLE, "the guest has no policy");
	else if (!asked || !*asked)
		layer_set(side, LAYER_OFF, "%s: config.json asks for no label", label);
	else if (held)
		layer_set(side, LAYER_UNAVAILABLE, "not yet: the label is entered at the exec");
	else
		layer_set(side, strcmp(label, asked) == 0 ? LAYER_ON : LAYER_MISSING, "%s", label);
}

static void judge_privileges(struct layers *layers, const struct msg_layers *g,
			     const struct container_config *config)
{
	bool set = le32_get(g->no_new_privs) == 1;

	if (!config->process.no_new_privileges)
		layer_set(&layers->guest[LAYER_NO_NEW_PRIVS], set ? LAYER_ON : LAYER_OFF,
			  set ? "set" : "not asked for");
	else
		layer_set(&layers->guest[LAYER_NO_NEW_PRIVS], set ? LAYER_ON : LAYER_MISSING,
			  set ? "set" : "not set");
	layer_set(&layers->guest[LAYER_USER_NAMESPACE],
		  le32_get(g->uid_outside) != 0 && le32_get(g->namespaces) & CLONE_NEWUSER ?
		  LAYER_ON : LAYER_MISSING, "uid 0 is %u in the guest, %u ids",
		  le32_get(g->uid_outside), le32_get(g->uid_count));
}

static void judge_limits(struct layer_side *side, const struct msg_layers *g,
			 const struct container_config *config)
{
	uint64_t nofile = le64_get(g->nofile);
	bool fine = true;

	for (size_t i = 0; i < config->process.rlimits.n; i++) {
		const struct config_rlimit *asked = &config->process.rlimits.v[i];

		if (asked->resource == RLIMIT_NOFILE && nofile > asked->hard)
			fine = false;
	}
	layer_set(side, fine ? LAYER_ON : LAYER_MISSING, "nofile %" PRIu64 ", oom_score_adj %d",
		  nofile, (int)(int32_t)le32_get(g->oom_score_adj));
}

void layers_read_guest(struct layers *layers, const struct msg_layers *guest, const char *why,
		       const struct container_config *config, bool held)
{
	if (!guest) {
		for (int i = 0; i < LAYER_COUNT; i++)
			layer_set(&layers->guest[i], LAYER_UNAVAILABLE, "no answer: %s", why);
	} else {
		judge_kvm(&layers->guest[LAYER_KVM], guest);
		judge_namespaces(&layers->guest[LAYER_NAMESPACES], guest, config);
		judge_cgroups(&layers->guest[LAYER_CGROUPS], guest, config);
		judge_files(&layers->guest[LAYER_FILES], guest, config);
		judge_capabilities(&layers->guest[LAYER_CAPABILITIES], guest, config);
		judge_seccomp(&layers->guest[LAYER_SECCOMP], guest, config, held);
		judge_privileges(layers, guest, config);
		judge_label(&layers->guest[LAYER_SELINUX], guest, config, held);
		judge_limits(&layers->guest[LAYER_LIMITS], guest, config);
	}
	layer_set(&layers->guest[LAYER_NO_ROOT], LAYER_NONE, "%s", "");
}
