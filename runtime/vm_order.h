/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to the VMM of a container that runs (include/vmcontrol.h). */
#ifndef NACRE_RUNTIME_VM_ORDER_H
#define NACRE_RUNTIME_VM_ORDER_H

#include "failure.h"
#include "state.h"
#include "vmcontrol.h"

/* Gives the order and waits until it is carried out. 0, or -errno with the failure set. */
int vm_order(const struct state *state, enum vm_order_type type, struct failure *failure);

#endif
