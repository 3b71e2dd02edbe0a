/* SPDX-License-Identifier: Apache-2.0 */
/* Names of containers; see ident.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "ident.h"

bool ident_is_valid(const char *id)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_+.-";
	size_t len = strlen(id);

	if (len == 0 || len > IDENT_MAX || strspn(id, allowed) != len)
		return false;
	return strcmp(id, ".") != 0 && strcmp(id, "..") != 0;
}

int ident_generate(char id[IDENT_GENERATED_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char random[IDENT_GENERATED_LEN];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	for (size_t i = 0; i < IDENT_GENERATED_LEN; i++)
		id[i] = digits[random[i] & 15];
	id[IDENT_GENERATED_LEN] = '\0';
	return 0;
}
