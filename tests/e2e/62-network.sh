#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Networks: passt, and interfaces of a network namespace. All of it happens in network namespaces of
# the tests' own; the machine's is not touched.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/network.sh
. "$E2E_DIR/lib/network.sh"

# Each test starts some twenty processes beside its guests: more patience where that is slow.
E2E_SLOW=$((E2E_SLOW * 3))

# A host with addresses outside, and a route there.
new_host()
{
	need_command unshare nsenter ip busybox
	new_network host
	in_network host sh -c '
		ip link add outside type dummy
		ip addr add 198.51.100.1/24 dev outside
		ip addr add 2001:db8::1/64 dev outside nodad
		ip link set outside up
		ip route add default via 198.51.100.254
		ip -6 route add default via 2001:db8::fe'
	nacre_in_network host
}

test_passt_http()
{
	only_nacre "--net passt is its own option"
	need_command passt
	new_host
	serve_file host 198.51.100.1 "hello from outside"
	serve_file host '[2001:db8::1]' "hello over IPv6"
	run --net passt -- sh -c '
		ip -o addr show eth0 | grep -vc fe80
		cat /sys/class/net/eth0/mtu
		wget -qO - http://198.51.100.1:8080/file
		wget -qO - "http://[2001:db8::1]:8080/file"
		timeout 3 wget -qO - http://127.0.0.1:8080/file 2> /dev/null || echo own loopback'
	expect_success "2
65520
hello from outside
hello over IPv6
own loopback"
}

# The host's resolver, by the built-in image's resolv.conf.
test_passt_names()
{
	only_nacre "--net passt is its own option"
	need_command passt python3
	[ -f /etc/resolv.conf ] || skip "no /etc/resolv.conf on the host"
	new_host
	echo "nameserver 198.51.100.1" > resolv.conf
	in_network host "$E2E_DIR/lib/resolver.py" 198.51.100.1 53 > resolver.out 2>&1 &
	wait_until $((10 * E2E_SLOW)) has_line resolver.out ready || give_up "the resolver does not start"
	printf '#!/bin/sh\nexec unshare -m sh -c "mount --bind resolv.conf /etc/resolv.conf; exec ./nacre-in-network \\"\\$@\\"" sh "$@"\n' > nacre-with-names
	chmod +x nacre-with-names
	NACRE_BIN=./nacre-with-names
	run --net passt -- sh -c 'nslookup one.example | grep -c 192.0.2.7'
	expect_success 1
}

LIMITS[test_namespace_becomes_the_guests]=240
test_namespace_becomes_the_guests()
{
	NETWORKS=$PWD
	new_bridge
	make_network_bundle one sh -c '
		{ cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu
		ip -o addr show dev eth0 | grep -v fe80; ip route show; ip route show table 100
		ip rule show | grep 10.99; ip -6 route show | grep default; ip neigh show nud permanent
		} | sed "s/ *valid.*//; s/^2: eth0 *//; s/ eth0.$/ eth0/; s/ used.*probes 0//; s/[ \\\\]*$//"'
	nacre run --bundle bundle nacre-e2e-ns
	expect_status 0
	expect_silent
	expect_out "02:99:00:00:00:02
1400
inet 10.99.0.2/24 scope global eth0
inet6 fd99::2/64 scope global flags 02
default via 10.99.0.1 dev eth0
10.99.0.0/24 dev eth0 scope link  src 10.99.0.2
203.0.113.0/24 via 10.99.0.9 dev eth0  metric 7
blackhole 192.0.2.0/24
100:	from 10.99.0.77 lookup 100
default via fd99::1 dev eth0  metric 1024
10.99.0.9 dev eth0 lladdr 02:99:00:00:00:09 PERMANENT"
	expect_equal "filters of the interface when the container is gone" "" \
		"$(in_network one tc qdisc show dev eth0 | grep clsact)"
}

LIMITS[test_interface_goes_away]=240
test_interface_goes_away()
{
	only_nacre "with a namespace of the host the interface itself is gone"
	NETWORKS=$PWD
	new_bridge
	make_network_bundle one sh -c '
		echo ready; cat /sys/class/net/eth0/carrier
		i=0; while [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
		cat /sys/class/net/eth0/carrier; ping -c 1 -W 1 127.0.0.1 > /dev/null && echo alive'
	start_ready run --bundle bundle nacre-e2e-one
	in_network one ip link del eth0
	finish
	expect_status 0
	expect_out "ready
1
0
alive"
}

# create, start, kill and delete as an engine calls them; the namespace has its own network again.
LIMITS[test_engine_verbs_and_a_second_vm]=240
test_engine_verbs_and_a_second_vm()
{
	only_nacre "containers may share a namespace, VMs do not"
	NETWORKS=$PWD
	new_bridge
	make_network_bundle one sh -c 'echo ready; sleep 60'
	start_ready run --bundle bundle nacre-e2e-one
	nacre run --bundle bundle nacre-e2e-two
	expect_status 125
	expect_one_line 'network interface eth0: another VM has it'
	expect_equal "the first one still answers" 0 \
		"$(in_network world busybox ping -c 1 -q -W 5 10.99.0.2 > /dev/null; echo $?)"
	"$RUNTIME" "${E2E_ROOT[@]}" kill nacre-e2e-one KILL
	finish
	expect_equal "the namespace answers by itself" 0 \
		"$(in_network world busybox ping -c 1 -q -W 5 10.99.0.2 > /dev/null; echo $?)"
	nacre create --bundle bundle nacre-e2e-one
	expect_status 0
	nacre start nacre-e2e-one
	expect_status 0
	expect_equal "the container answers" 0 \
		"$(in_network world busybox ping -c 1 -q -W 5 10.99.0.2 > /dev/null; echo $?)"
	nacre delete --force nacre-e2e-one
	expect_status 0
	expect_equal "filters after delete" "" "$(in_network one tc qdisc show dev eth0 | grep clsact)"
}

LIMITS[test_network_attached_after_create]=240
test_network_attached_after_create()
{
	NETWORKS=$PWD
	new_bridge
	make_bundle sh -c 'ip -o addr show eth0 | grep -c "10.99.0.7/24"; cat /sys/class/net/eth0/address
		timeout 10 wget -qO - http://10.99.0.1:8080/file; sleep 600'
	serve_file world 10.99.0.1 "hello from the bridge"
	"$NACRE_BIN" "${E2E_ROOT[@]}" create --bundle bundle --pid-file "$PWD/pid" nacre-e2e-late > out 2> err
	expect_equal "create" 0 $?
	plug_late "$(< pid)"
	"$NACRE_BIN" "${E2E_ROOT[@]}" start nacre-e2e-late 2> err.start
	expect_equal "start" 0 $?
	expect_equal "start says nothing" "" "$(< err.start)"
	wait_until $((5 * E2E_SLOW)) grep -q bridge out
	expect_equal "what the container saw" "1
02:99:00:00:00:07
hello from the bridge" "$(< out)"
	expect_equal "the container answers" 0 \
		"$(in_network world busybox ping -c 1 -q -W 5 10.99.0.7 > /dev/null; echo $?)"
	"$NACRE_BIN" "${E2E_ROOT[@]}" delete --force nacre-e2e-late
}

# Two networks that a hook attaches, as Docker's do it: of a run, and of a create that a start follows.
LIMITS[test_networks_that_a_hook_attaches]=300
test_networks_that_a_hook_attaches()
{
	local seen="02:99:00:00:00:07
02:97:00:00:00:07
1400
hello from the bridge
hello from the second
2"

	NETWORKS=$PWD
	new_bridge
	serve_file world 10.99.0.1 "hello from the bridge"
	make_bundle sh -c 'cat /sys/class/net/eth0/address /sys/class/net/eth1/address /sys/class/net/eth1/mtu
		timeout 10 wget -qO - http://10.99.0.1:8080/file
		timeout 10 wget -qO - http://10.97.0.1:8080/file
		ip route | grep -c -e "default via 10.99.0.1 dev eth0" -e "10.96.0.0/16 via 10.97.0.1 dev eth1"'
	# its address comes with the hook
	in_network world sysctl -qw net.ipv4.ip_nonlocal_bind=1
	serve_file world 10.97.0.1 "hello from the second"
	add_plugging_hook createRuntime
	nacre run --bundle bundle nacre-e2e-hooked
	expect_status 0
	expect_silent
	expect_out "$seen"
	# wires whose other end is gone are gone
	edit '"createRuntime"' '"prestart"'
	"$NACRE_BIN" "${E2E_ROOT[@]}" create --bundle bundle nacre-e2e-hooked > out 2> err
	expect_equal "create" 0 $?
	"$NACRE_BIN" "${E2E_ROOT[@]}" start nacre-e2e-hooked 2> err.start
	expect_equal "start" 0 $?
	expect_equal "start says nothing" "" "$(< err.start)"
	wait_until $((10 * E2E_SLOW)) has_line out 2
	expect_equal "what the container saw" "$seen" "$(< out)"
	"$NACRE_BIN" "${E2E_ROOT[@]}" delete --force nacre-e2e-hooked
}

# What changes in a namespace that had an interface at create is not carried out, and start says so.
LIMITS[test_changes_after_create_are_told]=240
test_changes_after_create_are_told()
{
	only_nacre "the host's namespace is not the container's"
	NETWORKS=$PWD
	new_bridge
	make_network_bundle one sh -c 'ls /sys/class/net | wc -w; ip route | grep -c 10.95; ping -c 1 -q -W 5 10.99.0.1 > /dev/null && echo ping'
	nacre create --bundle bundle nacre-e2e-one
	expect_status 0
	in_network world ip link add late type veth peer name eth1 netns "$PWD/one.ns"
	in_network one sh -c '
		ip link set eth1 up
		ip addr add 10.97.0.7/24 dev eth1
		ip route add 10.95.0.0/16 via 10.99.0.1'
	"$NACRE_BIN" "${E2E_ROOT[@]}" start nacre-e2e-one 2> err.start
	expect_equal "start" 0 $?
	expect_equal "what start says" "nacre: warning: network interface eth0: changed after create: the container has the addresses, routes and neighbours that there were then
nacre: warning: network interface eth1: attached after create, beside others: the container will not have it" "$(< err.start)"
	wait_until $((10 * E2E_SLOW)) has_line out ping
	expect_equal "what the container saw" "2
0
ping" "$(< out)"
	nacre delete --force nacre-e2e-one
	expect_status 0
}

# What a guest may not send as. The container tries another address and another MAC address.
LIMITS[test_spoofed_senders_are_dropped]=240
test_spoofed_senders_are_dropped()
{
	only_nacre "the redirect drops them"
	NETWORKS=$PWD
	new_bridge
	make_network_bundle one sh -c '
		ping -c 1 -q -W 5 10.99.0.1 > /dev/null && echo own address
		ip addr add 10.99.0.50/24 dev eth0
		ping -c 1 -q -W 2 -I 10.99.0.50 10.99.0.1 > /dev/null || echo other address dropped
		ip link set eth0 down; ip link set eth0 address 02:99:00:00:00:44; ip link set eth0 up
		ping -c 1 -q -W 2 10.99.0.1 > /dev/null || echo other MAC dropped'
	CONFIG=${CONFIG//\"CAP_NET_RAW\"/\"CAP_NET_RAW\", \"CAP_NET_ADMIN\"}
	printf '%s\n' "$CONFIG" > bundle/config.json
	nacre run --bundle bundle nacre-e2e-one
	expect_status 0
	expect_out "own address
other address dropped
other MAC dropped"
}

LIMITS[test_two_containers_talk]=240
test_two_containers_talk()
{
	NETWORKS=$PWD
	new_bridge
	serve_file world 10.99.0.1 "hello from the bridge"
	mkdir server
	make_network_bundle two sh -c '
		mkdir /tmp/w; echo hello from two > /tmp/w/file; httpd -p 80 -h /tmp/w
		exec /opt/datagrams echo 7'
	edit '"destination": "/dev/shm"' '"destination": "/tmp"'
	mv bundle server/
	start_ready run --bundle server/bundle nacre-e2e-two
	expect_equal "the host reaches the container" "hello from two" \
		"$(in_network world timeout 10 busybox wget -qO - http://10.99.0.3/file)"
	mkdir client
	cd client || return
	make_network_bundle one sh -c '
		ping -c 1 -q -W 5 10.99.0.3 > /dev/null && echo ping
		ping -6 -c 1 -q -W 5 fd99::3 > /dev/null && echo ping6
		timeout 10 wget -qO - http://10.99.0.3/file
		timeout 10 wget -qO - "http://[fd99::3]/file"
		timeout 10 wget -qO - http://10.99.0.1:8080/file
		/opt/datagrams ask 10.99.0.3 7 1000; /opt/datagrams ask fd99::3 7 4000'
	NACRE_BIN=../nacre-in-network nacre run --bundle bundle nacre-e2e-one
	expect_status 0
	expect_out "ping
ping6
hello from two
hello from two
hello from the bridge
1000
4000"
	expect_silent
	cd ..
	"$RUNTIME" "${E2E_ROOT[@]}" kill nacre-e2e-two KILL
	finish
}

# A resolver that lives in the namespace, on the host, as Docker's at 127.0.0.11: over UDP, and over TCP
# for an answer that is too long. With the real libc of a distribution.
LIMITS[test_resolver_in_the_namespace]=240
test_resolver_in_the_namespace()
{
	NETWORKS=$PWD
	new_bridge
	serve_names one
	mount_debian
	make_network_bundle one sh -c '
		getent ahostsv4 one.example | head -n 1 | cut -d " " -f 1
		getent ahostsv4 many.example | grep -c STREAM
		for i in 1 2 3 4 5 6 7 8; do getent ahostsv4 many$i.example > /tmp/$i & done; wait
		cat /tmp/[1-8] | grep -c STREAM
		getent ahostsv4 two.example | grep -c 192.0.2.7'
	edit "\"path\": \"$ROOTFS\"" "\"path\": \"$PWD/debian\""
	edit '"destination": "/dev/shm"' '"destination": "/tmp"'
	echo "nameserver 127.0.0.11" > resolv.conf
	add_mount "{\"destination\": \"/etc/resolv.conf\", \"type\": \"bind\", \"source\": \"$PWD/resolv.conf\", \"options\": [\"bind\", \"ro\"]}"
	nacre run --bundle bundle nacre-e2e-one
	expect_status 0
	expect_silent
	expect_out "192.0.2.7
300
2400
3"
}

# The same where the engine writes the file, and attaches the network, between create and start.
LIMITS[test_resolver_that_comes_after_create]=240
test_resolver_that_comes_after_create()
{
	local pid

	need_command unshare nsenter ip busybox
	make_bundle sh -c 'nslookup one.example | grep -c 192.0.2.7'
	echo "nameserver 192.0.2.1" > resolv.conf
	add_mount "{\"destination\": \"/etc/resolv.conf\", \"type\": \"bind\", \"source\": \"$PWD/resolv.conf\", \"options\": [\"bind\", \"ro\"]}"
	"$RUNTIME" "${E2E_ROOT[@]}" create --bundle bundle --pid-file "$PWD/pid" nacre-e2e-late > out 2> err
	expect_equal "create" 0 $?
	: > late.ns
	mount --bind "/proc/$(< pid)/ns/net" late.ns
	in_network late ip link set lo up
	serve_names late
	printf '# of the engine\nsearch example\nnameserver 127.0.0.11\noptions ndots:0\n' > resolv.conf
	nacre start nacre-e2e-late
	expect_status 0
	expect_silent
	wait_until $((5 * E2E_SLOW)) has_line out 1
	expect_equal "what the container was told" 1 "$(< out)"
	"$RUNTIME" "${E2E_ROOT[@]}" delete --force nacre-e2e-late
	umount late.ns
}

# The file that an image has, and one in a directory that is mounted as /etc, in other words; one of the resolvers
# that it names is where the VM does not come.
LIMITS[test_resolver_of_an_image]=240
test_resolver_of_an_image()
{
	only_nacre "the warning"
	NETWORKS=$PWD
	new_bridge
	serve_names one
	in_network one "$E2E_DIR/lib/resolver.py" 127.0.0.53 53 > stub.out 2>&1 &
	wait_until $((10 * E2E_SLOW)) has_line stub.out ready || give_up "the second resolver does not start"
	cp -a "$ROOTFS" image
	echo "nameserver 127.0.0.11" > image/etc/resolv.conf
	make_network_bundle one sh -c 'nslookup one.example | grep -c 192.0.2.7'
	edit "\"path\": \"$ROOTFS\"" "\"path\": \"$PWD/image\""
	nacre run --bundle bundle nacre-e2e-one
	expect_success 1
	expect_silent
	cp -a image/etc etc
	printf 'nameserver 127.0.0.11\nnameserver 127.0.0.53\n' > etc/resolv.conf
	echo "nameserver 192.0.2.1" > image/etc/resolv.conf
	add_mount "{\"destination\": \"/.//etc/\", \"type\": \"bind\", \"source\": \"$PWD/etc\", \"options\": [\"bind\"]}"
	nacre run --bundle bundle nacre-e2e-one
	expect_status 0
	expect_out 1
	expect_equal "what nacre says" "nacre: warning: resolv.conf: nameserver 127.0.0.53: it listens in the container's network namespace on the host, where the VM cannot reach it" "$ERR"
}

test_without_a_network_there_is_loopback()
{
	only_nacre "a run without a bundle"
	run -- sh -c 'ip -o link | wc -l; ping -c 1 -q 127.0.0.1 > /dev/null && echo up'
	expect_success "1
up"
}

test_bad_network_options()
{
	only_nacre "its own options"
	expect_refused '^nacre: --net host: expected none or passt$' run "${SMALL[@]}" --net host -- true
	echo 'passt = /no/such/passt' > conf
	NACRE_CONFIG=$PWD/conf expect_refused '/no/such/passt: expected the program passt' \
		run "${SMALL[@]}" --net passt -- true
	need_command passt unshare nsenter ip
	new_network nowhere
	nacre_in_network nowhere
	expect_refused '^nacre: --net passt: /usr/bin/passt: ' run "${SMALL[@]}" --net passt -- true
}

run_subject "$@"
