/* SPDX-License-Identifier: Apache-2.0 */
/* The VMM's command line: block devices. See options.h. */
#include <string.h>

#include "machine.h"
#include "options.h"

bool options_take_block(struct options *o, const char *name, const char *value)
{
	struct blk_options *b = o->n_blocks ? &o->block[o->n_blocks - 1] : NULL;

	if (strncmp(name, "--block", 7) != 0)
		return false;
	if (strcmp(name, "--block") == 0) {
		if (o->n_blocks == BLK_MAX)
			setup_fail(0, "--block: at most %u devices", BLK_MAX);
		o->block[o->n_blocks++] = (struct blk_options){
			.fd = (int)options_number(name, value, 0, FD_MAX),
			.n_queues = 1,
		};
		return true;
	}
	if (!b)
		setup_fail(0, "%s: --block is needed before it", name);
	if (strcmp(name, "--block-bytes") == 0)
		b->bytes = (uint64_t)options_number(name, value, BLK_SECTOR, INT64_MAX);
	else if (strcmp(name, "--block-queues") == 0)
		b->n_queues = (unsigned int)options_number(name, value, 1, BLK_QUEUES_MAX);
	else if (strcmp(name, "--block-read-only") == 0)
		b->read_only = options_number(name, value, 0, 1) != 0;
	else
		return false;
	return true;
}
