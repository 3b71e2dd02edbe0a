/* SPDX-License-Identifier: Apache-2.0 */
/* SELinux labels of the companions; see selinux.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <selinux/selinux.h>

#include "report.h"
#include "selinux.h"

/* Splits off the part up to the next colon. */
static const char *next_part(char **rest)
{
	char *part = *rest;
	char *colon = part ? strchr(part, ':') : NULL;

	*rest = colon ? colon + 1 : NULL;
	if (colon)
		*colon = '\0';
	return part && *part ? part : NULL;
}

const char *selinux_label_with(const char *label, const char *type, const char *level,
			       struct arena *arena)
{
	char *rest = arena_printf(arena, "%s", label); /* the level holds colons of its own */
	const char *user = next_part(&rest), *role = next_part(&rest);
	const char *its_type = next_part(&rest);

	if (!user || !role || !its_type)
		return NULL;
	if (!level)
		level = rest;
	return level ? arena_printf(arena, "%s:%s:%s:%s", user, role, type, level) :
		       arena_printf(arena, "%s:%s:%s", user, role, type);
}

/* What is behind the third colon; NULL where the policy has no levels. */
static const char *level_of(const char *label)
{
	for (int i = 0; i < 3 && label; i++) {
		label = strchr(label, ':');
		label = label ? label + 1 : NULL;
	}
	return label;
}

/*
 * A file's label with that type, this process' user and its low sensitivity, without categories; NULL where the policy
 * has no such type. object_r goes with every type and level.
 */
static const char *file_label(const char *type, struct arena *arena)
{
	const char *level, *label;
	char *own = NULL;

	if (is_selinux_enabled() <= 0 || getcon(&own) < 0)
		return NULL;
	level = level_of(own);
	if (!level)
		label = arena_printf(arena, "%.*s:object_r:%s", (int)strcspn(own, ":"), own, type);
	else
		label = arena_printf(arena, "%.*s:object_r:%s:%.*s", (int)strcspn(own, ":"), own, type,
				     (int)strcspn(level, ":-"), level);
	freecon(own);
	return security_check_context(label) == 0 ? label : NULL;
}

bool selinux_type_is_known(const char *type)
{
	struct arena arena = { .blocks = NULL };
	bool known = file_label(type, &arena) != NULL;

	arena_free(&arena);
	return known;
}

void selinux_file_set_type(int fd, const char *type)
{
	struct arena arena = { .blocks = NULL };
	const char *label = file_label(type, &arena);

	if (label && fsetfilecon(fd, label) < 0)
		report_debug("cannot label a file %s: %s", label, strerror(errno));
	arena_free(&arena);
}

/* The low sensitivity of `own`, and two categories. */
static const char *level_with(const char *own, struct mcs_pair pair, struct arena *arena)
{
	const char *level = level_of(own);

	return level ? arena_printf(arena, "%.*s:c%u,c%u", (int)strcspn(level, ":-"), level,
				    pair.low, pair.high) : NULL;
}

void selinux_labels_change_pair(struct selinux_labels *labels, struct mcs_pair pair,
				struct arena *arena)
{
	const char **all[] = { &labels->vmm, &labels->fsd, &labels->monitor };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const char *level = level_with(*all[i], pair, arena);
		int len = (int)(level_of(*all[i]) - *all[i]);

		*all[i] = arena_printf(arena, "%.*s%s", len, *all[i], level);
	}
}

/* What the enforcing kernel would say. */
static bool may(const char *subject, const char *object, const char *class, const char *permission)
{
	security_class_t number = string_to_security_class(class);
	access_vector_t bit = number ? string_to_av_perm(number, permission) : 0;
	struct av_decision decision;

	if (!bit || security_getenforce() != 1)
		return true;
	if (security_compute_av(subject, object, number, bit, &decision) < 0)
		return false;
	return (decision.allowed & bit) || (decision.flags & SELINUX_AVD_FLAGS_PERMISSIVE);
}

/* Whether `own` may start the program as `label`. */
static int check(const char *own, const char *label, const char *program, const char *field,
		 struct failure *failure)
{
	char *file = NULL;
	bool enters;

	if (security_check_context(label) < 0)
		return failure_set(failure, -EINVAL, "%s: \"%s\": expected a label that SELinux's "
				   "policy allows", field, label);
	if (!may(own, label, "process", "transition"))
		return failure_set(failure, -EACCES, "%s: \"%s\": SELinux's policy does not let %s "
				   "start it", field, label, own);
	if (getfilecon(program, &file) < 0)
		return 0; /* a file system without labels: the kernel will say */
	enters = may(label, file, "file", "entrypoint");
	if (!enters)
		failure_set(failure, -EACCES, "%s: \"%s\": expected %s to be labelled for it, it is "
			    "%s (restorecon, chcon)", field, label, program, file);
	freecon(file);
	return enters ? 0 : -EACCES;
}

static int labels_make(struct selinux_labels *labels, const char *own, const char *asked,
		       const struct conf *conf, const struct companions *companions,
		       struct arena *arena, struct failure *failure)
{
	struct mcs_pair pair;
	const char *level = asked || !mcs_pair_draw(NULL, 0, &pair) ? NULL
								    : level_with(own, pair, arena);
	const char *field = asked ? "process.selinuxLabel" : "label of our own";
	const struct {
		const char **label, *type, *program;
	} rows[] = {
		{ &labels->vmm, conf->selinux_vmm_type, companions->vmm },
		{ &labels->fsd, conf->selinux_fsd_type, companions->fsd },
		{ &labels->monitor, conf->selinux_monitor_type, companions->monitor },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *label = selinux_label_with(asked ? asked : own, rows[i].type, level,
						       arena);
		int err;

		if (!label)
			return failure_set(failure, -EINVAL, "process.selinuxLabel: \"%s\": "
					   "expected USER:ROLE:TYPE:LEVEL", asked ? asked : own);
		if (!selinux_type_is_known(rows[i].type)) {
			*labels = (struct selinux_labels){ .vmm = NULL };
			return asked ? failure_set(failure, -EINVAL, "process.selinuxLabel: \"%s\": "
						   "SELinux's policy has no type %s (make "
						   "install-selinux, or types of its own in "
						   "nacre.conf)", asked, rows[i].type) : 0;
		}
		err = check(own, label, rows[i].program, field, failure);
		if (err)
			return err;
		*rows[i].label = label;
	}
	labels->drawn = level != NULL;
	return 0;
}

int selinux_labels_make(struct selinux_labels *labels, const struct container_config *config,
			const struct conf *conf, const struct companions *companions,
			struct arena *arena, struct failure *failure)
{
	char *own = NULL;
	const char *asked = config->process.selinux_label;
	int err;

	*labels = (struct selinux_labels){ .vmm = NULL };
	if (asked && !*asked)
		asked = NULL;
	if (is_selinux_enabled() <= 0) {
		if (asked)
			report_warning("process.selinuxLabel: not applied: SELinux is not on on this host");
		return 0;
	}
	if (getcon(&own) < 0)
		return failure_set(failure, -errno, "/proc/self/attr/current: expected a label of "
				   "SELinux: %s", strerror(errno));
	err = labels_make(labels, own, asked, conf, companions, arena, failure);
	freecon(own);
	return err;
}
