/* SPDX-License-Identifier: Apache-2.0 */
/* A machine becomes a template. See template.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/arch.h"
#include "end.h"
#include "loop.h"
#include "template.h"
#include "template_file.h"
#include "vcpu.h"

/* The guest has something to do after its call, and then sleeps; it is looked at this often. */
#define LOOK_MS	  50
#define LOOKS_MAX 200u
/* Pages of zeros up to so many bytes are saved with those around them: less to map, little to store. */
#define GAP_MAX	  ((uint64_t)64 * 1024)

static struct {
	struct machine *m;
	int fd;
	struct loop_source parked;
	bool begun;
	unsigned int looks;
	struct template_head head;
	void *cpus; /* head.arch_size bytes */
	struct template_run run[TEMPLATE_RUNS_MAX];
} saving;

static void look(void *ctx, uint32_t events);

static void fail(int r, const char *what)
{
	setup_fail(-r, "template: %s", what);
}

static void write_all(const void *bytes, uint64_t len, uint64_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(saving.fd, bytes, len, (off_t)at);

		if (n <= 0)
			fail(n < 0 ? -errno : -EIO, "cannot be written");
		bytes = (const uint8_t *)bytes + n;
		len -= (uint64_t)n;
		at += (uint64_t)n;
	}
}

static bool is_zero(const uint8_t *page)
{
	return page[0] == 0 && memcmp(page, page + 1, TEMPLATE_PAGE - 1) == 0;
}

/* The guest does not run: what is found zero stays so. Runs do not go from one region into the next. */
static void find_runs(void)
{
	static uint8_t page[TEMPLATE_PAGE];
	const struct gmem *mem = &saving.m->mem;

	for (unsigned int i = 0; i < mem->n_regions; i++) {
		const struct gmem_region *r = &mem->region[i];

		for (uint64_t gpa = r->base; gpa < r->base + r->size; gpa += TEMPLATE_PAGE) {
			if (gmem_read(mem, GPA(gpa), page, sizeof(page)))
				fail(0, "guest memory has a hole");
			if (!is_zero(page) && !template_runs_add(saving.run, &saving.head.n_runs,
								 TEMPLATE_RUNS_MAX, gpa, GAP_MAX))
				fail(0, "guest memory is in too many pieces");
		}
	}
}

static void write_file(void)
{
	struct template_head *h = &saving.head;
	uint64_t at = TEMPLATE_STATE + sizeof(*h);

	for (uint32_t i = 0; i < h->n_runs; i++) {
		const struct template_run *run = &saving.run[i];

		write_all(gmem_slice(&saving.m->mem, GPA(run->gpa), run->len), run->len,
			  TEMPLATE_MEMORY + run->gpa);
	}
	if (at + h->arch_size + h->n_runs * sizeof(saving.run[0]) > TEMPLATE_HOT)
		fail(0, "the machine's state is too large");
	write_all(saving.run, h->n_runs * sizeof(saving.run[0]), at + h->arch_size);
	write_all(saving.cpus, h->arch_size, at);
	write_all(h, sizeof(*h), TEMPLATE_STATE);
}

/* False: a device has something to do yet. */
static bool save_devices(void)
{
	struct template_head *h = &saving.head;

	h->n_devs = saving.m->n_devs;
	for (unsigned int i = 0; i < h->n_devs; i++) {
		if (dev_state_save(&saving.m->dev[i], &h->dev[i]))
			return false;
	}
	return true;
}

static void save(void)
{
	int r = arch_state_save(saving.m, saving.cpus);

	if (r)
		fail(r, "the processors' state cannot be read");
	find_runs();
	write_file();
	end_now(VM_END_TEMPLATE, 0);
}

/*
 * Every processor is out of KVM_RUN. One that did not sleep may be in the middle of an access that KVM has
 * not finished: it goes on.
 */
static void on_parked(void *ctx, uint32_t events)
{
	(void)ctx;
	(void)events;
	if (!vcpu_note_parked())
		return;
	if (arch_cpus_sleep(saving.m) && save_devices())
		save();
	if (saving.looks++ == LOOKS_MAX)
		fail(0, "the guest does not come to rest");
	vcpu_resume();
	loop_set_timer(LOOK_MS, look, NULL);
}

static void look(void *ctx, uint32_t events)
{
	(void)ctx;
	(void)events;
	vcpu_pause();
	/* Processors that have not left the last pause yet stay, and tell nobody. */
	on_parked(NULL, 0);
}

void template_save_begin(void)
{
	if (saving.begun)
		return;
	saving.begun = true;
	loop_set_timer(LOOK_MS, look, NULL);
}

void template_save_init(struct machine *m, int kvm_fd, int fd)
{
	struct template_head *h = &saving.head;
	int parked_fd = vcpu_parked_fd(), r;
	struct stat st;

	/* SELinux puts a null device in the place of a file that the VMM may not write */
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		fail(0, "expected a file that nacre-vmm may write to");
	if (!arch_can_copy(kvm_fd))
		fail(0, "expected Linux 5.16 or newer, with KVM_CAP_VCPU_ATTRIBUTES");
	saving.m = m;
	saving.fd = fd;
	h->memory = m->memory;
	h->n_cpus = m->n_cpus;
	h->cpu_digest = arch_cpu_digest(m, kvm_fd);
	h->arch_size = arch_state_size(m);
	saving.cpus = malloc(h->arch_size);
	if (!saving.cpus)
		fail(-ENOMEM, "processors' state");
	arch_state_init(m, kvm_fd);
	r = parked_fd < 0 ? parked_fd : loop_add(&saving.parked, parked_fd, EPOLLIN, on_parked, NULL);
	if (r)
		fail(r, "eventfd");
}
