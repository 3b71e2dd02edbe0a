/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes, by allowlist. See request.h.
 *
 * user.*, file capabilities and POSIX ACLs are the container's data. The rest is the host's: what
 * trusted.overlay.*, security.selinux or security.ima say must neither be read nor written from a
 * guest. Ids inside ACLs and capabilities are translated by the host's kernel from and to our user
 * namespace, as owners are.
 */
#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/xattr.h>

#include "request.h"

#define USER_PREFIX "user."
#define ACL_ACCESS  "system.posix_acl_access"

static bool allowed(const char *name)
{
	static const char *const exact[] = {
		"security.capability",
		ACL_ACCESS,
		"system.posix_acl_default",
	};

	if (!strncmp(name, USER_PREFIX, (sizeof(USER_PREFIX) - 1)))
		return name[(sizeof(USER_PREFIX) - 1)] != 0;
	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
		if (!strcmp(name, exact[i]))
			return true;
	}
	return false;
}

/* The attribute's name, checked, and the object's name in the working directory. */
static int take_name(struct fsd *f, struct request *r, const char **xattr, struct proc_name *object)
{
	int fd;

	*xattr = cursor_take_string(&r->body);
	if (!*xattr)
		return -EINVAL;
	if (strlen(*xattr) > XATTR_NAME_MAX)
		return -ERANGE;
	if (!allowed(*xattr) || node_is_synthetic(&f->nodes, r->node))
		return -EOPNOTSUPP;
	fd = node_fd(&f->nodes, r->node);
	if (fd < 0)
		return fd;
	*object = proc_name_of(fd);
	return 0;
}

/* A reply of `len` bytes of value, or of the size alone when the guest asked for that. */
static int reply_value(struct request *r, uint32_t asked, ssize_t len, const void *value)
{
	struct fuse_getxattr_out *out;
	void *at;

	if (asked == 0) {
		out = request_reply(r, sizeof(*out));
		out->size = (uint32_t)len;
		return 0;
	}
	if ((size_t)len > asked)
		return -ERANGE;
	at = request_reply(r, (size_t)len);
	if (!at)
		return -E2BIG;
	memcpy(at, value, (size_t)len);
	return 0;
}

/*
 * The guest's kernel asks for ACLs when it checks permissions and takes "not supported" as a
 * failure of the check (fuse_get_acl): where there can be no ACL, there is none.
 */
static int without_acl(const char *name, int err)
{
	static const char prefix[] = "system.posix_acl_";

	if (err == -EOPNOTSUPP && name && !strncmp(name, prefix, sizeof(prefix) - 1))
		return -ENODATA;
	return err;
}

int op_getxattr(struct fsd *f, struct request *r)
{
	static uint8_t value[XATTR_SIZE_MAX];
	const struct fuse_getxattr_in *in = REQUEST_BODY(r, struct fuse_getxattr_in);
	struct proc_name object;
	const char *name;
	ssize_t n;
	int err = take_name(f, r, &name, &object);

	if (!err)
		err = request_end(r);
	if (err)
		return without_acl(name, err);
	/* no more than the guest has room for: the kernel makes, and clears, a buffer of what is asked for */
	n = getxattr(object.text, name, value, in->size < sizeof(value) ? in->size : sizeof(value));
	return n < 0 ? without_acl(name, -errno) : reply_value(r, in->size, n, value);
}

int op_listxattr(struct fsd *f, struct request *r)
{
	static char list[XATTR_LIST_MAX], shown[XATTR_LIST_MAX];
	const struct fuse_getxattr_in *in = REQUEST_BODY(r, struct fuse_getxattr_in);
	size_t n_shown = 0;
	struct cursor c;
	ssize_t n;
	int fd;

	if (node_is_synthetic(&f->nodes, r->node))
		return reply_value(r, in->size, 0, shown);
	fd = node_fd(&f->nodes, r->node);
	if (fd < 0)
		return fd;
	n = listxattr(proc_name_of(fd).text, list, sizeof(list));
	if (n < 0)
		return -errno;
	c = cursor_over(list, (size_t)n);
	while (c.left) {
		const char *name = cursor_take_string(&c);

		if (!name)
			break;
		if (!allowed(name))
			continue;
		memcpy(shown + n_shown, name, strlen(name) + 1);
		n_shown += strlen(name) + 1;
	}
	return reply_value(r, in->size, (ssize_t)n_shown, shown);
}

int op_setxattr(struct fsd *f, struct request *r)
{
	const struct fuse_setxattr_in *in = REQUEST_BODY(r, struct fuse_setxattr_in);
	struct proc_name object;
	const void *value;
	const char *name;
	struct statx st;
	int err = take_name(f, r, &name, &object);

	if (err)
		return err;
	value = cursor_take(&r->body, in->size);
	if (!value || request_end(r) || (in->flags & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE)))
		return -EINVAL;
	if (setxattr(object.text, name, value, in->size, (int)in->flags) < 0)
		return -errno;
	node_follow(&f->nodes, r->node);
	/* The kernel would do this for a caller without CAP_FSETID; we have it, the guest's had
	 * not. */
	if (!(in->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID) || strcmp(name, ACL_ACCESS) != 0)
		return 0;
	err = sys_stat_fd(node_fd(&f->nodes, r->node), &st);
	if (!err && (st.stx_mode & S_ISGID) &&
	    fchmodat(f->proc_fd, object.text, st.stx_mode & 05777, 0) < 0)
		err = -errno;
	return err;
}

int op_removexattr(struct fsd *f, struct request *r)
{
	struct proc_name object;
	const char *name;
	int err = take_name(f, r, &name, &object);

	if (!err)
		err = request_end(r);
	if (err)
		return err;
	if (removexattr(object.text, name) < 0)
		return -errno;
	node_follow(&f->nodes, r->node);
	return 0;
}
