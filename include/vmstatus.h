/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a VM ended: one record that nacre-vmm writes at offset 0 of the status file it inherited, just
 * before it ends. The monitor and `nacre` read it when their connection breaks. A file that is still
 * empty then means that nacre-vmm was killed. `log` is hearsay: bytes from guest memory.
 */
#ifndef NACRE_VMSTATUS_H
#define NACRE_VMSTATUS_H

#include <assert.h>

#include "bytes.h"

#define VM_STATUS_MAGIC	  0x53564d31u
#define VM_STATUS_LOG_MAX 4096u

enum vm_end {
	VM_END_NONE = 0,
	VM_END_RELEASED = 1,	 /* the last session closed; the expected end */
	VM_END_GUEST_RESET = 2,	 /* the guest rebooted, powered off or panicked by itself */
	VM_END_BOOT_TIMEOUT = 3, /* nacre-init did not connect in time; arg: ms waited */
	VM_END_KVM = 4,		 /* KVM gave up; arg: exit reason << 32 | suberror */
	VM_END_FSD_LOST = 5,	 /* nacre-fsd closed its socket */
	VM_END_SETUP = 6,	 /* set-up failed; log holds the one line, from the VMM itself */
	VM_END_DEVICE = 7,	 /* a device found the guest's driver broken beyond a reset; arg: device id */
	VM_END_COUNT
};

struct vm_status {
	struct le32 magic;
	struct le32 end; /* enum vm_end */
	struct le64 arg;
	struct le32 log_len;
	struct le32 zero;
	uint8_t log[VM_STATUS_LOG_MAX]; /* the last log_len bytes of the guest kernel's log */
};
static_assert(sizeof(struct vm_status) == 24 + VM_STATUS_LOG_MAX, "wire size");

#endif
