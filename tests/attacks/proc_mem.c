/* SPDX-License-Identifier: Apache-2.0 */
/* A user opens the memory of process 1. */
/* EXPECT: default=EACCES wide=EACCES crun=EACCES */
#include "attack.h"

int main(void)
{
	become_user();
	return tried(open("/proc/1/mem", O_RDWR));
}
