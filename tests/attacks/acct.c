/* SPDX-License-Identifier: Apache-2.0 */
/* Process accounting of the whole machine. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_acct, NULL));
}
