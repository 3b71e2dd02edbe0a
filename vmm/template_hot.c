/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that a copy will write to. See template_hot.h. */
#include "template_hot.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"

/* Linux 5.14 */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define WORDS (TEMPLATE_PAGE / sizeof(uint64_t))

static struct {
	struct template_hot_head head;
	struct template_run run[TEMPLATE_HOT_MAX];
} hot;

static struct {
	const struct gmem *mem;
	int fd;
	const uint8_t *file; /* its memory; NULL: this is no trial */
	struct template_run run[TEMPLATE_RUNS_MAX];
	uint32_t n_runs;
} trial;

static bool read_list(const struct gmem *mem, int fd)
{
	size_t len;

	if (pread(fd, &hot.head, sizeof(hot.head), TEMPLATE_HOT) != (ssize_t)sizeof(hot.head) ||
	    hot.head.n_runs > TEMPLATE_HOT_MAX)
		return false;
	len = hot.head.n_runs * sizeof(hot.run[0]);
	if (pread(fd, hot.run, len, TEMPLATE_HOT + sizeof(hot.head)) != (ssize_t)len)
		return false;
	for (uint32_t i = 0; i < hot.head.n_runs; i++) {
		if (!template_run_is_sound(mem, &hot.run[i]))
			return false;
	}
	return true;
}

void template_hot_read(const struct gmem *mem, int fd)
{
	if (!read_list(mem, fd))
		hot.head.n_runs = 0;
}

void template_hot_make(const struct gmem *mem)
{
	for (uint32_t i = 0; i < hot.head.n_runs; i++) {
		const struct template_run *run = &hot.run[i];

		(void)madvise(gmem_slice(mem, GPA(run->gpa), run->len), run->len,
			      MADV_POPULATE_WRITE);
	}
}

void template_hot_begin(const struct gmem *mem, int note_fd, const struct template_run *run,
			uint32_t n_runs)
{
	struct stat st;
	void *file;

	/* SELinux puts a null device in the place of a file that the VMM may not write */
	if (fstat(note_fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= (off_t)TEMPLATE_MEMORY)
		return;
	file = mmap(NULL, (size_t)st.st_size - TEMPLATE_MEMORY, PROT_READ, MAP_SHARED, note_fd,
		    (off_t)TEMPLATE_MEMORY);
	if (file == MAP_FAILED)
		setup_fail(errno, "mapping the template");
	memcpy(trial.run, run, n_runs * sizeof(run[0]));
	trial.n_runs = n_runs;
	trial.mem = mem;
	trial.fd = note_fd;
	trial.file = file;
}

/*
 * The guest wrote to it, and half of what stood there is there still. The others are pages that were free, or became
 * so: the guest fills them anew without reading, which takes a single fault, and another container may not need them.
 */
static bool is_hot(const uint64_t *before, const uint64_t *after)
{
	unsigned int n_words = 0, n_kept = 0;

	if (memcmp(before, after, TEMPLATE_PAGE) == 0)
		return false;
	for (unsigned int i = 0; i < WORDS; i++) {
		n_words += before[i] != 0;
		n_kept += before[i] != 0 && before[i] == after[i];
	}
	return 2 * n_kept >= n_words;
}

static void find_in(const struct template_run *run)
{
	static uint64_t before[WORDS], after[WORDS];

	for (uint64_t gpa = run->gpa; gpa < run->gpa + run->len; gpa += TEMPLATE_PAGE) {
		memcpy(before, trial.file + gpa, sizeof(before));
		if (gmem_read(trial.mem, GPA(gpa), after, sizeof(after)) ||
		    (is_hot(before, after) &&
		     !template_runs_add(hot.run, &hot.head.n_runs, TEMPLATE_HOT_MAX, gpa, 0)))
			return;
	}
}

/* The list before its length: a writer that is killed between leaves a template without hot pages. */
void template_hot_note(void)
{
	ssize_t len;

	if (!trial.file)
		return;
	hot.head.n_runs = 0;
	for (uint32_t i = 0; i < trial.n_runs; i++)
		find_in(&trial.run[i]);
	len = (ssize_t)(hot.head.n_runs * sizeof(hot.run[0]));
	if (pwrite(trial.fd, hot.run, (size_t)len, TEMPLATE_HOT + sizeof(hot.head)) != len ||
	    pwrite(trial.fd, &hot.head, sizeof(hot.head), TEMPLATE_HOT) < 0)
		return;
}
