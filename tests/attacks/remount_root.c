/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a read-only root file system writable. */
/* EXPECT: bare=EPERM */
#include "attack.h"

int main(void)
{
	return tried(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
}
