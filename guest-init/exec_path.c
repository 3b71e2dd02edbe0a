/* SPDX-License-Identifier: Apache-2.0 */
/* Commands; see exec_path.h. Texts are those of Go's os/exec, which callers of runc match on. */
#include "exec_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel.h"

/* 0 if `path` is a file that may be executed, else -errno. */
static int probe(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	/* The C library's emulation of AT_EACCESS may fork; the kernel has had it since 5.8. */
	return (int)kernel_result(syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS));
}

int exec_path_failed(const char *path, int err, struct report *r)
{
	enum failed_code code = FAILED_NACRE;

	switch (err) {
	case ENOENT:
	case ENOTDIR:
		code = FAILED_NOT_FOUND;
		break;
	case EACCES:
	case EPERM:
	case EISDIR:
	case ENOEXEC:
	case ELOOP:
	case ELIBBAD:
	case ETXTBSY:
		code = FAILED_NOT_EXECUTABLE;
		break;
	default:
		break;
	}
	/* Go: `exec: "/x": permission denied`, but `exec "/x": no such file or directory`. */
	return report_set(r, code, err, code == FAILED_NOT_FOUND ? "exec \"%s\"" : "exec: \"%s\"",
			  path);
}

/* `name` in the directory [dir, dir + len). 0 or -errno. */
static int probe_in(const char *dir, size_t len, const char *name, char out[PATH_MAX])
{
	int n = len == 0 ? snprintf(out, PATH_MAX, "./%s", name)
			 : snprintf(out, PATH_MAX, "%.*s/%s", (int)len, dir, name);

	if (n < 0 || n >= PATH_MAX)
		return -ENAMETOOLONG;
	return probe(out);
}

int exec_path_find(const char *name, const char *search, char out[PATH_MAX], struct report *r)
{
	bool denied = false;
	int err;

	if (strchr(name, '/')) {
		err = strlen(name) < PATH_MAX ? probe(name) : -ENAMETOOLONG;
		if (err < 0)
			return exec_path_failed(name, -err, r);
		memcpy(out, name, strlen(name) + 1);
		return 0;
	}
	for (const char *dir = search; dir && *search && *name;) {
		size_t len = strcspn(dir, ":");

		err = probe_in(dir, len, name, out);
		if (err == 0)
			return 0;
		denied = denied || err == -EACCES;
		dir = dir[len] ? dir + len + 1 : NULL;
	}
	if (denied)
		return exec_path_failed(name, EACCES, r);
	report_set(r, FAILED_NOT_FOUND, 0, "exec: \"%s\": executable file not found in $PATH",
		   name);
	return -ENOENT;
}
