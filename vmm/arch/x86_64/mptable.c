/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MP table (MultiProcessor Specification 1.4, chapter 4).
 *
 * One processor entry per vCPU, one ISA bus, one I/O APIC, its 24 pins as ISA interrupts of the same
 * number (edge, active high: the polarity and trigger of ISA), and the two local interrupts.
 */
#include "mptable.h"

#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "layout.h"

/* §4.1 MP Floating Pointer Structure */
struct mp_pointer {
	uint8_t signature[4];
	struct le32 table;
	uint8_t length_16; /* in 16 byte units */
	uint8_t spec_rev;
	uint8_t checksum;
	uint8_t feature[5];
};
static_assert(sizeof(struct mp_pointer) == 16, "MP 1.4 §4.1");

/* §4.2 MP Configuration Table Header */
struct mp_header {
	uint8_t signature[4];
	struct le16 length;
	uint8_t spec_rev;
	uint8_t checksum;
	uint8_t oem[8];
	uint8_t product[12];
	struct le32 oem_table;
	struct le16 oem_size;
	struct le16 n_entries;
	struct le32 lapic;
	struct le32 extended;
};
static_assert(sizeof(struct mp_header) == 44, "MP 1.4 §4.2");

/* §4.3.1 Processor Entries */
struct mp_processor {
	uint8_t type; /* 0 */
	uint8_t apic_id;
	uint8_t apic_version;
	uint8_t flags; /* bit 0 enabled, bit 1 boot processor */
	struct le32 signature;
	struct le32 features;
	uint8_t reserved[8];
};
static_assert(sizeof(struct mp_processor) == 20, "MP 1.4 §4.3.1");

/* §4.3.2 Bus Entries */
struct mp_bus {
	uint8_t type; /* 1 */
	uint8_t id;
	uint8_t name[6];
};
static_assert(sizeof(struct mp_bus) == 8, "MP 1.4 §4.3.2");

/* §4.3.3 I/O APIC Entries */
struct mp_ioapic {
	uint8_t type; /* 2 */
	uint8_t id;
	uint8_t version;
	uint8_t flags; /* bit 0 enabled */
	struct le32 address;
};
static_assert(sizeof(struct mp_ioapic) == 8, "MP 1.4 §4.3.3");

/* §4.3.4 and §4.3.5 I/O and Local Interrupt Assignment Entries */
struct mp_interrupt {
	uint8_t type;	  /* 3 I/O, 4 local */
	uint8_t interrupt; /* 0 vectored, 1 NMI, 3 ExtINT */
	struct le16 flags; /* 0: as the bus has it */
	uint8_t bus;
	uint8_t bus_irq;
	uint8_t apic;
	uint8_t pin;
};
static_assert(sizeof(struct mp_interrupt) == 8, "MP 1.4 §4.3.4");

#define MP_SPEC_REV	4
#define APIC_VERSION	0x14 /* integrated local APIC */
#define IOAPIC_VERSION	0x11
#define IOAPIC_PINS	24
#define FEATURES_FPU_APIC ((1u << 0) | (1u << 9))

struct writer {
	uint8_t *buf;
	size_t size, len;
	bool overflow;
};

static void put(struct writer *w, const void *p, size_t len)
{
	if (!range_fits(w->len, len, w->size)) {
		w->overflow = true;
		return;
	}
	memcpy(w->buf + w->len, p, len);
	w->len += len;
}

/* The byte that makes the sum of all zero (§4.1, §4.2). */
static uint8_t checksum(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	while (len--)
		sum = (uint8_t)(sum + *p++);
	return (uint8_t)-sum;
}

static void put_processors(struct writer *w, unsigned int n_cpus)
{
	for (unsigned int i = 0; i < n_cpus; i++) {
		struct mp_processor p = {
			.apic_id = (uint8_t)i,
			.apic_version = APIC_VERSION,
			.flags = i == 0 ? 3 : 1,
			.features = le32_of(FEATURES_FPU_APIC),
		};

		put(w, &p, sizeof(p));
	}
}

static void put_interrupts(struct writer *w, uint8_t ioapic_id)
{
	static const struct mp_interrupt local[] = {
		{ .type = 4, .interrupt = 3, .apic = 0, .pin = 0 },   /* LINT0: ExtINT */
		{ .type = 4, .interrupt = 1, .apic = 0xff, .pin = 1 }, /* LINT1 of all: NMI */
	};

	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++) {
		struct mp_interrupt irq = {
			.type = 3,
			.bus_irq = (uint8_t)pin,
			.apic = ioapic_id,
			.pin = (uint8_t)pin,
		};

		put(w, &irq, sizeof(irq));
	}
	put(w, local, sizeof(local));
}

size_t mptable_write(uint8_t *buf, size_t size, uint32_t gpa, unsigned int n_cpus)
{
	struct writer w = { .buf = buf, .size = size };
	struct mp_pointer pointer = {
		.signature = { '_', 'M', 'P', '_' },
		.table = le32_of(gpa + (uint32_t)sizeof(pointer)),
		.length_16 = 1,
		.spec_rev = MP_SPEC_REV,
	};
	struct mp_header header = {
		.signature = { 'P', 'C', 'M', 'P' },
		.spec_rev = MP_SPEC_REV,
		.oem = { 'N', 'A', 'C', 'R', 'E', ' ', ' ', ' ' },
		.product = { 'M', 'I', 'C', 'R', 'O', ' ', 'V', 'M', ' ', ' ', ' ', ' ' },
		.n_entries = le16_of((uint16_t)(n_cpus + 2 + IOAPIC_PINS + 2)),
		.lapic = le32_of(LAPIC_GPA),
	};
	struct mp_bus bus = { .type = 1, .id = 0, .name = { 'I', 'S', 'A', ' ', ' ', ' ' } };
	struct mp_ioapic ioapic = {
		.type = 2,
		.id = (uint8_t)n_cpus, /* behind the processors' */
		.version = IOAPIC_VERSION,
		.flags = 1,
		.address = le32_of(IOAPIC_GPA),
	};

	put(&w, &pointer, sizeof(pointer));
	put(&w, &header, sizeof(header));
	put_processors(&w, n_cpus);
	put(&w, &bus, sizeof(bus));
	put(&w, &ioapic, sizeof(ioapic));
	put_interrupts(&w, ioapic.id);
	if (w.overflow)
		return 0;
	header.length = le16_of((uint16_t)(w.len - sizeof(pointer)));
	memcpy(buf + sizeof(pointer), &header, sizeof(header));
	buf[sizeof(pointer) + offsetof(struct mp_header, checksum)] =
		checksum(buf + sizeof(pointer), w.len - sizeof(pointer));
	buf[offsetof(struct mp_pointer, checksum)] = checksum(buf, sizeof(pointer));
	return w.len;
}
