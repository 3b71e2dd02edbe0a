/* SPDX-License-Identifier: Apache-2.0 */
/* A symbolic link in a volume that leads to a file of the host beside it. */
/* EXPECT: default=ENOENT wide=ENOENT */
#include "attack.h"

int main(void)
{
	unlink("/v/out");
	NEED(symlink("../canary", "/v/out"));
	return read_from("/v/out");
}
