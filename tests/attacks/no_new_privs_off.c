/* SPDX-License-Identifier: Apache-2.0 */
/* Takes no_new_privs back. */
/* EXPECT: default=EINVAL bare=EINVAL wide=EINVAL */
#include "attack.h"

int main(void)
{
	return tried(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
}
