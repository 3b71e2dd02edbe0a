/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre.conf: what an administrator and then a user set for every container (docs/nacre.conf.md).
 *
 * /etc/nacre/nacre.conf is read first, then the user's ($XDG_CONFIG_HOME/nacre/nacre.conf, else
 * ~/.config/nacre/nacre.conf), key by key; NACRE_CONFIG names one file to be read in place of both.
 * An annotation of config.json that allow_annotations lists goes before them, a command-line option before
 * that.
 */
#ifndef NACRE_RUNTIME_CONF_H
#define NACRE_RUNTIME_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "config.h"
#include "failure.h"

#define CONF_ANNOTATION_PREFIX "nacre."		/* and a key of nacre.conf */
#define CONF_ANNOTATION_BLOCK  "nacre.block"	/* the one that is no key: blocks.h */

struct conf {
	uint64_t boot_timeout_s;
	uint64_t memory;    /* bytes, of a container that has no limit; 0: the default */
	uint64_t cpus;	    /* of a container that does not say; 0: the default */
	const char *kernel; /* NULL: the installed one */
	const char *passt;  /* NULL: Debian's */
	const char *templates; /* where they lie; NULL: templates.h */
	bool make_templates;   /* without being asked */
	/* of each network interface, per second; 0: no limit */
	uint64_t net_to_guest_bytes, net_to_guest_frames;
	uint64_t net_from_guest_bytes, net_from_guest_frames;
	bool skip_host_devices; /* devices of config.json that no VM has are left out, not refused */
	bool vhost_net; /* the host's kernel serves the queues of taps */
	/* types of SELinux (selinux.h) */
	const char *selinux_vmm_type, *selinux_fsd_type, *selinux_monitor_type;
	struct string_list allow_annotations; /* names that may act; none by default */
};

/*
 * Sets the defaults and reads the files that exist. Returns 0, or -errno with a failure that names
 * file, line and what was expected.
 */
int conf_read(struct conf *conf, struct arena *arena, struct failure *failure);

/* As conf_read(), of one text; `file` is for messages. */
int conf_read_text(struct conf *conf, char *text, const char *file, struct arena *arena,
		   struct failure *failure);

/* Whether allow_annotations lists it. */
bool conf_allows(const struct conf *conf, const char *annotation);

/* Whether it is the prefix and a key that an annotation may set. */
bool conf_annotation_is_key(const char *annotation);

/* Sets the key that conf_annotation_is_key() knows. 0, or -EINVAL with a failure that names it and what was expected. */
int conf_set_annotation(struct conf *conf, const char *annotation, const char *value,
			struct arena *arena, struct failure *failure);

/* Sets memory and processors of a container whose configuration, checked, says nothing of them. */
void conf_apply_size(const struct conf *conf, struct container_config *config);

#endif
