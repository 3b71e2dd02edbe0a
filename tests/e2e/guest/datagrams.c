/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams, on the host and in a guest: busybox has nothing for them.
 *
 *   datagrams echo PORT [GROUP]       answers each; joins the multicast group, if one is given
 *   datagrams ask ADDRESS PORT SIZE   sends SIZE bytes and prints how many came back as they were
 *
 * Addresses are IPv4 or IPv6. A lost datagram is asked for again, for 10 seconds in all.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char sent[65536], came[65536];

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int echo(int port, const char *group)
{
	struct sockaddr_in6 own = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0)
		return fail("bind");
	if (group) {
		struct ip_mreq join = { .imr_interface.s_addr = INADDR_ANY };

		inet_pton(AF_INET, group, &join.imr_multiaddr);
		if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)) < 0)
			return fail("join");
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, came, sizeof(came), 0, (struct sockaddr *)&from, &len);

		if (n >= 0)
			(void)sendto(fd, came, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}

static int ask(const char *address, const char *port, size_t size)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *to;
	struct pollfd wait = { .events = POLLIN };

	if (size > sizeof(sent) || getaddrinfo(address, port, &hints, &to))
		return fail("address");
	for (size_t i = 0; i < size; i++)
		sent[i] = (char)(i * 31);
	wait.fd = socket(to->ai_family, SOCK_DGRAM, 0);
	for (int i = 0; i < 10; i++) {
		ssize_t n;

		/* not connected: who answers for a group has another address */
		if (sendto(wait.fd, sent, size, 0, to->ai_addr, to->ai_addrlen) < 0)
			return fail("send");
		if (poll(&wait, 1, 1000) != 1)
			continue;
		n = recv(wait.fd, came, sizeof(came), 0);
		if (n < 0 || (size_t)n != size || memcmp(sent, came, size))
			return fail("another answer");
		printf("%zu\n", size);
		return 0;
	}
	fprintf(stderr, "no answer\n");
	return 1;
}

int main(int argc, char *argv[])
{
	if (argc >= 3 && !strcmp(argv[1], "echo"))
		return echo(atoi(argv[2]), argv[3]);
	if (argc == 5 && !strcmp(argv[1], "ask"))
		return ask(argv[2], argv[3], (size_t)atol(argv[4]));
	return 2;
}
