/* SPDX-License-Identifier: Apache-2.0 */
/* A mount namespace of its own. */
/* EXPECT: default=EPERM bare=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	return tried(unshare(CLONE_NEWNS));
}
