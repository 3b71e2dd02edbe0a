/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `nacre` and the nacre-vmm of a running VM say to each other, over a SOCK_SEQPACKET connection
 * to a socket in the state directory, which nobody but the owner of that directory reaches. One
 * packet is one struct vm_order, answered by one struct vm_answer. No descriptor is ever passed. The
 * guest has no part in it.
 */
#ifndef NACRE_VMCONTROL_H
#define NACRE_VMCONTROL_H

#include <assert.h>

#include "bytes.h"

enum vm_order_type {
	VM_ORDER_PAUSE = 1,  /* answered when no vCPU runs any more; paused already: at once */
	VM_ORDER_RESUME = 2, /* answered when they may run again */
};

struct vm_order {
	struct le32 type; /* enum vm_order_type */
};
static_assert(sizeof(struct vm_order) == 4, "wire size");

struct vm_answer {
	struct le32 error; /* 0: done; else an errno value */
};
static_assert(sizeof(struct vm_answer) == 4, "wire size");

#endif
