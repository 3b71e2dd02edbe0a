/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the node of the machine's memory and opens it. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include "attack.h"

int main(void)
{
	unlink("/tmp/mem");
	return tried(mknod("/tmp/mem", S_IFCHR | 0600, makedev(1, 1)));
}
