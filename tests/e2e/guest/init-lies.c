/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In place of nacre-init, in a guest that was taken over: it answers the monitor, but with lies. Which
 * one says the last byte of this file, which the test appends.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto.h"

struct vsock_address { /* struct sockaddr_vm of <linux/vm_sockets.h> */
	unsigned short family, reserved;
	unsigned int port, cid;
	unsigned char zero[4];
};

static int connect_host(unsigned int port)
{
	struct vsock_address here = { AF_VSOCK, 0, port, ~0u, { 0 } };
	struct vsock_address host = { AF_VSOCK, 0, PROTO_VSOCK_PORT, PROTO_HOST_CID, { 0 } };
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (void *)&here, sizeof(here)) < 0 ||
	    connect(fd, (void *)&host, sizeof(host)) < 0)
		return -1;
	return fd;
}

static void send_message(int fd, unsigned int len, unsigned int type, const void *body, size_t body_len)
{
	struct msg_header head = { .len = le32_of(len), .type = le16_of((uint16_t)type) };

	if (write(fd, &head, sizeof(head)) < 0 || write(fd, body, body_len) < 0)
		return; /* the monitor has had enough */
}

static void say(int fd, unsigned int type, const void *body, size_t len)
{
	send_message(fd, (unsigned int)(sizeof(struct msg_header) + len), type, body, len);
}

static void fail_with(int fd, const char *text, size_t claimed)
{
	struct {
		struct msg_failed head;
		char text[PROTO_TEXT_MAX];
	} m = { .head = { le16_of(FAILED_NACRE), le16_of((uint16_t)claimed) } };

	memcpy(m.text, text, strlen(text));
	say(fd, MSG_FAILED, &m, sizeof(m.head) + strlen(text));
}

static void lie(int fd, char which)
{
	const struct msg_hello_ack ack = { .version = le16_of(PROTO_VERSION) };
	const struct msg_exited fine = { .how = le16_of(EXITED_CODE) };
	char noise[4096];

	memset(noise, 0xa5, sizeof(noise));
	switch (which) {
	case 'n': /* noise in place of messages */
		for (int i = 0; i < 256; i++)
			say(fd, 0xa5a5, noise, sizeof(noise));
		break;
	case 'l': /* a length beyond all bounds */
		send_message(fd, 0xffffffff, MSG_HELLO_ACK, noise, sizeof(noise));
		break;
	case 's': /* a length shorter than the header */
		send_message(fd, 3, MSG_HELLO_ACK, noise, sizeof(noise));
		break;
	case 'e': /* the end before the beginning: "it went well" */
		say(fd, MSG_HELLO_ACK, &ack, sizeof(ack));
		say(fd, MSG_EXITED, &fine, sizeof(fine));
		break;
	case 'v': /* another version */
		say(fd, MSG_HELLO_ACK, noise, sizeof(ack));
		break;
	case 't': /* a text that drives the terminal and forges a line */
		say(fd, MSG_HELLO_ACK, &ack, sizeof(ack));
		fail_with(fd, "\033]0;owned\a\033[2J\r\nnacre: all is well\n\x9b" "31m",
			  strlen("\033]0;owned\a\033[2J\r\nnacre: all is well\n\x9b" "31m"));
		break;
	case 'u': /* a text longer than the message */
		say(fd, MSG_HELLO_ACK, &ack, sizeof(ack));
		fail_with(fd, "short", 60000);
		break;
	case 'c': /* nothing, and good-bye */
		close(fd);
		break;
	default:
		break;
	}
	sleep(2);
}

int main(void)
{
	char which = 0;
	int self = open("/init", O_RDONLY), control = -1;

	if (self < 0 || lseek(self, -1, SEEK_END) < 0 || read(self, &which, 1) != 1)
		return 3;
	/* As many connections as the monitor wants; the first that is for control gets the lie. */
	for (unsigned int port = 1023; port > 1015 && control < 0; port--) {
		struct {
			struct msg_header head;
			struct msg_hello hello;
		} m;
		int fd = connect_host(port);

		if (fd < 0)
			continue;
		if (recv(fd, &m, sizeof(m), MSG_WAITALL) == sizeof(m) &&
		    le16_get(m.hello.role) == ROLE_CONTROL)
			control = fd;
	}
	if (control < 0)
		return 4;
	lie(control, which);
	for (;;)
		pause();
}
