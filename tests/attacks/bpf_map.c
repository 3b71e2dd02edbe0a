/* SPDX-License-Identifier: Apache-2.0 */
/* Makes an eBPF map. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include <linux/bpf.h>

#include "attack.h"

int main(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1,
	};

	return tried(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}
