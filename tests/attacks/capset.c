/* SPDX-License-Identifier: Apache-2.0 */
/* Gives itself a capability. */
/* EXPECT: default=EPERM bare=EPERM */
#include <linux/capability.h>

#include "attack.h"

int main(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	NEED(syscall(SYS_capget, &head, data));
	data[0].permitted |= 1u << CAP_SYS_ADMIN;
	data[0].effective |= 1u << CAP_SYS_ADMIN;
	return tried(syscall(SYS_capset, &head, data));
}
