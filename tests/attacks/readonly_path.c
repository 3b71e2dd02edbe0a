/* SPDX-License-Identifier: Apache-2.0 */
/* Writes below a path that config.json makes read-only (here /dev/mqueue). */
/* EXPECT: bare=EROFS */
#include "attack.h"

int main(void)
{
	return tried(open("/dev/mqueue/made", O_WRONLY | O_CREAT, 0600));
}
