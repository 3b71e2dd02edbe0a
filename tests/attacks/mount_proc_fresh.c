/* SPDX-License-Identifier: Apache-2.0 */
/* A second /proc, on which nothing is masked or read-only. */
/* EXPECT: default=EPERM bare=EPERM crun=success */
#include "attack.h"

int main(void)
{
	return tried_mount(mount("proc", "/mnt", "proc", 0, NULL),
			   "/mnt");
}
