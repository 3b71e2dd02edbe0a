/* SPDX-License-Identifier: Apache-2.0 */
/* nacre --version: release, commit, kernel, init and protocol. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "companions.h"
#include "fd.h"
#include "proto.h"
#include "verbs.h"

/* What stands in the files themselves, and how far it goes. */
#define KERNEL_MARK "Linux version "
#define INIT_MARK   "nacre-init version "
#define WORD_MAX    64

/* The word behind a mark in a file, or NULL. */
static const char *word_find(const char *path, const char *mark, struct arena *arena)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *word = NULL;
	const char *at;
	struct stat st;
	size_t size;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return NULL;
	size = (size_t)st.st_size;
	map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return NULL;
	at = memmem(map, size, mark, strlen(mark));
	while (at && !word) {
		size_t left = size - (size_t)(at - (const char *)map) - strlen(mark);
		size_t len = 0;

		at += strlen(mark);
		while (len < left && len < WORD_MAX && at[len] > ' ' && at[len] <= '~')
			len++;
		if (len > 0 && at[0] != '%') /* the kernel has a format of it, too */
			word = arena_printf(arena, "%.*s", (int)len, at);
		at = memmem(at, left, mark, strlen(mark));
	}
	munmap(map, size);
	return word;
}

static void line_print(const char *name, const char *path, const char *mark, struct arena *arena)
{
	const char *word = word_find(path, mark, arena);

	if (word)
		printf("%s: %s\n", name, word);
	else if (access(path, R_OK) == 0)
		printf("%s: of unknown version (%s)\n", name, path);
	else
		printf("%s: missing (%s)\n", name, path);
}

void version_print(struct arena *arena)
{
	struct failure failure = { .text = "" };
	struct companions companions;

	printf("nacre version %s\ncommit: %s\n", NACRE_VERSION, NACRE_COMMIT);
	if (companions_find(&companions, arena, &failure) == 0) {
		line_print("kernel", companions.kernel, KERNEL_MARK, arena);
		line_print("init", companions.init, INIT_MARK, arena);
	}
	printf("protocol: %u\n", PROTO_VERSION);
	printf("spec: 1.2.0\n");
}
