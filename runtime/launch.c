/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the companions of a container; see launch.h and docs/architecture.md. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "apparmor.h"
#include "blocks.h"
#include "cgroup.h"
#include "cgroup_parts.h"
#include "fd.h"
#include "hooks.h"
#include "launch.h"
#include "listener.h"
#include "monitor_start.h"
#include "monitorwire.h"
#include "namespaces.h"
#include "net.h"
#include "net_passt.h"
#include "oom_score.h"
#include "pid_holder.h"
#include "rootless.h"
#include "spawn.h"
#include "state_files.h"
#include "userns.h"
#include "vm_ends.h"
#include "vmstatus.h"

/* For passt to say why it cannot go on. */
#define PASST_END_MS 500
/* For a guest that has called to come to rest, and for its memory to be written. */
#define SAVE_MS 60000

void launch_init(struct launch *launch)
{
	*launch = (struct launch){
		.kvm_fd = -1, .kernel_fd = -1, .init_fd = -1, .template_fd = -1, .note_fd = -1,
		.console_fd = -1, .plan_fd = -1, .notify_fd = -1,
		.cgroup_fd = -1, .signal_fd = -1, .confined_fd = -1, .sync_fd = -1, .lifeline_fd = -1,
		.vmm_net_ns_fd = -1,
		.std = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
		.vmm = CHILD_NONE("nacre-vmm"),
		.passt = CHILD_NONE("passt"),
		.fsd = CHILD_NONE("nacre-fsd"),
		.monitor = CHILD_NONE("nacre-monitor"),
	};
}

int launch_plan_file(const struct plan_buffer *plan, struct failure *failure)
{
	autoclose int fd = memfd_create("nacre-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, plan->bytes, plan->len) != (ssize_t)plan->len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return failure_set(failure, -errno, "cannot write the plan: %s", strerror(errno));
	return steal_fd(&fd);
}

/* What a VMM is made for. */
struct vmm_role {
	int listener, control; /* listens on them, for monitors and for orders; control may be -1 */
	int fsd_socket;
	int save_fd;	       /* the template that it becomes; -1: it serves a container */
	bool volumes;
};

static int vmm_start(struct launch *launch, const struct vmm_role *role, struct failure *failure)
{
	struct state *state = launch->state;
	struct arena *arena = &launch->config->arena;
	autoclose int user_ns = userns_create_for_vmm(state->vmm_uid, state->vmm_gid,
						      &launch->vmm_net_ns_fd, failure);
	autoclose int caller_cgroup = launch->end_apart && launch->cgroup_fd >= 0 ?
					      cgroup_open(cgroup_of("self", arena)) : -1;
	autoclose int end_place = launch->end_apart && (caller_cgroup >= 0 || launch->cgroup_fd < 0) ?
					  vm_ends_take(state_all_roots(arena)) : -1;
	struct spawn spawn;

	if (user_ns < 0)
		return user_ns;
	spawn_begin(&spawn, arena, launch->companions->vmm, launch->vmm.name);
	/* its parents and helpers are none: process 1 of a pid namespace of its own */
	spawn.clone_flags = CLONE_NEWPID;
	spawn.selinux_label = state->selinux.vmm;
	spawn.oom_score = launch->oom_score;
	spawn.cgroup_fd = launch->cgroup_fd;
	spawn_arg_fd(&spawn, "--kvm", launch->kvm_fd);
	spawn_arg(&spawn, "--memory");
	spawn_arg(&spawn, arena_printf(arena, "%llu", (unsigned long long)state->size.memory));
	spawn_arg(&spawn, "--cpus");
	spawn_arg(&spawn, arena_printf(arena, "%u", state->size.cpus));
	spawn_arg_fd(&spawn, "--kernel", launch->kernel_fd);
	spawn_arg_fd(&spawn, "--init", launch->init_fd);
	spawn_arg_fd(&spawn, "--listener", role->listener);
	if (role->control >= 0)
		spawn_arg_fd(&spawn, "--control", role->control);
	spawn_arg_fd(&spawn, "--status", state->status_fd);
	spawn_arg_fd(&spawn, "--fs", role->fsd_socket);
	if (role->volumes)
		spawn_arg(&spawn, "--volumes");
	if (role->save_fd >= 0)
		spawn_arg_fd(&spawn, "--save-template", role->save_fd);
	if (launch->template_fd >= 0)
		spawn_arg_fd(&spawn, "--template", launch->template_fd);
	if (launch->note_fd >= 0)
		spawn_arg_fd(&spawn, "--note-hot", launch->note_fd);
	if (launch->console_fd >= 0)
		spawn_arg_fd(&spawn, "--console", launch->console_fd);
	spawn_arg_fd(&spawn, "--user-ns", user_ns);
	spawn_arg_fd(&spawn, "--net-ns", launch->vmm_net_ns_fd);
	if (end_place >= 0)
		spawn_arg_fd(&spawn, "--end-place", end_place);
	if (end_place >= 0 && caller_cgroup >= 0)
		spawn_arg_fd(&spawn, "--caller-cgroup", caller_cgroup);
	if (launch->confined_fd >= 0)
		spawn_arg_fd(&spawn, "--confined", launch->confined_fd);
	spawn_arg(&spawn, "--boot-timeout");
	spawn_arg(&spawn, arena_printf(arena, "%d", launch->boot_timeout_ms));
	blocks_add_to_vmm(launch->config, state->size.cpus, &spawn);
	if (launch->config->net)
		net_add_to_vmm(launch->config->net, &spawn);
	return child_start(&launch->vmm, &spawn, failure);
}

static int passt_start(struct launch *launch, struct failure *failure)
{
	struct net *net = launch->config->net;
	autoclose int passt_fd = -1;
	struct spawn spawn;
	int err;

	if (!net || !net->passt)
		return 0;
	err = net_passt_prepare(net, &spawn, &passt_fd, &launch->config->arena, failure);
	if (err)
		return err;
	spawn.cgroup_fd = launch->cgroup_fd;
	err = child_start(&launch->passt, &spawn, failure);
	drop_fd(&passt_fd);
	if (err)
		return err;
	err = net_passt_wait(net);
	if (err) {
		child_finish(&launch->passt, child_now_ms() + PASST_END_MS);
		failure_set(failure, err, "--net passt: %s: %s", net->passt,
			    launch->passt.lines.last[0] ? launch->passt.lines.last : "no answer");
	}
	return err;
}

static int fsd_start(struct launch *launch, int vmm_socket, int mount_ns, int alive_fd,
		     struct failure *failure)
{
	const struct exports *exports = launch->exports;
	autoclose int user_ns = userns_create_for_fsd(launch->config, failure);
	struct spawn spawn;

	if (user_ns < 0)
		return user_ns;
	spawn_begin(&spawn, &launch->config->arena, launch->companions->fsd, launch->fsd.name);
	spawn.selinux_label = launch->state->selinux.fsd;
	spawn.oom_score = launch->oom_score;
	spawn.cgroup_fd = launch->cgroup_fd;
	spawn_arg_fd(&spawn, "--socket", vmm_socket);
	spawn_arg(&spawn, "--container");
	spawn_arg(&spawn, "0");
	spawn_arg_fd(&spawn, "--user-ns", user_ns);
	spawn_arg_fd(&spawn, "--mount-ns", mount_ns);
	spawn_arg_fd(&spawn, "--alive", alive_fd);
	spawn_arg_fd(&spawn, "--confined", launch->confined_fd);
	spawn_arg_fd_with(&spawn, "--root", exports->root_fd, exports->root_readonly ? ":ro" : "");
	for (size_t i = 0; i < exports->n_volumes; i++)
		spawn_arg_fd_with(&spawn, "--volume", exports->volume_fds[i],
				  exports->volume_readonly[i] ? ":ro" : "");
	return child_start(&launch->fsd, &spawn, failure);
}

/* Waits until the monitor is in the container's namespaces. 0, or -errno with the failure set. */
static int await_entered(const struct launch *launch, struct failure *failure)
{
	struct monitor_packet packet = { .type = le32_of(0) };
	const size_t head = offsetof(struct monitor_packet, text);
	ssize_t n = recv(launch->sync_fd, &packet, sizeof(packet), 0);

	if (n >= (ssize_t)head && le32_get(packet.type) == MONITOR_ENTERED)
		return 0;
	if (n >= (ssize_t)head && le32_get(packet.type) == MONITOR_FAILED &&
	    le32_get(packet.text_len) <= (size_t)n - head)
		return failure_set(failure, -EIO, "%.*s", (int)le32_get(packet.text_len),
				   packet.text);
	return failure_set(failure, -EIO, "nacre-monitor ended before it was ready");
}

static int start_monitor(struct launch *launch, struct monitor_start *start,
			 const struct namespaces *namespaces, struct failure *failure)
{
	autoclose int listener_fd = -1;
	autoclose int vmm_score_fd = -1;
	int err;

	if (launch->detached) {
		listener_fd = listener_create(launch->state->dir_fd, MONITOR_SOCKET_FILE,
					      SOCK_SEQPACKET, failure);
		if (listener_fd < 0)
			return listener_fd;
	}
	start->companions = launch->companions;
	memcpy(start->std, launch->std, sizeof(start->std));
	start->controlling_terminal = launch->controlling_terminal;
	start->with_lifeline = !launch->detached;
	start->lines_to_us = !launch->detached;
	start->plan_fd = launch->plan_fd;
	start->notify_fd = launch->notify_fd;
	start->status_fd = launch->state->status_fd;
	start->started_fd = launch->state->started_fd;
	start->confined_fd = launch->confined_fd;
	start->listener_fd = listener_fd;
	start->vmm_pidfd = launch->vmm.pidfd;
	start->mount_ns = namespaces->mount_ns;
	start->net_ns = namespaces->net_ns;
	start->cgroup_fd = launch->cgroup_fd;
	start->selinux_label = launch->state->selinux.monitor;
	start->apparmor_profile = apparmor_profile_here(launch->config->process.apparmor_profile);
	start->oom_score = launch->oom_score;
	if (launch->config->resources.memory_limit > 0 && launch->vmm.pid > 0) {
		cgroup_oom_open(&start->oom, launch->state->cgroup);
		vmm_score_fd = oom_score_open(launch->vmm.pid);
		start->vmm_score_fd = vmm_score_fd;
	}
	err = monitor_run(start, &launch->monitor, &launch->config->arena, &launch->sync_fd,
			  &launch->lifeline_fd, failure);
	cgroup_oom_close(&start->oom);
	return err;
}

/* The hooks of create, which are told the monitor's pid. */
static int run_hooks(struct launch *launch, const struct namespaces *namespaces,
		     struct failure *failure)
{
	struct hooks_place here = HOOKS_HERE(launch->signal_fd);
	struct hooks_place inside = {
		.mount_ns = namespaces->mount_ns,
		.net_ns = namespaces->net_ns,
		.signal_fd = launch->signal_fd,
	};
	struct state *state = launch->state;
	int err;

	state->monitor = process_ref_of(launch->monitor.pid);
	/* prestart hooks are from a time when they ran at the start: they are told what it was then */
	err = hooks_run(launch->config, HOOK_PRESTART, state, STATE_CREATED, here, failure);
	if (!err)
		err = hooks_run(launch->config, HOOK_CREATE_RUNTIME, state, STATE_CREATING, here,
				failure);
	if (!err)
		err = hooks_run(launch->config, HOOK_CREATE_CONTAINER, state, STATE_CREATING,
				inside, failure);
	return err;
}

/*
 * nacre-fsd last: in its namespace nothing of the host may be left. The monitor waits for its end by
 * a pipe.
 */
static int start_inside(struct launch *launch, struct monitor_start *start, int *fsd_socket,
			struct failure *failure)
{
	struct namespaces namespaces = NAMESPACES_NONE;
	struct pid_holder holder = PID_HOLDER_NONE;
	autoclose int fsd_alive_fd = -1;
	int alive[2];
	int err = namespaces_make(&namespaces, launch->exports, launch->config, failure);

	if (!err && launch->detached && rootless_active())
		err = pid_holder_start(&holder, launch->cgroup_fd, failure);
	if (!err && pipe2(alive, O_CLOEXEC) < 0)
		err = failure_set(failure, -errno, "pipe: %s", strerror(errno));
	if (!err) {
		start->pid_ns = holder.pid_ns;
		start->alive_fd = holder.alive_fd;
		start->fsd_alive_fd = alive[0];
		fsd_alive_fd = alive[1];
		err = start_monitor(launch, start, &namespaces, failure);
		drop_fd(&start->fsd_alive_fd);
	}
	pid_holder_close(&holder);
	if (!err)
		err = await_entered(launch, failure);
	if (!err)
		err = run_hooks(launch, &namespaces, failure);
	if (!err)
		err = namespaces_pivot(&namespaces, failure);
	if (!err && !launch->sandbox)
		err = fsd_start(launch, *fsd_socket, namespaces.mount_ns, fsd_alive_fd, failure);
	drop_fd(fsd_socket);
	namespaces_close(&namespaces);
	return err;
}

/*
 * The connections are made before the VMM is started: should nacre be killed meanwhile, the VMM
 * accepts them, finds them closed, and ends.
 */
static int start_all(struct launch *launch, struct monitor_start *start, struct failure *failure)
{
	int dir_fd = launch->state->dir_fd;
	autoclose int listener_fd = listener_create(dir_fd, SOCKET_FILE, SOCK_STREAM, failure);
	autoclose int control_fd = listener_create(dir_fd, CONTROL_SOCKET_FILE, SOCK_SEQPACKET,
						   failure);
	struct vmm_role role = {
		.listener = listener_fd,
		.control = control_fd,
		.save_fd = -1,
		.volumes = launch->exports->n_volumes > 0 || launch->template_fd >= 0,
	};
	autoclose int vmm_socket = -1;
	autoclose int fsd_socket = -1;
	int pair[2];
	int err;

	if (listener_fd < 0 || control_fd < 0)
		return listener_fd < 0 ? listener_fd : control_fd;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return failure_set(failure, -errno, "socketpair: %s", strerror(errno));
	role.fsd_socket = vmm_socket = pair[0];
	fsd_socket = pair[1];
	err = passt_start(launch, failure);
	if (!err) {
		err = monitor_connect(start, dir_fd);
		if (err)
			failure_set(failure, err, SOCKET_FILE ": cannot connect: %s",
				    strerror(-err));
	}
	if (!err)
		err = vmm_start(launch, &role, failure);
	/* from now on a dead VMM is seen by its peers: nobody else holds its ends */
	drop_fd(&listener_fd);
	drop_fd(&control_fd);
	drop_fd(&vmm_socket);
	if (launch->config->net)
		net_close(launch->config->net);
	return err ? err : start_inside(launch, start, &fsd_socket, failure);
}

int launch_start(struct launch *launch, struct failure *failure)
{
	struct monitor_start start;
	int err;

	launch->confined_fd = openat(launch->state->dir_fd, CONFINED_FILE,
				     O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (launch->confined_fd < 0)
		return failure_set(failure, -errno, "%s/" CONFINED_FILE ": cannot make: %s",
				   launch->state->dir, strerror(errno));
	launch->oom_score = oom_score_of(&launch->config->process, &launch->config->arena);
	monitor_start_init(&start);
	start.terminal = launch->config->process.terminal;
	start.preserved = launch->config->preserved;
	start.sandbox = launch->sandbox;
	if (launch->sandbox)
		err = start_inside(launch, &start, &(int){ -1 }, failure);
	else
		err = start_all(launch, &start, failure);
	drop_fd(&launch->confined_fd);
	monitor_disconnect(&start);
	return err;
}

/* Why it is none, by what the VMM wrote as it ended. */
static int explain_template(const struct launch *launch, struct failure *failure)
{
	struct vm_status status;
	char text[256];
	size_t n;

	if (pread(launch->state->status_fd, &status, sizeof(status), 0) != (ssize_t)sizeof(status) ||
	    le32_get(status.magic) != VM_STATUS_MAGIC)
		return failure_set(failure, -EIO, "template: nacre-vmm ended without saying why");
	switch (le32_get(status.end)) {
	case VM_END_TEMPLATE:
		return 0;
	case VM_END_SETUP: /* the VMM's own words */
		n = le32_get(status.log_len) < sizeof(text) ? le32_get(status.log_len) : sizeof(text) - 1;
		memcpy(text, status.log, n);
		text[n] = '\0';
		return failure_set(failure, -EIO, "the VM could not be made: %s", text);
	case VM_END_BOOT_TIMEOUT:
		return failure_set(failure, -ETIMEDOUT, "the guest kernel did not start within %d s; "
				   "is /dev/kvm emulated?", launch->boot_timeout_ms / 1000);
	default:
		return failure_set(failure, -EIO, "template: the guest ended before it called");
	}
}

int launch_template(struct launch *launch, int template_fd, struct failure *failure)
{
	autoclose int listener_fd = listener_create(launch->state->dir_fd, SOCKET_FILE, SOCK_STREAM,
						    failure);
	autoclose int vmm_socket = -1;
	autoclose int no_fsd = -1; /* a VMM whose nacre-fsd is gone ends: so it does when we are killed */
	struct vmm_role role = {
		.listener = listener_fd, .control = -1, .save_fd = template_fd, .volumes = true,
	};
	int pair[2];
	int err;

	if (listener_fd < 0)
		return listener_fd;
	/* nobody is to find the socket, and what the machine before has said is not this one's */
	if (ftruncate(launch->state->status_fd, 0) < 0 ||
	    unlinkat(launch->state->dir_fd, SOCKET_FILE, 0) < 0)
		return failure_set(failure, -errno, "%s: %s", launch->state->dir, strerror(errno));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return failure_set(failure, -errno, "socketpair: %s", strerror(errno));
	role.fsd_socket = vmm_socket = pair[0];
	no_fsd = pair[1];
	err = vmm_start(launch, &role, failure);
	drop_fd(&vmm_socket);
	if (!err) {
		child_finish(&launch->vmm, child_now_ms() + launch->boot_timeout_ms + SAVE_MS);
		drop_fd(&no_fsd);
		child_let_go(&launch->vmm);
		err = explain_template(launch, failure);
	}
	drop_fd(&launch->vmm_net_ns_fd);
	launch->vmm = (struct child)CHILD_NONE("nacre-vmm");
	return err;
}

void launch_note(const struct launch *launch)
{
	struct state *state = launch->state;

	state->vmm = process_ref_of(launch->vmm.pid);
	state->fsd = process_ref_of(launch->fsd.pid);
	state->monitor = process_ref_of(launch->monitor.pid);
}

int launch_detach(struct launch *launch, struct failure *failure)
{
	struct monitor_packet packet = { .type = le32_of(MONITOR_DETACH) };

	if (send(launch->sync_fd, &packet, offsetof(struct monitor_packet, text), MSG_NOSIGNAL) < 0)
		return failure_set(failure, -errno, "nacre-monitor ended: %s", strerror(errno));
	return 0;
}

void launch_let_go(struct launch *launch)
{
	drop_fd(&launch->sync_fd);
	child_let_go(&launch->monitor);
	child_let_go(&launch->vmm);
	child_let_go(&launch->fsd);
	child_let_go(&launch->passt);
	drop_fd(&launch->vmm_net_ns_fd);
}

void launch_end(struct launch *launch, int grace_ms)
{
	int64_t deadline = child_now_ms() + grace_ms;

	drop_fd(&launch->lifeline_fd);
	drop_fd(&launch->sync_fd);
	child_finish(&launch->monitor, deadline);
	child_finish(&launch->vmm, deadline);
	child_finish(&launch->fsd, deadline);
	child_finish(&launch->passt, deadline);
}
