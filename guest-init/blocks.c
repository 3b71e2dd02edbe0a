/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block volumes; see blocks.h. The kernel names virtio-blk devices in the order in which the VMM has
 * them, which is that of the plan's indices.
 */
#include "blocks.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices.h"

struct node {
	char path[16];
};

static struct node node_of(const struct plan_block *block)
{
	struct node node;

	snprintf(node.path, sizeof(node.path), "/dev/vd%c", (char)('a' + le32_get(block->index)));
	return node;
}

int blocks_give(const struct plan *p, struct report *r)
{
	uid_t uid = PLAN_ID_BASE + le32_get(p->process->uid);
	gid_t gid = PLAN_ID_BASE + le32_get(p->process->gid);
	struct cursor body;
	size_t pos = 0;

	while (plan_next(p, &pos, PLAN_BLOCK, &body)) {
		const struct plan_block *block = cursor_take(&body, sizeof(*block));
		struct node node = node_of(block);

		if (chown(node.path, uid, gid) < 0 || chmod(node.path, 0600) < 0)
			return report_set(r, FAILED_NACRE, errno, "block volume %s",
					  cursor_take_string(&body));
	}
	return 0;
}

void blocks_make(int root, const struct plan *p)
{
	struct cursor body;
	size_t pos = 0;

	while (plan_next(p, &pos, PLAN_BLOCK, &body)) {
		const struct plan_block *block = cursor_take(&body, sizeof(*block));

		devices_bind(root, node_of(block).path, cursor_take_string(&body));
	}
}
