/* SPDX-License-Identifier: Apache-2.0 */
/* Options that say what a process is; see process_options.h. */
#include <errno.h>
#include <string.h>

#include "process_options.h"
#include "size.h"

int process_set_user(struct config_process *process, const char *user, struct arena *arena,
		     struct failure *failure)
{
	char *uid_text = arena_printf(arena, "%s", user);
	char *gid_text = strchr(uid_text, ':');
	uint64_t uid, gid = process->gid;

	if (gid_text)
		*gid_text++ = '\0';
	if (number_parse(uid_text, CONFIG_ID_COUNT - 1, &uid) != 0 ||
	    (gid_text && number_parse(gid_text, CONFIG_ID_COUNT - 1, &gid) != 0))
		return failure_set(failure, -EINVAL,
				   "--user %s: expected UID[:GID], numbers below %u", user,
				   CONFIG_ID_COUNT);
	process->uid = (uint32_t)uid;
	process->gid = (uint32_t)gid;
	return 0;
}

int process_set_env(struct container_config *config, const char *setting, struct failure *failure)
{
	struct string_list *env = &config->process.env;
	const char *equals = strchr(setting, '=');
	size_t name_len;

	if (!equals || equals == setting)
		return failure_set(failure, -EINVAL, "--env %s: expected NAME=VALUE", setting);
	name_len = (size_t)(equals - setting) + 1;
	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], setting, name_len) == 0) {
			env->v[i] = setting;
			return 0;
		}
	}
	string_list_add(&config->arena, env, setting);
	return 0;
}

int process_set_cwd(struct config_process *process, const char *option, const char *cwd,
		    struct failure *failure)
{
	if (cwd[0] != '/')
		return failure_set(failure, -EINVAL, "%s %s: expected an absolute path", option, cwd);
	process->cwd = cwd;
	return 0;
}
