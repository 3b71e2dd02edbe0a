/* SPDX-License-Identifier: Apache-2.0 */
/* User namespaces for the companions: made by a child that waits, kept by a descriptor. */
#ifndef NACRE_RUNTIME_USERNS_H
#define NACRE_RUNTIME_USERNS_H

#include "config.h"
#include "failure.h"

/*
 * nacre-fsd's: container id c is PLAN_ID_BASE + c inside, and outside the host id that config.json
 * maps c to, or c itself. Returns a descriptor of it (the caller closes it) or -errno with the failure set.
 */
int userns_create_for_fsd(const struct container_config *config, struct failure *failure);

/*
 * An idmapped mount's (mount_setattr(2) "ID-mapped mounts"): what is owned by `container` in the file
 * system is owned by `host` in the mount. As userns_create_for_fsd().
 */
int userns_create_for_mount(const struct config_id_maps *uids, const struct config_id_maps *gids,
			    struct failure *failure);

/*
 * nacre-vmm's: its root is one unprivileged id outside; and in *net_ns_fd, which the caller closes too, an
 * empty network namespace that belongs to it. As userns_create_for_fsd().
 */
int userns_create_for_vmm(uint32_t uid, uint32_t gid, int *net_ns_fd, struct failure *failure);

#endif
