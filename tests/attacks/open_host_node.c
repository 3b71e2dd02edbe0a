/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the device node that somebody on the host left in a volume. */
/* EXPECT: default=EACCES wide=EACCES crun=success */
#include "attack.h"

int main(void)
{
	return tried(open("/v/node", O_RDONLY));
}
