/* SPDX-License-Identifier: Apache-2.0 */
/* Watches and holds up every open of a file system. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_fanotify_init, 4 /* FAN_CLASS_CONTENT */, O_RDONLY));
}
