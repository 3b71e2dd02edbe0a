/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to a read-only volume. */
/* EXPECT: default=EROFS bare=EROFS wide=EROFS */
#include "attack.h"

int main(void)
{
	return tried(open("/attacks/made", O_WRONLY | O_CREAT, 0644));
}
