/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's namespaces on the host, in which its monitor and file broker live: mount, with the
 * root file system and the volumes, and network. A child makes them and holds them meanwhile.
 *
 * They are made in two steps, because hooks of the kind createContainer run in between: at first the
 * root file system is mounted where config.json names it, with the host's files around it; after
 * namespaces_pivot() it is "/", and nothing of the host is left.
 */
#ifndef NACRE_RUNTIME_NAMESPACES_H
#define NACRE_RUNTIME_NAMESPACES_H

#include "config.h"
#include "exports.h"
#include "failure.h"

struct namespaces {
	int mount_ns;
	int net_ns;    /* -1: the host's */
	pid_t holder;  /* the child; 0: none */
	int holder_fd; /* our end of its socket */
};

#define NAMESPACES_NONE { .mount_ns = -1, .net_ns = -1, .holder_fd = -1 }

/*
 * Makes them. The root file system is mounted on its own path, volumes on what exists of their
 * destinations; nothing is created in the root file system. Network: the namespace that the
 * configuration names, else a new and empty one, else (none is asked for) the host's. Returns 0 or
 * -errno with the failure set; namespaces_close() in either case.
 */
int namespaces_make(struct namespaces *namespaces, const struct exports *exports,
		    const struct container_config *config, struct failure *failure);

/*
 * Makes the root file system "/" of the mount namespace, for every process that is in it. Such a
 * process must not be entering it just then. Returns 0 or -errno with the failure set.
 */
int namespaces_pivot(struct namespaces *namespaces, struct failure *failure);

/* Ends the child and closes the descriptors. */
void namespaces_close(struct namespaces *namespaces);

#endif
