/* SPDX-License-Identifier: Apache-2.0 */
/* A hard link from a volume into the root file system. */
/* EXPECT: default=EXDEV wide=EXDEV */
#include "attack.h"

int main(void)
{
	unlink("/tmp/linked");
	return tried(link("/v/file", "/tmp/linked"));
}
