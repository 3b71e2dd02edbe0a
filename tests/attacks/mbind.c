/* SPDX-License-Identifier: Apache-2.0 */
/* Memory policy of the machine. */
/* EXPECT: default=EPERM */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_set_mempolicy, 0, NULL, 0));
}
