/* SPDX-License-Identifier: Apache-2.0 */
/* An x32 system call, past a filter that looks at the number alone. */
/* EXPECT: default=SIGSYS bare=SIGSYS wide=SIGSYS */
#include "attack.h"

int main(void)
{
	return tried(syscall(0x40000000 | SYS_getpid));
}
