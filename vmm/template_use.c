/* SPDX-License-Identifier: Apache-2.0 */
/* A machine begins as a template's copy. See template.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/arch.h"
#include "bytes.h"
#include "template.h"
#include "template_file.h"
#include "template_hot.h"

static struct {
	int fd;
	uint64_t size; /* of the file */
	struct template_head head;
	void *cpus;
	struct template_run *run;
} template;

static bool read_all(void *to, uint64_t len, uint64_t at)
{
	return pread(template.fd, to, len, (off_t)at) == (ssize_t)len;
}

static bool is_sound(const struct machine *m, const struct template_run *run)
{
	return template_run_is_sound(&m->mem, run) &&
	       range_fits(TEMPLATE_MEMORY + run->gpa, run->len, template.size);
}

static bool read_runs(const struct machine *m)
{
	const struct template_head *h = &template.head;
	uint64_t at = TEMPLATE_STATE + sizeof(*h);

	template.cpus = malloc(h->arch_size);
	template.run = calloc(h->n_runs, sizeof(template.run[0]));
	if (!template.cpus || !template.run || !read_all(template.cpus, h->arch_size, at) ||
	    !read_all(template.run, h->n_runs * sizeof(template.run[0]), at + h->arch_size))
		return false;
	for (uint32_t i = 0; i < h->n_runs; i++) {
		if (!is_sound(m, &template.run[i]))
			return false;
	}
	return true;
}

static bool fits(const struct machine *m, unsigned int n_devs, int kvm_fd)
{
	const struct template_head *h = &template.head;

	return arch_can_copy(kvm_fd) && h->memory == m->memory && h->n_cpus == m->n_cpus &&
	       h->n_devs == n_devs && h->arch_size == arch_state_size(m) && h->n_runs > 0 &&
	       h->n_runs <= TEMPLATE_RUNS_MAX && h->cpu_digest == arch_cpu_digest(m, kvm_fd) &&
	       read_runs(m);
}

bool template_open(const struct machine *m, unsigned int n_devs, int kvm_fd, int fd, int note_fd)
{
	struct stat st;

	template.fd = fd;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    !read_all(&template.head, sizeof(template.head), TEMPLATE_STATE))
		return false;
	template.size = (uint64_t)st.st_size;
	if (!fits(m, n_devs, kvm_fd))
		return false;
	template_hot_read(&m->mem, fd);
	if (note_fd >= 0)
		template_hot_begin(&m->mem, note_fd, template.run, template.head.n_runs);
	return true;
}

void template_map(const struct machine *m)
{
	for (uint32_t i = 0; i < template.head.n_runs; i++) {
		const struct template_run *run = &template.run[i];
		void *at = gmem_slice(&m->mem, GPA(run->gpa), run->len);

		if (mmap(at, run->len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, template.fd,
			 (off_t)(TEMPLATE_MEMORY + run->gpa)) == MAP_FAILED)
			setup_fail(errno, "mapping guest memory from a file");
		(void)madvise(at, run->len, MADV_DONTDUMP);
	}
	template_hot_make(&m->mem);
	close(template.fd);
}

void template_restore(struct machine *m)
{
	arch_state_restore(m, template.cpus);
	for (unsigned int i = 0; i < m->n_devs; i++) {
		int r = dev_state_restore(&m->dev[i], &template.head.dev[i]);

		if (r)
			setup_fail(-r, "template: %s", m->dev[i].ops->name);
	}
	free(template.cpus);
	free(template.run);
}
