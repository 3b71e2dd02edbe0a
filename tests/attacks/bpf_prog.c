/* SPDX-License-Identifier: Apache-2.0 */
/* Loads an eBPF program. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include <linux/bpf.h>

#include "attack.h"

int main(void)
{
	uint64_t insns[] = { 0xb7, 0x95 }; /* r0 = 0; exit */
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)insns,
		.insn_cnt = 2,
		.license = (uintptr_t)"",
	};

	return tried(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
}
