/* SPDX-License-Identifier: Apache-2.0 */
/* A parameter of a driver. */
/* EXPECT: default=EROFS bare=EROFS wide=EACCES crun=success */
#include "attack.h"

int main(void)
{
	return write_same("/sys/module/printk/parameters/time");
}
