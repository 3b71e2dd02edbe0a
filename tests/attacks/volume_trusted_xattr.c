/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that mean something to the host. */
/* EXPECT: default=EPERM wide=EPERM */
#include <sys/xattr.h>

#include "attack.h"

int main(void)
{
	int r = tried(setxattr("/v/file", "trusted.attack", "x", 1, 0));

	return r == EOPNOTSUPP ? EPERM : r;
}
