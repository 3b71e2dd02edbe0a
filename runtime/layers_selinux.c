/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of the companions as /proc shows them; see layers_selinux.h. */
#include <string.h>
#include <selinux/selinux.h>

#include "layers_selinux.h"
#include "proc_read.h"

#define LABEL_MAX 256

/* A file of /proc/PID/attr, "" if it cannot be read. */
static void attribute_read(pid_t pid, const char *name, char label[LABEL_MAX])
{
	if (proc_file_read(pid, name, label, LABEL_MAX) < 0)
		label[0] = '\0';
	label[strcspn(label, "\n")] = '\0';
}

static void judge(struct layer_side *side, const struct state *state)
{
	const struct {
		const char *name, *wanted;
		pid_t pid;
	} rows[] = {
		{ "nacre-vmm", state->selinux.vmm, state->vmm.pid },
		{ "nacre-fsd", state->selinux.fsd, state->fsd.pid },
		{ "nacre-monitor", state->selinux.monitor, state->monitor.pid },
	};
	char label[LABEL_MAX];
	bool known;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		attribute_read(rows[i].pid, "attr/current", label);
		if (rows[i].wanted && strcmp(label, rows[i].wanted) == 0)
			continue;
		known = rows[i].wanted || selinux_type_is_known(SELINUX_VMM_TYPE);
		layer_set(side, known ? LAYER_MISSING : LAYER_UNAVAILABLE, "%s is %s, %s%s",
			  rows[i].name, label[0] ? label : "not to be looked at",
			  known ? "expected " : "the policy has no types for nacre",
			  !known ? "" : rows[i].wanted ? rows[i].wanted : "a label of its own");
		return;
	}
	if (security_getenforce() == 1)
		layer_set(side, LAYER_ON, "%s, and types of their own for fsd and monitor",
			  state->selinux.vmm);
	else
		layer_set(side, LAYER_UNAVAILABLE, "%s, but SELinux is permissive here: it refuses "
			  "nothing", state->selinux.vmm);
}

/* Adds what became of the profile that config.json names. */
static void add_apparmor(struct layer_side *side, const struct state *state, const char *profile)
{
	size_t len = strlen(side->text);
	char now[LABEL_MAX];

	if (!profile)
		return;
	attribute_read(state->monitor.pid, "attr/apparmor/current", now);
	if (strncmp(now, profile, strlen(profile)) == 0 &&
	    (now[strlen(profile)] == '\0' || now[strlen(profile)] == ' '))
		snprintf(side->text + len, sizeof(side->text) - len,
			 "; AppArmor: nacre-monitor is %s", now);
	else
		snprintf(side->text + len, sizeof(side->text) - len,
			 "; AppArmor: %.80s is not applied, nacre-monitor is %s", profile,
			 now[0] ? now : "without");
}

void layers_read_selinux(struct layer_side *side, const struct state *state,
			 const struct container_config *config)
{
	if (is_selinux_enabled() > 0)
		judge(side, state);
	else
		layer_set(side, LAYER_UNAVAILABLE, "SELinux is not on on this host");
	add_apparmor(side, state, config->process.apparmor_profile);
}
