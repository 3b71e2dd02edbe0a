/* SPDX-License-Identifier: Apache-2.0 */
/* The VMM's command line (docs/architecture.md "What each program is started with"). */
#ifndef NACRE_VMM_OPTIONS_H
#define NACRE_VMM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "virtio_blk.h"
#include "virtio_net.h"

#define FD_MAX	 1023
#define OPTIONS_RATE_MAX (INT64_C(1) << 40)

struct options {
	int64_t kvm_fd, kernel_fd, init_fd, listener_fd, status_fd, fs_fd, user_ns_fd, net_ns_fd;
	int64_t console_fd; /* -1: no console */
	int64_t control_fd; /* listening socket for orders of nacre; -1: none */
	int64_t confined_fd; /* file for struct confined_record, -1: none */
	int64_t memory;	    /* bytes */
	int64_t cpus;
	int64_t boot_timeout; /* ms */
	int64_t volumes;      /* 1: make the device for volumes */
	int64_t template_fd;  /* to begin from, if it fits; -1: none */
	int64_t save_template_fd; /* to become one; -1: an ordinary VM */
	int64_t note_fd;      /* the template, to note there which pages a copy writes to; -1: none */
	int64_t caller_cgroup_fd; /* directory of the cgroup to make the VM in (kvm_apart.h); -1: our own */
	int64_t end_place_fd; /* nobody is to wait for the VM's end, which lets go of this (kvm_apart.h); or -1 */
	struct net_options net[NET_MAX];
	unsigned int n_nets;
	struct blk_options block[BLK_MAX];
	unsigned int n_blocks;
};

/* Fills *o from argv. Errors end in setup_fail(). */
void options_parse(struct options *o, int argc, char **argv);

/* A number from min to max; errors end in setup_fail(). */
int64_t options_number(const char *name, const char *text, int64_t min, int64_t max);

/* An option of a network device: each belongs to the last --net before it. False: it is none. */
bool options_take_net(struct options *o, const char *name, const char *value);
/* An option of a block device, likewise. */
bool options_take_block(struct options *o, const char *name, const char *value);

/* That each network device has a port, and vhost-net what it needs. */
void options_check_net(const struct options *o);

#endif
