/* SPDX-License-Identifier: Apache-2.0 */
/* Moves the machine's interrupts. */
/* EXPECT: default=EACCES bare=EACCES wide=EACCES crun=success */
#include "attack.h"

int main(void)
{
	return write_same("/proc/irq/default_smp_affinity");
}
