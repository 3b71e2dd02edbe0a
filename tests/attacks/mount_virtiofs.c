/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's virtio-fs once more, to see the trees of all containers of the machine. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM */
#include "attack.h"

int main(void)
{
	return tried_mount(mount("nacre", "/mnt", "virtiofs", 0, NULL),
			   "/mnt");
}
