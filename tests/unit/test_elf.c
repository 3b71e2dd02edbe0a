/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the vmlinux loader: a good file, and every field of it wrong once. */
/* SOURCES: vmm/arch/x86_64/elf.c vmm/gmem.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_guest.h"
#include "vmm/arch/x86_64/elf.h"

#define ENTRY (FAKE_BASE + 0x10)

/* A kernel of one segment and one note. */
struct image {
	Elf64_Ehdr h;
	Elf64_Phdr ph[2];
	struct {
		Elf64_Nhdr h;
		char name[4];
		uint32_t desc;
	} note;
	uint8_t code[64];
};

static struct image good_image(void)
{
	struct image i = {
		.h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
		       .e_machine = EM_X86_64,
		       .e_phoff = offsetof(struct image, ph),
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_phnum = 2 },
		.ph = { { .p_type = PT_LOAD, .p_offset = offsetof(struct image, code),
			  .p_paddr = FAKE_BASE, .p_filesz = 64, .p_memsz = 256 },
			{ .p_type = PT_NOTE, .p_offset = offsetof(struct image, note),
			  .p_filesz = sizeof(i.note) } },
		.note = { { 4, 4, 18 }, "Xen", ENTRY },
	};

	memset(i.code, 0x90, sizeof(i.code));
	return i;
}

static const char *load(const void *p, size_t len, struct elf_kernel *k)
{
	struct gmem m = fake_memory();
	int fd = memfd_create("kernel", MFD_CLOEXEC);
	const char *wrong;

	assert_int_equal(write(fd, p, len), len);
	wrong = elf_load(&m, fd, FAKE_BASE, k);
	close(fd);
	fake_memory_free(&m);
	return wrong;
}

static void expect(const struct image *i, const char *text)
{
	struct elf_kernel k;
	const char *wrong = load(i, sizeof(*i), &k);

	assert_non_null(wrong);
	assert_non_null(strstr(wrong, text));
}

static void test_good(void **state)
{
	struct image i = good_image();
	struct elf_kernel k;

	(void)state;
	assert_null(load(&i, sizeof(i), &k));
	assert_int_equal(k.entry, ENTRY);
	assert_int_equal(k.end, FAKE_BASE + 256);
}

static void test_truncated_anywhere(void **state)
{
	struct image i = good_image();
	struct elf_kernel k;

	(void)state;
	for (size_t len = 0; len < offsetof(struct image, code) + sizeof(i.code); len++)
		assert_non_null(load(&i, len, &k));
}

static void test_not_elf(void **state)
{
	struct image i = good_image();

	(void)state;
	i.h.e_ident[0] = 'M';
	expect(&i, "not an ELF file");
	i = good_image();
	i.h.e_ident[EI_CLASS] = ELFCLASS32;
	expect(&i, "x86-64");
	i = good_image();
	i.h.e_machine = EM_AARCH64;
	expect(&i, "x86-64");
}

static void test_headers(void **state)
{
	static const uint16_t counts[] = { 0, 33, 0xffff };
	struct image i;

	(void)state;
	for (int n = 0; n < 3; n++) {
		i = good_image();
		i.h.e_phnum = counts[n];
		expect(&i, "program headers");
	}
	i = good_image();
	i.h.e_phentsize = 8;
	expect(&i, "program headers");
	i = good_image();
	i.h.e_phoff = UINT64_MAX;
	expect(&i, "truncated");
}

static void test_segments(void **state)
{
	struct image i = good_image();

	(void)state;
	i.ph[0].p_memsz = FAKE_SIZE + 1;
	expect(&i, "larger than the VM's memory");
	i = good_image();
	i.ph[0].p_paddr = UINT64_MAX - 8;
	expect(&i, "larger than the VM's memory");
	i = good_image();
	i.ph[0].p_paddr = FAKE_BASE - 1;
	expect(&i, "below");
	i = good_image();
	i.ph[0].p_filesz = 257;
	expect(&i, "segment size");
	i = good_image();
	i.ph[0].p_offset = UINT64_MAX - 10;
	expect(&i, "truncated");
	i = good_image();
	i.ph[0].p_offset = INT64_MAX;
	expect(&i, "truncated");
}

/* Bug of others, number 9: a loader that loops for ever (GHSA-52h2-m2cf-9jh6). */
static void test_bug09_notes_end(void **state)
{
	static const uint32_t sizes[] = { 0, 5, 0xffffffff, 0x7fffffff, 0xfffffffc };
	struct image i;
	struct elf_kernel k;

	(void)state;
	for (int n = 0; n < 5; n++) {
		i = good_image();
		i.note.h.n_namesz = sizes[n];
		assert_non_null(load(&i, sizeof(i), &k));
		i = good_image();
		i.note.h.n_descsz = sizes[n] == 5 ? 0 : sizes[n];
		assert_non_null(load(&i, sizeof(i), &k));
	}
	i = good_image();
	i.ph[1].p_filesz = UINT64_MAX;
	expect(&i, "note size");
}

static void test_no_pvh(void **state)
{
	struct image i = good_image();

	(void)state;
	i.note.h.n_type = 17;
	expect(&i, "no PVH entry");
	i = good_image();
	i.note.name[0] = 'Y';
	expect(&i, "no PVH entry");
	i = good_image();
	i.note.desc = FAKE_BASE + 256; /* one past the segment */
	expect(&i, "no PVH entry");
	i = good_image();
	i.ph[1].p_type = PT_NULL;
	expect(&i, "no PVH entry");
}

#define HUGE_PAGE 0x200000u

/* Has the mapping that begins at `at` the advice against huge pages? */
static bool has_small_pages(const void *at)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	bool here = false, small = false;
	unsigned long from, to;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = from <= (uintptr_t)at && (uintptr_t)at < to;
		else if (here && !strncmp(line, "VmFlags:", 8))
			small = strstr(line, " nh") != NULL;
	}
	fclose(f);
	return small;
}

/* One page each in the first two huge pages, then a segment of half a huge page. */
static void test_sparse_huge_pages_are_spared(void **state)
{
	struct {
		Elf64_Ehdr h;
		Elf64_Phdr ph[3];
	} i = {
		.h = good_image().h,
		.ph = {
			{ .p_type = PT_LOAD, .p_paddr = HUGE_PAGE, .p_memsz = 4096 },
			{ .p_type = PT_LOAD, .p_paddr = 2 * HUGE_PAGE, .p_memsz = 4096 },
			{ .p_type = PT_LOAD, .p_paddr = 3 * HUGE_PAGE, .p_memsz = HUGE_PAGE / 2 },
		},
	};
	const size_t size = 4 * HUGE_PAGE;
	uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct gmem m = { .n_regions = 1, .region = { { .size = size, .hva = memory } } };
	int fd = memfd_create("kernel", MFD_CLOEXEC);
	struct elf_kernel k;

	(void)state;
	assert_ptr_not_equal(memory, MAP_FAILED);
	if (madvise(memory, size, MADV_HUGEPAGE)) {
		print_message("this kernel has no huge pages\n");
		skip();
	}
	i.h.e_phoff = offsetof(typeof(i), ph);
	i.h.e_phnum = 3;
	assert_int_equal(write(fd, &i, sizeof(i)), sizeof(i));
	assert_string_equal(elf_load(&m, fd, HUGE_PAGE, &k), "no PVH entry note (CONFIG_PVH is needed)");
	assert_false(has_small_pages(memory));
	assert_true(has_small_pages(memory + HUGE_PAGE));
	/* what the kernel overwrites and gives to its allocator */
	assert_false(has_small_pages(memory + 2 * HUGE_PAGE));
	assert_false(has_small_pages(memory + 3 * HUGE_PAGE));
	close(fd);
	munmap(memory, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test(test_not_elf),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_bug09_notes_end),
		cmocka_unit_test(test_no_pvh),
		cmocka_unit_test(test_sparse_huge_pages_are_spared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
