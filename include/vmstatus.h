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
	VM_END_TEMPLATE = 8,	 /* it was saved as a template, as asked */
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

/*
 * Behind the record: when what happened, and how often the guest was left for user space. Times are
 * CLOCK_MONOTONIC in ns, 0 for what did not happen.
 */
enum vm_stamp {
	VM_STAMP_START = 0,	/* nacre-vmm's main() */
	VM_STAMP_CREATED = 1,	/* KVM_CREATE_VM returned, memory mapped, vCPUs made */
	VM_STAMP_DEVICES = 2,	/* devices made and wired */
	VM_STAMP_LOADED = 3,	/* kernel and initramfs are in guest memory */
	VM_STAMP_CONFINED = 4,	/* namespaces and privileges are gone */
	VM_STAMP_ENTRY = 5,	/* the first vCPU is about to enter the guest */
	VM_STAMP_DRIVERS = 6,	/* the guest's kernel first notified a queue */
	VM_STAMP_CONNECTED = 7, /* nacre-init connected */
	VM_STAMP_END = 8,	/* the record was written */
	VM_STAMP_COUNT
};

enum vm_exit_kind {
	VM_EXIT_KIND_MMIO_READ = 0,
	VM_EXIT_KIND_MMIO_WRITE = 1,
	VM_EXIT_KIND_IO = 2, /* port input and output */
	VM_EXIT_KIND_INTR = 3,
	VM_EXIT_KIND_OTHER = 4,
	VM_EXIT_KIND_COUNT
};

struct vm_times {
	struct le64 stamp[VM_STAMP_COUNT];
	struct le64 exits[VM_EXIT_KIND_COUNT];
	struct le64 exits_before_connected; /* of all kinds, when nacre-init connected */
};
static_assert(sizeof(struct vm_times) == 120, "wire size");

#endif
