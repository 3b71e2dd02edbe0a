/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of templates.h share: what in a directory of templates is called how, and is believed. */
#ifndef NACRE_RUNTIME_TEMPLATES_PARTS_H
#define NACRE_RUNTIME_TEMPLATES_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "vmtemplate.h"

#define TEMPLATE_SUFFIX	     ".template"
#define TEMPLATE_SEEN_SUFFIX ".seen"
#define TEMPLATE_NAME_MAX    64

enum template_entry {
	TEMPLATE_ENTRY_OTHER, /* not ours */
	TEMPLATE_ENTRY_WHOLE, /* SIZE-HASH.template */
	TEMPLATE_ENTRY_DRAFT, /* .SIZE-HASH.template.NONCE */
	TEMPLATE_ENTRY_SEEN   /* .SIZE-HASH.seen */
};

/* By the size and a hash of the key: `suffix` is of those above. `room`: TEMPLATE_NAME_MAX bytes. */
void template_name(char *name, size_t room, const struct template_key *key, const char *suffix);

/* What an entry of the directory is, by its name. */
enum template_entry template_entry_of(const char *name);

/* Whether nobody but the caller, to whom it belongs, may have written the file. */
bool template_is_trusted(int fd);

/* Opens the template with this name, and reads its key. A descriptor; -ENOENT: there is none to be trusted. */
int template_open_key(int dir_fd, const char *name, struct template_key *key);

#endif
