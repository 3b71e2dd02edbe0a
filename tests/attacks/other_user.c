/* SPDX-License-Identifier: Apache-2.0 */
/* Becomes a user beyond those of the user namespace. */
/* EXPECT: default=EINVAL wide=EINVAL crun=success */
#include "attack.h"

int main(void)
{
	return tried(setresuid(100000, 100000, 100000));
}
