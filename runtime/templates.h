/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates on disk (include/vmtemplate.h, docs/templates.md): files in one directory, named by the size of
 * the VM. One is used only by whom it belongs to, if nobody else may write to it, and if it is of the very
 * programs, kernel and host that are here now.
 */
#ifndef NACRE_RUNTIME_TEMPLATES_H
#define NACRE_RUNTIME_TEMPLATES_H

#include <stdbool.h>

#include "arena.h"
#include "conf.h"
#include "failure.h"
#include "launch.h"
#include "vmtemplate.h"

/*
 * The directory: as nacre.conf says, else /var/cache/nacre/templates, or nacre/templates below the
 * cache of a user who is not root ($XDG_CACHE_HOME, ~/.cache). NULL: that user has none.
 */
const char *templates_dir(const struct conf *conf, bool is_rootless, struct arena *arena);

/* What a template of this launch, with or without a network interface, is to say. 0 or -errno. */
int templates_key(struct template_key *key, const struct launch *launch, bool net);

/* Opens the template with this key. A descriptor; -ENOENT: there is none that fits. */
int templates_open(const char *dir, const struct template_key *key);

/* One that is being made. */
struct template_draft {
	int dir_fd, fd;
	char name[64], draft_name[80];
};

#define TEMPLATE_DRAFT_NONE { .dir_fd = -1, .fd = -1 }

/* Makes the directory, if need be, and in it a file with the key alone. 0, or -errno with the failure set. */
int templates_begin(struct template_draft *draft, const char *dir, const struct template_key *key,
		    struct failure *failure);

/* It is whole: gives it its name. 0, or -errno with the failure set. */
int templates_commit(struct template_draft *draft, struct failure *failure);

/* Removes what was not committed, and closes. */
void templates_end(struct template_draft *draft);

/* Removes all templates of the directory. 0, or -errno with the failure set. */
int templates_remove_all(const char *dir, struct failure *failure);

#endif
