/* SPDX-License-Identifier: Apache-2.0 */
/* A user traces process 1. */
/* EXPECT: default=EPERM wide=EPERM crun=EPERM */
#include "attack.h"

int main(void)
{
	become_user();
	return tried(ptrace(PTRACE_ATTACH, 1, NULL, NULL));
}
