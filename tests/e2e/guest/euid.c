/* SPDX-License-Identifier: Apache-2.0 */
/* Says who it effectively is: shows what a set-user-id bit did. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	printf("%u\n", (unsigned int)geteuid());
	return 0;
}
