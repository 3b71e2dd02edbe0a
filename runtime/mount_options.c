/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a mount; see mount_options.h. OCI runtime-spec 1.2 config.md "Linux mount options". */
#include <errno.h>
#include <string.h>
#include <linux/mount.h>

#include "known_words.h"
#include "mount_options.h"

enum effect {
	SET,	     /* set the flag */
	CLEAR,	     /* clear the flag */
	READONLY_BELOW, /* set the flag, of the mounts below, too */
	TIMES_BELOW,    /* likewise */
	PROPAGATION, /* of this mount */
	BIND,	     /* make it a bind */
	IDMAP,	     /* give its files other owners */
	COPY_UP,     /* fill a tmpfs with what it covers */
	REFUSE,
};

static const struct {
	const char *name;
	enum effect effect;
	uint32_t flag;
} known[] = {
	{ "defaults", SET, 0 },
	{ "ro", SET, MS_RDONLY },
	{ "rw", CLEAR, MS_RDONLY },
	{ "nosuid", SET, MS_NOSUID },
	{ "suid", CLEAR, MS_NOSUID },
	{ "nodev", SET, MS_NODEV },
	{ "dev", CLEAR, MS_NODEV },
	{ "noexec", SET, MS_NOEXEC },
	{ "exec", CLEAR, MS_NOEXEC },
	{ "sync", SET, MS_SYNCHRONOUS },
	{ "async", CLEAR, MS_SYNCHRONOUS },
	{ "dirsync", SET, MS_DIRSYNC },
	{ "noatime", SET, MS_NOATIME },
	{ "atime", CLEAR, MS_NOATIME },
	{ "nodiratime", SET, MS_NODIRATIME },
	{ "diratime", CLEAR, MS_NODIRATIME },
	{ "relatime", SET, MS_RELATIME },
	{ "norelatime", CLEAR, MS_RELATIME },
	{ "strictatime", SET, MS_STRICTATIME },
	{ "nostrictatime", CLEAR, MS_STRICTATIME },
	{ "nosymfollow", SET, MS_NOSYMFOLLOW },
	{ "symfollow", CLEAR, MS_NOSYMFOLLOW },
	{ "lazytime", SET, MS_LAZYTIME },
	{ "nolazytime", CLEAR, MS_LAZYTIME },
	{ "iversion", SET, MS_I_VERSION },
	{ "noiversion", CLEAR, MS_I_VERSION },
	{ "silent", SET, MS_SILENT },
	{ "loud", CLEAR, MS_SILENT },
	{ "nomand", SET, 0 }, /* mandatory locks are gone from Linux */
	{ "noswap", SET, 0 }, /* of a tmpfs: the guest has no swap */
	{ "rro", READONLY_BELOW, MS_RDONLY },
	/* the host keeps times of access, of each mount */
	{ "rnoatime", TIMES_BELOW, MS_NOATIME },
	{ "rnodiratime", TIMES_BELOW, MS_NODIRATIME },
	{ "rrelatime", TIMES_BELOW, MS_RELATIME },
	{ "rstrictatime", TIMES_BELOW, MS_STRICTATIME },
	/* what other recursive options say of mounts below the source: a mount in the guest has one
	 * set of attributes, which holds for all of it */
	{ "rrw", CLEAR, MS_RDONLY },
	{ "rnosuid", SET, MS_NOSUID },
	{ "rnodev", SET, MS_NODEV },
	{ "rnoexec", SET, MS_NOEXEC },
	{ "rnosymfollow", SET, MS_NOSYMFOLLOW },
	{ "rsuid", CLEAR, MS_NOSUID },
	{ "rdev", CLEAR, MS_NODEV },
	{ "rexec", CLEAR, MS_NOEXEC },
	{ "ratime", CLEAR, MS_NOATIME },
	{ "rdiratime", CLEAR, MS_NODIRATIME },
	{ "rnorelatime", CLEAR, MS_RELATIME },
	{ "rnostrictatime", CLEAR, MS_STRICTATIME },
	{ "rsymfollow", CLEAR, MS_NOSYMFOLLOW },
	{ "bind", BIND, 0 },
	{ "rbind", BIND, MS_REC },
	{ "private", PROPAGATION, MS_PRIVATE },
	{ "rprivate", PROPAGATION, MS_PRIVATE | MS_REC },
	{ "slave", PROPAGATION, MS_SLAVE },
	{ "rslave", PROPAGATION, MS_SLAVE | MS_REC },
	{ "unbindable", PROPAGATION, MS_UNBINDABLE },
	{ "runbindable", PROPAGATION, MS_UNBINDABLE | MS_REC },
	{ "shared", PROPAGATION, MS_SHARED },
	{ "rshared", PROPAGATION, MS_SHARED | MS_REC },
	{ "remount", REFUSE, 0 },
	{ "mand", REFUSE, 0 },
	{ "idmap", IDMAP, 0 },
	{ "ridmap", IDMAP, MS_REC },
	{ "tmpcopyup", COPY_UP, 0 },
};

static int refuse(const char **why, int err, const char *text)
{
	*why = text;
	return err;
}

int mount_option_apply(struct config_mount *mount, const char *option, struct arena *arena,
		       const char **why)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, option) != 0)
			continue;
		switch (known[i].effect) {
		case SET:
			mount->flags |= known[i].flag;
			return 0;
		case READONLY_BELOW:
			mount->flags |= known[i].flag;
			mount->readonly_below = true;
			return 0;
		case TIMES_BELOW:
			mount->flags |= known[i].flag;
			mount->times_below = true;
			return 0;
		case CLEAR:
			mount->flags &= ~known[i].flag;
			return 0;
		case PROPAGATION:
			if (mount->is_bind && (known[i].flag & MS_SHARED))
				return refuse(why, -EOPNOTSUPP,
					      "mounts made in the VM cannot reach the host");
			mount->propagation = known[i].flag;
			return 0;
		case BIND:
			mount->is_bind = true;
			/* "bind" beside "rbind" takes nothing back, wherever it stands: as with runc */
			mount->recursive |= known[i].flag == MS_REC;
			return 0;
		case IDMAP:
			mount->idmapped = true;
			mount->idmap_recursive = known[i].flag == MS_REC;
			return 0;
		case COPY_UP:
			mount->copy_up = true;
			return 0;
		case REFUSE:
			return refuse(why, -EOPNOTSUPP, "not supported yet");
		}
	}
	if (mount->is_bind)
		return refuse(why, -EINVAL, "unknown option of a bind mount");
	if (option[0] == '\0' || strchr(option, ','))
		return refuse(why, -EINVAL, "expected one option");
	mount->data = mount->data[0] ? arena_printf(arena, "%s,%s", mount->data, option)
				     : arena_printf(arena, "%s", option);
	return 0;
}

const char *known_mount_option(size_t i)
{
	for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
		if (known[k].effect != REFUSE && i-- == 0)
			return known[k].name;
	}
	return NULL;
}

const char *known_mount_option_of(uint32_t flag)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].effect == SET && known[i].flag == flag)
			return known[i].name;
	}
	return NULL;
}
