/* SPDX-License-Identifier: Apache-2.0 */
/* In place of nacre-init: a guest that never asks for its container. */
#include <unistd.h>

int main(void)
{
	for (;;)
		pause();
}
