/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates on disk (include/vmtemplate.h, docs/templates.md): files in one directory, named by the size of
 * the VM and a hash of what it is made of. One is used only by whom it belongs to, if nobody else may
 * write to it, and if it is of the very programs, kernel and host that are here now.
 */
#ifndef NACRE_RUNTIME_TEMPLATES_H
#define NACRE_RUNTIME_TEMPLATES_H

#include <stdbool.h>
#include <sys/stat.h>

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
	char name[64], draft_name[80]; /* below the directory */
};

#define TEMPLATE_DRAFT_NONE { .dir_fd = -1, .fd = -1 }

/* Makes the directory, if need be, and in it a file with the key alone. 0, or -errno with the failure set. */
int templates_begin(struct template_draft *draft, const char *dir, const struct template_key *key,
		    struct failure *failure);

/* It is whole: gives it its name. 0, or -errno with the failure set. */
int templates_commit(struct template_draft *draft, struct failure *failure);

/* Removes what was not committed, and closes. */
void templates_end(struct template_draft *draft);

/*
 * Those that nacre makes by itself (docs/templates.md). Beside a template lies what was seen of its size: the key
 * of a machine that booted, and how often a template was made or tried for it.
 *
 * templates_note_boot(): such a machine has booted; the next one may become a template first. Makes the directory,
 * if need be. 0, or -errno: nothing is noted.
 */
int templates_note_boot(const char *dir, const struct template_key *key);

/*
 * Whether to make this template now: such a machine has booted before, nobody else is at it, it was not made or tried
 * TEMPLATE_TRIES_MAX times, and there is room, for which one goes that was not used for TEMPLATE_UNUSED_S
 * seconds. A descriptor that holds the claim, of which this is one more try; -EEXIST: it is there by now, or another
 * -errno: not now.
 */
int templates_claim(const char *dir, const struct template_key *key);

/* As if such a machine had not been seen. */
void templates_forget(const char *dir, const struct template_key *key);

/* Removes the template, if it still is the file that was opened: fstat(). Whether it was. */
bool templates_discard(const char *dir, const struct template_key *key, const struct stat *opened);

#define TEMPLATES_MAX	   16u /* more there are only of those that were asked for */
#define TEMPLATE_TRIES_MAX 3u
#define TEMPLATE_UNUSED_S  86400

/* Removes all templates of the directory. 0, or -errno with the failure set. */
int templates_remove_all(const char *dir, struct failure *failure);

#endif
