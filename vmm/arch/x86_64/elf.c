/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ELF vmlinux loader (ELF-64 object file format; Xen public/elfnote.h for the note).
 *
 * Every count, offset and size comes from the file: the number of program headers and the size of
 * notes are bounded, each segment is copied into a checked slice of guest memory, and what lies beyond the
 * file's end means a truncated one. No loop depends on a value that does not shrink. The file is mapped
 * and copied by the C library, by words: read() copies by bytes, which only real processors do as fast. A file
 * that is cut while it is copied ends the process (SIGBUS): it has run nothing of the guest's yet.
 */
#include "elf.h"

#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bytes.h"

#define PHDRS_MAX	       32u
#define NOTES_MAX	       (UINT64_C(64) << 10)
#define XEN_ELFNOTE_PHYS32_ENTRY 18u
#define HUGE_PAGE	       (UINT64_C(2) << 20)
#define HUGE_PAGE_WORTH	       (HUGE_PAGE / 8)

/* The whole file in memory. */
struct image {
	const uint8_t *bytes;
	uint64_t size;
};

/* len bytes of the file, or NULL where it ends before. */
static const void *at(const struct image *image, uint64_t off, uint64_t len)
{
	return range_fits(off, len, image->size) ? image->bytes + off : NULL;
}

static const char *check_header(const Elf64_Ehdr *h)
{
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
		return "not an ELF file (an uncompressed vmlinux is needed)";
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_machine != EM_X86_64)
		return "not an ELF file for x86-64";
	if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 || h->e_phnum > PHDRS_MAX)
		return "bad ELF program headers";
	return NULL;
}

static const char *load_segment(const struct gmem *mem, const struct image *image, uint64_t lowest,
				const Elf64_Phdr *ph, struct elf_kernel *k)
{
	const void *from = at(image, ph->p_offset, ph->p_filesz);
	uint8_t *to;

	if (ph->p_filesz > ph->p_memsz)
		return "bad ELF segment size";
	if (ph->p_memsz == 0)
		return NULL;
	if (ph->p_paddr < lowest)
		return "an ELF segment lies below 1 MiB";
	to = gmem_slice(mem, GPA(ph->p_paddr), ph->p_memsz);
	if (!to)
		return "larger than the VM's memory";
	if (!from)
		return "truncated";
	memcpy(to, from, ph->p_filesz);
	/* The rest is zero already: guest memory is fresh. */
	if (ph->p_paddr + ph->p_memsz > k->end)
		k->end = ph->p_paddr + ph->p_memsz;
	return NULL;
}

static uint64_t pad4(uint64_t n)
{
	return (n + 3) & ~UINT64_C(3);
}

/* Looks for the PVH entry in one PT_NOTE segment. */
static void find_entry(const uint8_t *notes, size_t len, struct elf_kernel *k)
{
	struct cursor c = cursor_over(notes, len);

	for (;;) {
		const Elf64_Nhdr *at = cursor_take(&c, sizeof(*at));
		const char *name;
		const uint8_t *desc;
		Elf64_Nhdr h;

		if (!at)
			return;
		memcpy(&h, at, sizeof(h));
		name = cursor_take(&c, pad4(h.n_namesz));
		desc = cursor_take(&c, pad4(h.n_descsz));
		if (!name || !desc)
			return;
		if (h.n_type == XEN_ELFNOTE_PHYS32_ENTRY && h.n_namesz == 4 &&
		    !memcmp(name, "Xen", 4) && h.n_descsz >= sizeof(k->entry))
			memcpy(&k->entry, desc, sizeof(k->entry));
	}
}

static const char *read_notes(const struct image *image, const Elf64_Phdr *ph, struct elf_kernel *k)
{
	const void *notes = at(image, ph->p_offset, ph->p_filesz);

	if (ph->p_filesz > NOTES_MAX)
		return "bad ELF note size";
	if (!notes)
		return "truncated";
	find_entry(notes, ph->p_filesz, k);
	return NULL;
}

/* Bytes of [from, from + HUGE_PAGE) that segments cover; what is wrong with them is told later. */
static uint64_t covered(const Elf64_Phdr *ph, unsigned int n, uint64_t from)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t first = ph[i].p_paddr > from ? ph[i].p_paddr : from;
		uint64_t end = from + HUGE_PAGE;

		if (ph[i].p_type != PT_LOAD || ph[i].p_paddr >= end)
			continue;
		if (ph[i].p_memsz < end - ph[i].p_paddr)
			end = ph[i].p_paddr + ph[i].p_memsz;
		if (first < end)
			bytes += end - first;
	}
	return bytes;
}

/*
 * The kernel's linker puts a few pages at a huge page's boundary each: there a huge page would be zeroed
 * and kept by the host for next to nothing. Not so where a larger segment follows, the read-only data: the padding
 * before it is what Linux's allocator gives out first (free_padding(), kernel-config/edit-source), and all of the
 * huge page is touched at each boot.
 */
static void spare_huge_pages(const struct gmem *mem, const Elf64_Phdr *ph, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t from = ph[i].p_paddr & ~(HUGE_PAGE - 1), bytes;

		if (ph[i].p_type != PT_LOAD || ph[i].p_paddr > INT64_MAX)
			continue;
		bytes = covered(ph, n, from);
		if (bytes && bytes < HUGE_PAGE_WORTH && covered(ph, n, from + HUGE_PAGE) < HUGE_PAGE_WORTH)
			gmem_small_pages(mem, GPA(from), HUGE_PAGE);
	}
}

static const char *load(const struct gmem *mem, const struct image *image, uint64_t lowest,
			struct elf_kernel *k)
{
	const void *header = at(image, 0, sizeof(Elf64_Ehdr)), *headers;
	Elf64_Ehdr h;
	Elf64_Phdr ph[PHDRS_MAX] = { 0 };
	const char *wrong;

	if (!header)
		return "not an ELF file (too short)";
	memcpy(&h, header, sizeof(h));
	wrong = check_header(&h);
	if (wrong)
		return wrong;
	headers = at(image, h.e_phoff, h.e_phnum * sizeof(ph[0]));
	if (!headers)
		return "truncated";
	memcpy(ph, headers, h.e_phnum * sizeof(ph[0]));
	spare_huge_pages(mem, ph, h.e_phnum);
	for (unsigned int i = 0; i < h.e_phnum && !wrong; i++) {
		if (ph[i].p_type == PT_LOAD)
			wrong = load_segment(mem, image, lowest, &ph[i], k);
		else if (ph[i].p_type == PT_NOTE)
			wrong = read_notes(image, &ph[i], k);
	}
	if (wrong)
		return wrong;
	if (k->entry < lowest || k->entry >= k->end)
		return "no PVH entry note (CONFIG_PVH is needed)";
	return NULL;
}

const char *elf_load(const struct gmem *mem, int fd, uint64_t lowest, struct elf_kernel *k)
{
	struct image image;
	struct stat st;
	const char *wrong;
	void *map;

	*k = (struct elf_kernel){ 0 };
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(Elf64_Ehdr))
		return "not an ELF file (too short)";
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		return "cannot be mapped";
	image = (struct image){ .bytes = map, .size = (uint64_t)st.st_size };
	wrong = load(mem, &image, lowest, k);
	munmap(map, (size_t)st.st_size);
	return wrong;
}
