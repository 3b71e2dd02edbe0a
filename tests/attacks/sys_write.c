/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a parameter in /sys. */
/* EXPECT: default=EROFS bare=EROFS wide=EACCES crun=success */
#include "attack.h"

int main(void)
{
	return write_same("/sys/kernel/rcu_expedited");
}
