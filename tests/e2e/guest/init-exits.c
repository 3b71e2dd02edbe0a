/* SPDX-License-Identifier: Apache-2.0 */
/* In place of nacre-init: a process 1 that ends, which makes the guest's kernel panic. */
int main(void)
{
	return 3;
}
