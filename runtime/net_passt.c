/* SPDX-License-Identifier: Apache-2.0 */
/* passt; see net_passt.h. */
#include "net_passt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* passt's default: what it moves at once is then as long as a frame can be. */
#define MTU 65520u
#define INDEX 2u /* as a first interface has */
#define READY_MS 10000

static const struct {
	int family;
	const char *address;
	uint8_t prefix;
	const char *gateway;
	const char *resolver; /* rootfs/build names it */
} networks[] = {
	/* The addresses that slirp and its kin have given guests for decades. */
	{ AF_INET, "10.0.2.15", 24, "10.0.2.2", "10.0.2.3" },
	{ AF_INET6, "fd00::2:15", 64, "fd00::2:2", "fd00::2:3" },
};

#define N_NETWORKS (sizeof(networks) / sizeof(networks[0]))

static void put_address(struct nlmsghdr *head, uint16_t type, int family, const char *text)
{
	uint8_t bytes[16];

	/* constants of the table above */
	inet_pton(family, text, bytes);
	mnl_attr_put(head, type, family == AF_INET ? 4 : 16, bytes);
}

static void add_address(struct net *net, size_t i, struct arena *arena)
{
	uint8_t buf[256];
	struct nlmsghdr *head = mnl_nlmsg_put_header(buf);
	struct ifaddrmsg *body = mnl_nlmsg_put_extra_header(head, sizeof(*body));

	head->nlmsg_type = RTM_NEWADDR;
	body->ifa_family = (uint8_t)networks[i].family;
	body->ifa_prefixlen = networks[i].prefix;
	body->ifa_index = INDEX;
	/* nobody else is on this wire */
	mnl_attr_put_u32(head, IFA_FLAGS, IFA_F_PERMANENT | IFA_F_NODAD);
	put_address(head, IFA_LOCAL, networks[i].family, networks[i].address);
	put_address(head, IFA_ADDRESS, networks[i].family, networks[i].address);
	net_add_message_of(net, head, arena);
}

static void add_default_route(struct net *net, size_t i, struct arena *arena)
{
	uint8_t buf[256];
	struct nlmsghdr *head = mnl_nlmsg_put_header(buf);
	struct rtmsg *body = mnl_nlmsg_put_extra_header(head, sizeof(*body));

	head->nlmsg_type = RTM_NEWROUTE;
	body->rtm_family = (unsigned char)networks[i].family;
	body->rtm_table = RT_TABLE_MAIN;
	body->rtm_protocol = RTPROT_STATIC;
	body->rtm_scope = RT_SCOPE_UNIVERSE;
	body->rtm_type = RTN_UNICAST;
	put_address(head, RTA_GATEWAY, networks[i].family, networks[i].gateway);
	mnl_attr_put_u32(head, RTA_OIF, INDEX);
	net_add_message_of(net, head, arena);
}

void net_passt_configure(struct net *net, const char *path, struct arena *arena)
{
	struct net_interface *interface = net_add_interface(net);

	net->passt = path;
	strcpy(interface->name, "eth0");
	arc4random_buf(interface->mac, sizeof(interface->mac));
	interface->mac[0] = (uint8_t)((interface->mac[0] & 0xfcu) | 2u); /* local, not a group */
	memcpy(interface->device, interface->mac, sizeof(interface->device));
	interface->index = INDEX;
	interface->mtu = interface->device_mtu = MTU;
	interface->flags = IFF_UP;
	for (size_t i = 0; i < N_NETWORKS; i++)
		add_address(net, i, arena);
	for (size_t i = 0; i < N_NETWORKS; i++)
		add_default_route(net, i, arena);
}

int net_passt_prepare(struct net *net, struct spawn *spawn, int *passt_fd, struct arena *arena,
		      struct failure *failure)
{
	static const char *const fixed[] = { "--foreground", "--quiet", "--stderr",
					     "--no-map-gw",  "--no-dhcp", "--no-dhcpv6",
					     "--no-ra" };
	int pair[2];

	if (access(net->passt, X_OK) < 0)
		return failure_set(failure, -errno,
				   "--net passt: %s: expected the program passt (Debian's package "
				   "passt; \"passt\" in nacre.conf): %s", net->passt,
				   strerror(errno));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return failure_set(failure, -errno, "socketpair: %s", strerror(errno));
	net->interface[0].stream_fd = pair[0];
	*passt_fd = pair[1];
	spawn_begin(spawn, arena, net->passt, "passt");
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		spawn_arg(spawn, fixed[i]);
	for (size_t i = 0; i < N_NETWORKS; i++) {
		spawn_arg(spawn, "--address");
		spawn_arg(spawn, networks[i].address);
		spawn_arg(spawn, "--gateway");
		spawn_arg(spawn, networks[i].gateway);
		spawn_arg(spawn, "--dns-forward");
		spawn_arg(spawn, networks[i].resolver);
		if (networks[i].family == AF_INET) {
			spawn_arg(spawn, "--netmask");
			spawn_arg(spawn, arena_printf(arena, "%u", networks[i].prefix));
		}
	}
	spawn_arg_fd(spawn, "--fd", pair[1]);
	return 0;
}

/* Reads exactly `len` bytes before the deadline. 0, -EPIPE, -ETIMEDOUT. */
static int read_all(int fd, void *to, size_t len, int wait_ms)
{
	uint8_t *at = to;

	while (len) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&poll_fd, 1, wait_ms) == 0)
			return -ETIMEDOUT;
		n = recv(fd, at, len, 0);
		if (n <= 0)
			return -EPIPE;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Asks for the gateway's MAC address: whoever answers is ready for frames. */
static void ask(const struct net_interface *interface, int fd)
{
	struct {
		struct ether_header ethernet;
		struct ether_arp arp;
	} frame = {
		.ethernet.ether_type = htons(ETHERTYPE_ARP),
		.arp.arp_hrd = htons(ARPHRD_ETHER),
		.arp.arp_pro = htons(ETHERTYPE_IP),
		.arp.arp_hln = ETH_ALEN,
		.arp.arp_pln = 4,
		.arp.arp_op = htons(ARPOP_REQUEST),
	};
	uint32_t len = htonl(sizeof(frame));

	memset(frame.ethernet.ether_dhost, 0xff, ETH_ALEN);
	memcpy(frame.ethernet.ether_shost, interface->mac, ETH_ALEN);
	memcpy(frame.arp.arp_sha, interface->mac, ETH_ALEN);
	inet_pton(AF_INET, networks[0].address, frame.arp.arp_spa);
	inet_pton(AF_INET, networks[0].gateway, frame.arp.arp_tpa);
	(void)send(fd, &len, sizeof(len), MSG_NOSIGNAL); /* if it is gone, reading tells */
	(void)send(fd, &frame, sizeof(frame), MSG_NOSIGNAL);
}

int net_passt_wait(const struct net *net)
{
	const struct net_interface *interface = &net->interface[0];
	uint8_t frame[65536];
	int fd = interface->stream_fd, err = 0;
	bool answered = false;

	ask(interface, fd);
	while (!err && !answered) {
		uint32_t len = 0;

		err = read_all(fd, &len, sizeof(len), READY_MS);
		len = ntohl(len);
		if (!err && (len < sizeof(struct ether_header) || len > sizeof(frame)))
			err = -EPIPE;
		if (!err)
			err = read_all(fd, frame, len, READY_MS);
		answered = !err && frame[12] == 0x08 && frame[13] == 0x06; /* ETHERTYPE_ARP */
	}
	/* from now on it is the VMM's */
	if (!err && fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		err = -errno;
	return err;
}
