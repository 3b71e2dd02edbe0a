/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to a read-only root file system. */
/* EXPECT: bare=EROFS */
#include "attack.h"

int main(void)
{
	return tried(open("/made", O_WRONLY | O_CREAT, 0644));
}
