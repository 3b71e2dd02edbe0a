/* SPDX-License-Identifier: Apache-2.0 */
/* Machines that begin as a template's copy, and the making of templates; see creation.h and docs/templates.md. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "confined.h"
#include "creation.h"
#include "creation_parts.h"
#include "fd.h"
#include "net_join.h"
#include "net_socket.h"
#include "report.h"
#include "rootless.h"
#include "state_files.h"
#include "templates.h"
#include "vmstatus.h"

/* In a slow guest, and on a slow disk. */
#define MAKING_EXTRA_MS 150000

/* To look for what is zero in more takes seconds: such a template is made for who asks for it. */
#define TEMPLATE_BY_ITSELF_MAX (UINT64_C(4) << 30)

/* A template has no device but those of every machine, and one plain interface. */
static bool may_be_copy(const struct creation *creation)
{
	const struct net *net = &creation->net;
	bool with_net = creation_has_net(creation);

	return !creation->options->console_log && creation->config.blocks.n == 0 && !net->passt &&
	       net->n <= 1 && !(with_net && creation->conf.vhost_net) &&
	       /* hooks may attach more than one */
	       !(with_net && net->n == 0 && creation->launch.n_to_come > 1);
}

/* Opens the one that the key tells of. */
static bool open_by_key(struct creation *creation)
{
	struct net *net = &creation->net;
	int fd = templates_open(creation->templates, &creation->template_key);

	creation->is_copy = fd >= 0 && fstat(fd, &creation->template_stat) == 0;
	if (!creation->is_copy) {
		drop_fd(&fd);
		return false;
	}
	creation->launch.template_fd = fd;
	if (net->n == 1)
		net_plain_device(&net->interface[0], 0);
	return true;
}

void creation_open_template(struct creation *creation)
{
	const char *dir = templates_dir(&creation->conf, rootless_active(), &creation->config.arena);

	if (!dir || !may_be_copy(creation) ||
	    templates_key(&creation->template_key, &creation->launch, creation_has_net(creation)) != 0)
		return;
	creation->templates = dir;
	open_by_key(creation);
}

/* An interface that leads nowhere, as one that is still to come. */
static int make_template_net(struct creation *creation)
{
	struct net *net = &creation->net;
	int err = creation->config.net_ns_fd = net_namespace_make(&creation->failure);

	if (err >= 0)
		err = net_join_spares(net, creation->config.net_ns_fd, 1, creation->state.size.cpus,
				      &creation->failure);
	if (!err && net->n == 0)
		err = failure_set(&creation->failure, -ENODEV, "/dev/net/tun: expected a device that "
				  "nacre may open");
	return err;
}

static int save_template(struct creation *creation, int template_fd, bool net)
{
	struct launch *launch = &creation->launch;
	struct state *state = &creation->state;
	const struct state prepared = *state;
	int err;

	drop_fd(&launch->template_fd); /* the one that this takes the place of */
	err = net ? make_template_net(creation) : 0;

	if (!err)
		err = creation_make_state(creation);
	if (!err)
		err = launch_template(launch, template_fd, &creation->failure);
	net_close(&creation->net);
	creation->net.n = 0;
	drop_fd(&creation->config.net_ns_fd);
	cgroup_settle(&creation->cgroup);
	drop_fd(&launch->cgroup_fd);
	if (state->cgroup && state->dir_fd >= 0)
		cgroup_remove(state->cgroup, state->cgroup_id);
	if (state->dir_fd >= 0)
		state_unlink(state);
	state_close(state);
	*state = prepared;
	return err;
}

int creation_make_template(struct creation *creation, const char *dir, bool net, const char **path)
{
	struct template_draft draft = TEMPLATE_DRAFT_NONE;
	int err = templates_key(&creation->template_key, &creation->launch, net);

	if (err)
		return failure_set(&creation->failure, err, "templates: %s", strerror(-err));
	err = templates_begin(&draft, dir, &creation->template_key, &creation->failure);
	if (!err)
		err = save_template(creation, draft.fd, net);
	/* one that this host cannot start from would be an error of every container */
	if (!err)
		err = creation_try_template(creation, draft.fd, net);
	if (!err)
		err = templates_commit(&draft, &creation->failure);
	templates_end(&draft);
	if (err)
		return err;
	*path = arena_printf(&creation->config.arena, "%s/%s", dir, draft.name);
	return 0;
}

/*
 * A container of its own, of the same machine, that will never be: the caller's id, files, labels and cgroup are
 * its container's alone. `maker` borrows what the caller has opened of the machine.
 */
static int configure_maker(struct creation *maker, const struct creation *creation)
{
	int err = creation_configure_own(maker, creation);

	maker->config.net = &maker->net;
	maker->state.size = creation->state.size;
	maker->launch.boot_timeout_ms = creation->launch.boot_timeout_ms;
	maker->launch.kvm_fd = creation->launch.kvm_fd;
	maker->launch.kernel_fd = creation->launch.kernel_fd;
	maker->launch.init_fd = creation->launch.init_fd;
	return err ? err : creation_make_labels(maker);
}

static int make_here(void *ctx, struct failure *failure)
{
	static struct creation maker;
	const struct creation *creation = ctx;
	struct creation_options options = { .kernel = creation->options->kernel };
	struct global_options global = *creation->global;
	const char *path;
	int err;

	/* of a user's nothing is to be left, and there may be no systemd to ask: the caller's cgroup will do */
	if (rootless_active()) {
		global.systemd_cgroup = false;
		global.cgroup_manager = "disabled";
	}
	creation_init(&maker, &global, &options);
	err = configure_maker(&maker, creation);
	if (!err)
		err = creation_make_template(&maker, creation->templates, creation->template_key.net,
					     &path);
	*failure = maker.failure;
	return err;
}

static int make_by_itself(struct creation *creation)
{
	struct failure failure = { .text = "" };
	/* a boot, the writing of the file, and the trial */
	int err = creation_in_child(make_here, creation,
				    2 * creation->launch.boot_timeout_ms + MAKING_EXTRA_MS, &failure);

	if (err)
		report_debug("%s: no template was made: %s", creation->templates, failure.text);
	return err;
}

/* A name that is taken is refused later, and nothing is to be made for it. */
static bool has_name(const struct creation *creation)
{
	const char *dir = arena_printf(creation->global->arena, "%s/%s", creation->global->root,
				       creation->config.id);

	return faccessat(AT_FDCWD, dir, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
}

bool creation_make_template_first(struct creation *creation)
{
	autoclose int claim = -1;

	if (!creation->templates || creation->is_copy || !creation->conf.make_templates ||
	    creation->state.size.memory > TEMPLATE_BY_ITSELF_MAX || !has_name(creation))
		return false;
	claim = templates_claim(creation->templates, &creation->template_key);
	if (claim == -EEXIST) /* somebody else has made it a moment ago */
		return open_by_key(creation);
	if (claim < 0)
		report_debug("%s: no template is made now: %s", creation->templates, strerror(-claim));
	return claim >= 0 && make_by_itself(creation) == 0 && open_by_key(creation);
}

bool creation_has_booted(const struct creation *creation)
{
	const off_t at = (off_t)(CONFINED_VMM * sizeof(struct confined_record));
	autoclose int fd = openat(creation->state.dir_fd, CONFINED_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct confined_record record;

	return fd >= 0 && pread(fd, &record, sizeof(record), at) == (ssize_t)sizeof(record) &&
	       le32_get(record.magic) == CONFINED_MAGIC && le32_get(record.copy) == 0;
}

/* Whether the template was made before this host was started: its processor may be another since. */
static bool is_older_than_host(const struct stat *st)
{
	struct timespec up;

	return clock_gettime(CLOCK_BOOTTIME, &up) == 0 && time(NULL) - st->st_mtime > up.tv_sec;
}

void creation_note_boot(const struct creation *creation)
{
	int err;

	if (!creation->templates || !creation->conf.make_templates)
		return;
	if (creation->is_copy && (!creation_has_booted(creation) || !is_older_than_host(&creation->template_stat)))
		return;
	if (creation->is_copy)
		templates_discard(creation->templates, &creation->template_key,
				  &creation->template_stat);
	err = templates_note_boot(creation->templates, &creation->template_key);
	if (err)
		report_debug("%s: not noted that a machine has booted: %s", creation->templates,
			     strerror(-err));
}

/*
 * Whether the machine ended by itself before its container was there. One that could tell what is wrong with the
 * container has come up; one that says nothing may wait for what its container needs.
 */
static bool did_not_come_up(const struct creation *creation)
{
	struct vm_status status;

	if (!creation->session.lost_vm)
		return false;
	if (pread(creation->state.status_fd, &status, sizeof(status), 0) != (ssize_t)sizeof(status) ||
	    le32_get(status.magic) != VM_STATUS_MAGIC)
		return false;
	switch (le32_get(status.end)) {
	case VM_END_GUEST_RESET:
	case VM_END_BOOT_TIMEOUT:
	case VM_END_KVM:
	case VM_END_DEVICE:
		return true;
	case VM_END_SETUP:
		return le32_get(status.log_len) <= sizeof(status.log) &&
		       memmem(status.log, le32_get(status.log_len), "template: ", strlen("template: "));
	default:
		return false;
	}
}

void creation_discard_template(struct creation *creation)
{
	if (!creation->is_copy || creation->state.status_fd < 0 || creation_has_booted(creation) ||
	    !did_not_come_up(creation))
		return;
	if (templates_discard(creation->templates, &creation->template_key, &creation->template_stat))
		report_warning("the machine was the copy of a template, which is removed");
}
