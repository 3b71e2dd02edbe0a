/* SPDX-License-Identifier: Apache-2.0 */
/* Changes the mode of a file in a read-only volume. */
/* EXPECT: default=EROFS bare=EROFS wide=EROFS */
#include "attack.h"

int main(void)
{
	return tried(chmod("/attacks/driver", 0777));
}
