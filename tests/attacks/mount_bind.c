/* SPDX-License-Identifier: Apache-2.0 */
/* Binds the root over a directory, to reach it past what is mounted above. */
/* EXPECT: default=EPERM bare=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	return tried_mount(mount("/", "/mnt", NULL, MS_BIND, NULL),
			   "/mnt");
}
