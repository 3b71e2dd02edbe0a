/* SPDX-License-Identifier: Apache-2.0 */
/* Host ids as they are inside our user namespace; see rootless_maps.h. */
#include "rootless_maps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* The id inside that `outside` is; UINT64_MAX where it is not ours. *left: ids in a row from there on. */
static uint64_t id_inside(const char *file, uint64_t outside, uint64_t *left)
{
	FILE *in = fopen(file, "re");
	uint64_t begin, from, count, found = UINT64_MAX;

	/* the kernel wrote it */
	while (in && found == UINT64_MAX &&
	       fscanf(in, "%" SCNu64 " %" SCNu64 " %" SCNu64, &begin, &from, &count) == 3) { /* NOLINT(cert-err34-c) */
		if (outside < from || outside - from >= count)
			continue;
		found = begin + (outside - from);
		*left = count - (outside - from);
	}
	if (in)
		fclose(in);
	return found;
}

/* `kind` is "uid" or "gid". */
static int translate(struct config_id_maps *maps, const char *kind, const char *file,
		     struct failure *failure)
{
	for (size_t i = 0; i < maps->n; i++) {
		struct config_id_map *map = &maps->v[i];
		uint64_t left = 0;
		uint64_t inside = id_inside(file, map->host, &left);

		if (inside == UINT64_MAX || map->size > left)
			return failure_set(failure, -EINVAL, "linux.%sMappings[%zu]: hostID %u, "
					   "size %u: expected your own id or ids that /etc/sub%s "
					   "gives you (by newuidmap, package uidmap)", kind, i,
					   map->host, map->size, kind);
		map->host = (uint32_t)inside;
	}
	return 0;
}

int rootless_maps_translate(struct container_config *config, const char *uid_file,
			    const char *gid_file, struct failure *failure)
{
	int err = translate(&config->uid_maps, "uid", uid_file, failure);

	return err ? err : translate(&config->gid_maps, "gid", gid_file, failure);
}
