/* SPDX-License-Identifier: Apache-2.0 */
/* AppArmor profiles; see apparmor.h. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "apparmor.h"
#include "report.h"

/* The first line of a file begins so. */
static bool begins_with(const char *path, const char *text)
{
	FILE *in = fopen(path, "re");
	char line[64] = "";
	bool does = in && fgets(line, sizeof(line), in) && strncmp(line, text, strlen(text)) == 0;

	if (in)
		fclose(in);
	return does;
}

/* Lines "NAME (MODE)". A user may not read it: then the kernel will say, and `nacre layers`. */
static bool is_loaded(const char *profile)
{
	FILE *in = fopen("/sys/kernel/security/apparmor/profiles", "re");
	size_t len = strlen(profile);
	char line[4096];
	bool found = !in || strcmp(profile, "unconfined") == 0;

	while (in && !found && fgets(line, sizeof(line), in))
		found = strncmp(line, profile, len) == 0 && strncmp(line + len, " (", 2) == 0;
	if (in)
		fclose(in);
	return found;
}

const char *apparmor_profile_here(const char *profile)
{
	if (!profile || !*profile)
		return NULL;
	if (!begins_with("/sys/module/apparmor/parameters/enabled", "Y"))
		report_warning("process.apparmorProfile: \"%s\": not applied: AppArmor is not on on "
			       "this host", profile);
	else if (!is_loaded(profile))
		report_warning("process.apparmorProfile: \"%s\": not applied: this host has no such "
			       "profile of AppArmor", profile);
	else
		return profile;
	return NULL;
}
