/* SPDX-License-Identifier: Apache-2.0 */
/* A user namespace of its own, in which it is root. */
/* EXPECT: default=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	return tried(unshare(CLONE_NEWUSER));
}
