/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SELinux labels of a container's companions, where the host has SELinux. User, role and level are those
 * of process.selinuxLabel, else the caller's own user and role and a pair of categories that is drawn
 * for this container, apart from those of others (apart.h); the types are ours (selinux/nacre.cil) or those that nacre.conf names. A label is
 * set for the next execve(), long before no_new_privs.
 */
#ifndef NACRE_RUNTIME_SELINUX_H
#define NACRE_RUNTIME_SELINUX_H

#include "companions.h"
#include "conf.h"
#include "config.h"
#include "failure.h"
#include "mcs.h"

/* NULL: started without one of its own. All three are set, or none is. */
struct selinux_labels {
	const char *vmm, *fsd, *monitor;
	bool drawn; /* the pair of categories is ours to change */
};

#define SELINUX_VMM_TYPE     "nacre_vmm_t"
#define SELINUX_FSD_TYPE     "nacre_fsd_t"
#define SELINUX_MONITOR_TYPE "nacre_monitor_t"
#define SELINUX_TEMPLATE_TYPE "nacre_template_t"

/* True when the running policy knows the type. */
bool selinux_type_is_known(const char *type);

/*
 * Gives an open file the type, and no categories: it is for every container. Where the policy has no such type, or
 * the file system no labels, it stays as it is.
 */
void selinux_file_set_type(int fd, const char *type);

/*
 * Makes the labels, and asks the kernel whether each is valid and may be entered by this caller with
 * this program. Nothing is set on a host without SELinux, and for a container without a label where
 * the policy has not got our types. Returns 0, or -errno with the failure set.
 */
int selinux_labels_make(struct selinux_labels *labels, const struct container_config *config,
			const struct conf *conf, const struct companions *companions,
			struct arena *arena, struct failure *failure);

/* Another pair of categories in the place of the one that was drawn. From the arena. */
void selinux_labels_change_pair(struct selinux_labels *labels, struct mcs_pair pair,
				struct arena *arena);

/*
 * Splits USER:ROLE:TYPE:LEVEL (without LEVEL where the policy has none) and puts `type` in the place of
 * its type; `level` in that of its level, unless it is NULL. From the arena; NULL for no such label.
 */
const char *selinux_label_with(const char *label, const char *type, const char *level,
			       struct arena *arena);

#endif
