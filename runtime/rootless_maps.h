/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id mappings of config.json where nacre has entered a user namespace of its own (rootless.h): the author
 * of config.json wrote host ids as they are outside, and they are mapped by what the same ids are inside.
 */
#ifndef NACRE_RUNTIME_ROOTLESS_MAPS_H
#define NACRE_RUNTIME_ROOTLESS_MAPS_H

#include "config.h"
#include "failure.h"

/*
 * Translates the host ids of linux.uidMappings and gidMappings by the maps of our own namespace: files as
 * /proc/self/uid_map. (Mappings of mounts stay: the kernel lets no user map ids of a file system.) After
 * rootless_enter(), once. 0, or -EINVAL with the failure set to a line that names an id which is not the
 * caller's.
 */
int rootless_maps_translate(struct container_config *config, const char *uid_file,
			    const char *gid_file, struct failure *failure);

#endif
