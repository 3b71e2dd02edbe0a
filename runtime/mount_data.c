/* SPDX-License-Identifier: Apache-2.0 */
/* Options of file systems; see mount_data.h. Kernel 6.1 Documentation/filesystems. */
#include <stdbool.h>
#include <string.h>

#include "mount_data.h"

static const struct {
	const char *type;
	const char *words[12]; /* up to the first NULL */
} known[] = {
	{ "tmpfs", { "size", "nr_blocks", "nr_inodes", "mode", "uid", "gid", "huge", "mpol",
		     "inode32", "inode64" } },
	{ "proc", { "gid", "hidepid", "subset" } },
	{ "devpts", { "uid", "gid", "mode", "ptmxmode", "newinstance", "max" } },
	{ "cgroup2", { "nsdelegate", "favordynmods", "memory_localevents",
		       "memory_recursiveprot" } },
	{ "overlay", { "lowerdir", "upperdir", "workdir", "userxattr", "index", "metacopy", "redirect_dir",
		       "xino", "volatile", "nfs_export" } },
	{ "sysfs", { NULL } },
	{ "mqueue", { NULL } },
};

static bool is_known(size_t row, const char *option, size_t len)
{
	for (const char *const *word = known[row].words; *word; word++) {
		if (strlen(*word) == len && strncmp(*word, option, len) == 0)
			return true;
	}
	return false;
}

const char *mount_data_unknown(const char *type, const char *data, size_t *len)
{
	size_t row = 0;

	while (row < sizeof(known) / sizeof(known[0]) && strcmp(known[row].type, type) != 0)
		row++;
	while (*data) {
		size_t word = strcspn(data, ",=");

		*len = strcspn(data, ",");
		if (row == sizeof(known) / sizeof(known[0]) || !is_known(row, data, word))
			return data;
		data += *len;
		data += *data == ',';
	}
	return NULL;
}
