/* SPDX-License-Identifier: Apache-2.0 */
/* Forges IP packets. */
/* EXPECT: default=success bare=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	return tried(socket(AF_INET, SOCK_RAW, 255));
}
