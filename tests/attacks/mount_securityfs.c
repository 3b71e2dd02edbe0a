/* SPDX-License-Identifier: Apache-2.0 */
/* securityfs, where policies are loaded. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include "attack.h"

int main(void)
{
	return tried_mount(mount("x", "/mnt", "securityfs", 0, NULL),
			   "/mnt");
}
