/* SPDX-License-Identifier: Apache-2.0 */
/* Row 8 of the table of layers, on the host. */
#ifndef NACRE_RUNTIME_LAYERS_SELINUX_H
#define NACRE_RUNTIME_LAYERS_SELINUX_H

#include "layers.h"

/* What the kernel says now of the companions' labels, and of the monitor's AppArmor profile. */
void layers_read_selinux(struct layer_side *side, const struct state *state,
			 const struct container_config *config);

#endif
