/* SPDX-License-Identifier: Apache-2.0 */
/* Hangs up the terminal. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_vhangup));
}
