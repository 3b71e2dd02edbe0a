/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's network; see network.h.
 *
 * A network device of the VM is found by its MAC address in init's namespace and moves to the
 * container's, where it gets the name and the index of the interface that it stands for. What the
 * host's kernel said about addresses and routes is then repeated to the guest's, word by word, by the
 * container's first process: its power ends at its own namespace.
 */
#include "network.h"

#include <errno.h>
#include <sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/if_arp.h>
#include <linux/rtnetlink.h>

#include "creds.h"
#include "netlink.h"
#include "setup.h"
#include "sysctl.h"

/* The guest's kernel numbers its devices from 1. */
#define DEVICES_MAX 32
#define RESOLVER_BACKLOG 8

/* The index, in this namespace, of the device with this MAC address; 0: there is none. */
static int find_device(const uint8_t *mac)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), found = 0;

	for (int i = 1; fd >= 0 && i < DEVICES_MAX && !found; i++) {
		struct ifreq ifr = { .ifr_ifindex = i };

		if (ioctl(fd, SIOCGIFNAME, &ifr) == 0 && ioctl(fd, SIOCGIFHWADDR, &ifr) == 0 &&
		    ifr.ifr_hwaddr.sa_family == ARPHRD_ETHER &&
		    memcmp(ifr.ifr_hwaddr.sa_data, mac, 6) == 0)
			found = i;
	}
	if (fd >= 0)
		close(fd);
	return found;
}

static int give_one(int fd, const struct plan_link *link, const char *name, pid_t pid)
{
	struct ifinfomsg info = { .ifi_index = find_device(link->device) };
	uint32_t index = le32_get(link->index), to = (uint32_t)pid, mtu = le32_get(link->mtu);
	struct netlink_request r;

	if (!info.ifi_index)
		return -ENODEV;
	netlink_begin(&r, RTM_NEWLINK, 0, &info, sizeof(info));
	netlink_attr(&r, IFLA_NET_NS_PID, &to, sizeof(to));
	netlink_attr(&r, IFLA_NEW_IFINDEX, &index, sizeof(index));
	netlink_attr(&r, IFLA_IFNAME, name, strlen(name) + 1);
	netlink_attr(&r, IFLA_MTU, &mtu, sizeof(mtu));
	if (memcmp(link->mac, link->device, sizeof(link->mac)) != 0)
		netlink_attr(&r, IFLA_ADDRESS, link->mac, sizeof(link->mac));
	return netlink_do(fd, &r);
}

int network_give(const struct plan *p, pid_t pid, struct report *r)
{
	struct cursor body;
	size_t pos = 0;
	int fd, err = 0;

	if (!p->count[PLAN_LINK])
		return 0;
	fd = netlink_open();
	if (fd < 0)
		return report_set(r, FAILED_NACRE, -fd, "network");
	while (!err && plan_next(p, &pos, PLAN_LINK, &body)) {
		const struct plan_link *link = cursor_take(&body, sizeof(*link));
		const char *name = cursor_take_string(&body);

		if (!link || !name) /* the decoder has seen to both */
			break;
		err = give_one(fd, link, name, pid);
		if (err < 0)
			report_set(r, FAILED_NACRE, -err, "network interface %s", name);
	}
	close(fd);
	return err;
}

static int set_flags(int fd, int index, uint32_t flags)
{
	struct ifinfomsg info = { .ifi_index = index, .ifi_flags = flags, .ifi_change = flags };
	struct netlink_request r;

	netlink_begin(&r, RTM_NEWLINK, 0, &info, sizeof(info));
	return netlink_do(fd, &r);
}

static const char *word_of(uint16_t type)
{
	switch (type) {
	case RTM_NEWADDR:
		return "address";
	case RTM_NEWROUTE:
		return "route";
	case RTM_NEWRULE:
		return "rule";
	default:
		return "neighbour";
	}
}

static int repeat(int fd, uint16_t type, const void *body, size_t len)
{
	struct netlink_request r;
	int err;

	netlink_begin(&r, type, NLM_F_CREATE | NLM_F_EXCL, body, len);
	err = netlink_do(fd, &r);
	return err == -EEXIST ? 0 : err;
}

void network_set_up(const struct plan *p)
{
	int fd = netlink_open(), err = fd < 0 ? fd : set_flags(fd, 1, IFF_UP);
	struct cursor body;
	size_t pos = 0;
	unsigned int n = 0;

	if (err < 0)
		setup_fail(-err, "loopback");
	while (plan_next(p, &pos, PLAN_LINK, &body)) {
		const struct plan_link *link = cursor_take(&body, sizeof(*link));

		err = set_flags(fd, (int)le32_get(link->index), le32_get(link->flags));
		if (err < 0)
			setup_fail(-err, "network interface %s", cursor_take_string(&body));
	}
	pos = 0;
	while (plan_next(p, &pos, PLAN_NETLINK, &body)) {
		const struct plan_netlink *m = cursor_take(&body, sizeof(*m));

		n++;
		err = repeat(fd, le16_get(m->type), body.p, body.left);
		if (err < 0)
			setup_fail(-err, "network: the guest refuses the %s in message %u",
				   word_of(le16_get(m->type)), n);
	}
	close(fd);
}

/* A socket where the container's processes ask. Not blocking: it is init's. */
static int open_resolver(int type)
{
	const uint8_t ip[] = PROTO_RESOLVER_ADDRESS;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PROTO_RESOLVER_PORT) };
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(&at.sin_addr, ip, sizeof(ip));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, RESOLVER_BACKLOG) < 0))
		setup_fail(errno, "resolver: %u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
	return fd;
}

/* In a child of init: the container's root, in its network namespace, does the rest. */
static _Noreturn void set_up_inside(const struct plan *p, int init_fd, int setup_fd)
{
	if (setup_fd != SETUP_FD && dup2(setup_fd, SETUP_FD) < 0)
		_exit(FAILED_NACRE);
	if (setns(init_fd, CLONE_NEWUSER | CLONE_NEWNET) < 0)
		setup_fail(errno, "network namespace");
	creds_become_root();
	network_set_up(p);
	sysctl_write_network(p);
	if (p->count[PLAN_RESOLVER]) {
		setup_held(open_resolver(SOCK_DGRAM));
		setup_held(open_resolver(SOCK_STREAM));
	}
	_exit(0);
}

/* What the child has said: sockets, in the order of enum resolve_transport; or why it failed. */
static void hear(int fd, int resolver[RESOLVE_TRANSPORT_COUNT], struct report *r)
{
	struct setup_message m;
	unsigned int n = 0;
	int passed;
	pid_t sender;

	while (setup_receive(fd, &m, &sender, &passed) == 1) {
		if (m.type == SETUP_FAILED)
			*r = m.report;
		if (passed >= 0 && n < RESOLVE_TRANSPORT_COUNT)
			resolver[n++] = passed;
		else if (passed >= 0)
			close(passed);
	}
}

/* Runs the child and waits for it: nothing in it waits for anybody. */
static int run_inside(const struct plan *p, int init_fd, int resolver[RESOLVE_TRANSPORT_COUNT],
		      struct report *r)
{
	int ends[2], status = 0, err = setup_pair(ends);
	pid_t pid;

	if (err < 0)
		return report_set(r, FAILED_NACRE, -err, "network");
	pid = fork();
	if (pid == 0)
		set_up_inside(p, init_fd, ends[1]);
	close(ends[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (pid < 0)
		err = report_set(r, FAILED_NACRE, EAGAIN, "network");
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		err = report_set(r, FAILED_NACRE, EIO, "network");
	hear(ends[0], resolver, r);
	close(ends[0]);
	return err;
}

int network_attach(const void *plan, size_t len, pid_t init, int init_fd,
		   int resolver[RESOLVE_TRANSPORT_COUNT], struct report *r)
{
	static _Alignas(PLAN_ALIGN) uint8_t copy[PROTO_START_MAX];
	const char *why;
	struct plan p;
	int err;

	for (unsigned int i = 0; i < RESOLVE_TRANSPORT_COUNT; i++)
		resolver[i] = -1;
	if (len > sizeof(copy))
		return report_set(r, FAILED_NACRE, 0, "network: plan too long");
	memcpy(copy, plan, len);
	if (plan_decode(&p, PLAN_OF_NETWORK, copy, len, &why) < 0)
		return report_set(r, FAILED_NACRE, 0, "network: %s", why);
	err = network_give(&p, init, r);
	return err < 0 ? err : run_inside(&p, init_fd, resolver, r);
}
