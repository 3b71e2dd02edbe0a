/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block volumes: raw images and block devices of the host that the container gets as a device node.
 * Their content is the guest's; nothing on the host looks into them.
 */
#ifndef NACRE_RUNTIME_BLOCKS_H
#define NACRE_RUNTIME_BLOCKS_H

#include "config.h"
#include "plan_buffer.h"
#include "spawn.h"

#define BLOCKS_MAX 4u /* of one VM */

/* Adds FILE:GUEST[:ro]; `named` is what a message calls it. 0, or -EINVAL with the failure set. */
int blocks_add(struct container_config *config, const char *text, const char *named,
	       struct failure *failure);

/*
 * Opens them and locks them against a second writer, for as long as the VMM lives. 0, or -errno with
 * the failure set; blocks_close() in either case.
 */
int blocks_open(struct container_config *config, struct failure *failure);

void blocks_close(struct container_config *config);

void blocks_add_to_plan(const struct container_config *config, struct plan_buffer *plan);
void blocks_add_to_vmm(const struct container_config *config, unsigned int cpus, struct spawn *vmm);

#endif
