/* SPDX-License-Identifier: Apache-2.0 */
/* Names of capabilities; see caps.h. */
#include <ctype.h>
#include <string.h>
#include <sys/capability.h>

#include "known_words.h"
#include "caps.h"

int caps_number(const char *name)
{
	cap_value_t number;

	if (strncmp(name, "CAP_", 4) != 0 || cap_from_name(name, &number) < 0)
		return -1;
	return number >= 0 && number < 64 ? number : -1;
}

uint64_t caps_default(void)
{
	static const int kept[] = {
		CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_FSETID,	     CAP_FOWNER,     CAP_MKNOD,
		CAP_NET_RAW, CAP_SETGID,       CAP_SETUID,	     CAP_SETFCAP,    CAP_SETPCAP,
		CAP_KILL,    CAP_SYS_CHROOT,   CAP_NET_BIND_SERVICE, CAP_AUDIT_WRITE,
	};
	uint64_t set = 0;

	for (unsigned int i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		set |= UINT64_C(1) << kept[i];
	return set;
}

const char *known_capability(size_t i)
{
	static char name[32];
	char *text = i <= CAP_LAST_CAP ? cap_to_name((cap_value_t)i) : NULL;
	size_t k = 0;

	if (!text)
		return NULL;
	for (; k < sizeof(name) - 1 && text[k]; k++)
		name[k] = (char)toupper((unsigned char)text[k]);
	name[k] = '\0';
	cap_free(text);
	return name;
}
