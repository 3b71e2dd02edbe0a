/* SPDX-License-Identifier: Apache-2.0 */
/* Puts another kernel in the place of the running one; no segment, so that nothing is loaded. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_kexec_load, 0, 0, NULL, 0));
}
