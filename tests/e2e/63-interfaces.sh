#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Kinds of interfaces, several of them, and what passes over them beside TCP.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/network.sh
. "$E2E_DIR/lib/network.sh"

E2E_SLOW=$((E2E_SLOW * 3))

# A wire from "world" to "far", and an interface of this kind upon it as eth0 of "one".
new_wire()	# KIND [OPTION…]
{
	need_command unshare nsenter ip busybox
	NETWORKS=$PWD
	new_network world
	new_network far
	new_network one
	in_network world ip link add uplink type veth peer name eth0 netns "$PWD/far.ns"
	in_network world ip link set uplink up
	in_network far sh -c '
		ip addr add 10.98.0.1/24 dev eth0
		ip addr add fd98::1/64 dev eth0 nodad
		ip link set eth0 up'
	in_network world ip link add link uplink name upon type "$@" || skip "no $1 in this kernel"
	in_network world ip link set upon netns "$PWD/one.ns"
	in_network one sh -c '
		ip link set upon name eth0
		ip link set eth0 up
		ip addr add 10.98.0.2/24 dev eth0
		ip addr add fd98::2/64 dev eth0 nodad
		ip route add default via 10.98.0.1'
	serve_file far 10.98.0.1 "hello from far"
	nacre_in_network world
}

reach_far()
{
	make_network_bundle one sh -c '
		ping -c 1 -q -W 5 10.98.0.1 > /dev/null && echo ping
		ping -6 -c 1 -q -W 5 fd98::1 > /dev/null && echo ping6
		timeout 10 wget -qO - http://10.98.0.1:8080/file'
	nacre run --bundle bundle nacre-e2e-one
	expect_success "ping
ping6
hello from far"
}

LIMITS[test_macvlan]=150
test_macvlan()
{
	new_wire macvlan mode bridge
	reach_far
}

LIMITS[test_ipvlan]=150
test_ipvlan()
{
	new_wire ipvlan mode l2
	reach_far
}

# The bridge plug-in of CNI, called as containerd and CRI-O call it.
LIMITS[test_bridge_of_cni]=150
test_bridge_of_cni()
{
	local plugins=/usr/lib/cni

	[ "$E2E_PLACE" = emulated ] || skip "the plug-in notes addresses in /var/lib/cni"
	[ -x $plugins/bridge ] || skip "no CNI plug-ins in $plugins"
	need_command unshare nsenter ip busybox
	NETWORKS=$PWD
	new_network world
	new_network one
	echo '{"cniVersion": "0.4.0", "name": "nacre-e2e", "type": "bridge", "bridge": "cni0", "isGateway": true,
		"ipam": {"type": "host-local", "subnet": "10.96.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]}}' > conf
	in_network world env CNI_COMMAND=ADD CNI_CONTAINERID=nacre-e2e-one CNI_IFNAME=eth0 CNI_PATH=$plugins \
		CNI_NETNS="$PWD/one.ns" $plugins/bridge < conf > result || failed "CNI: $(< result)"
	serve_file world 10.96.0.1 "hello from the gateway"
	nacre_in_network world
	make_network_bundle one sh -c '
		ip -o -4 addr show eth0 | grep -c 10.96.0.2/24
		timeout 10 wget -qO - http://10.96.0.1:8080/file
		exec /opt/datagrams echo 7'
	start_ready run --bundle bundle nacre-e2e-one
	expect_equal "what the container saw" "1
hello from the gateway
ready" "$(< out)"
	expect_equal "the host asks" 100 \
		"$(in_network world "$E2E_BUILD/e2e/guest/datagrams" ask 10.96.0.2 7 100)"
	"$RUNTIME" "${E2E_ROOT[@]}" kill nacre-e2e-one KILL
	finish
}

# Two interfaces of different MTU; datagrams that fill a jumbo frame, unbroken; multicast both ways.
LIMITS[test_several_interfaces_jumbo_frames_multicast]=240
test_several_interfaces_jumbo_frames_multicast()
{
	local peer=$E2E_BUILD/e2e/guest/datagrams

	NETWORKS=$PWD
	new_bridge
	in_network world sh -c '
		ip link add jumbo type veth peer name second mtu 9000
		ip link set jumbo mtu 9000 up
		ip addr add 10.97.0.1/24 dev jumbo
		ip route add 239.0.0.0/8 dev jumbo'
	in_network world ip link set second netns "$PWD/one.ns"
	in_network one sh -c '
		ip link set second address 02:97:00:00:00:02 mtu 9000 up
		ip addr add 10.97.0.2/24 dev second
		ip route add 239.0.0.0/8 dev second'
	in_network world "$peer" echo 7 239.97.0.1 > /dev/null &
	make_network_bundle one sh -c '
		cat /sys/class/net/second/address /sys/class/net/second/mtu
		/opt/datagrams ask 10.97.0.1 7 8972
		/opt/datagrams ask 239.97.0.1 7 500
		ping -c 1 -q -W 5 10.99.0.1 > /dev/null && echo first interface
		sed -n "s/^Ip: [12] //p" /proc/net/snmp | cut -d " " -f 18
		exec /opt/datagrams echo 7 239.97.0.2'
	start_ready run --bundle bundle nacre-e2e-one
	expect_equal "what the container saw" "02:97:00:00:00:02
9000
8972
500
first interface
0
ready" "$(< out)"
	expect_equal "the host asks" 8972 "$(in_network world "$peer" ask 10.97.0.2 7 8972)"
	expect_equal "the host asks a group" 500 "$(in_network world "$peer" ask 239.97.0.2 7 500)"
	"$RUNTIME" "${E2E_ROOT[@]}" kill nacre-e2e-one KILL
	finish
}

# vhost_net in nacre.conf: the same network, and 10 MiB both ways.
LIMITS[test_vhost_net]=300
test_vhost_net()
{
	local sum

	only_nacre "its own option"
	NETWORKS=$PWD
	new_bridge
	[ -c /dev/vhost-net ] || skip "no /dev/vhost-net"
	mkdir served
	head -c 10485760 /dev/urandom > served/big
	sum=$(md5sum < served/big)
	in_network world busybox httpd -f -p 10.99.0.1:8080 -h served > /dev/null 2>&1 &
	make_network_bundle one sh -c '
		ping -c 1 -q -W 5 10.99.0.1 > /dev/null && echo ping
		ping -6 -c 1 -q -W 5 fd99::1 > /dev/null && echo ping6
		timeout 60 wget -qO /tmp/big http://10.99.0.1:8080/big
		md5sum < /tmp/big
		httpd -p 80 -h /tmp
		exec /opt/datagrams echo 7'
	edit '"destination": "/dev/shm"' '"destination": "/tmp"'
	echo "vhost_net = on" > conf
	NACRE_CONFIG=$PWD/conf start_ready run --bundle bundle nacre-e2e-one
	expect_equal "what the container saw" "ping
ping6
$sum
ready" "$(< out)"
	# (no longer than the container's MTU: the host's end has another)
	expect_equal "the host asks" 1300 "$(in_network world "$E2E_BUILD/e2e/guest/datagrams" ask 10.99.0.2 7 1300)"
	expect_equal "10 MiB from the container" "$sum" \
		"$(in_network world timeout 60 busybox wget -qO - http://10.99.0.2/big | md5sum)"
	"$NACRE" "${E2E_ROOT[@]}" layers nacre-e2e-one > table 2>&1
	expect_equal "layers: it is said" 1 "$(grep -c "^ 1 KVM  *on .* and vhost-net: the host's kernel" table)"
	expect_equal "layers: none is missing" 0 "$(grep -c MISSING table)"
	in_network one ip link del eth0
	expect_equal "the interface is gone" 0 \
		"$("$NACRE" "${E2E_ROOT[@]}" exec nacre-e2e-one cat /sys/class/net/eth0/carrier)"
	"$RUNTIME" "${E2E_ROOT[@]}" kill nacre-e2e-one KILL
	finish
}

test_vhost_net_is_refused()
{
	only_nacre "its own option"
	need_command unshare nsenter ip busybox
	echo "vhost_net = on" > conf
	NACRE_CONFIG=$PWD/conf expect_refused '^nacre: vhost_net = on: expected off with --net passt' \
		run "${SMALL[@]}" --net passt -- true
	printf 'vhost_net = on\nnet_to_guest_bytes = 1M\n' > rates
	NACRE_CONFIG=$PWD/rates expect_refused '^nacre: vhost_net = on: expected off with net_to_guest' \
		run "${SMALL[@]}" -- true
	[ -c /dev/vhost-net ] || skip "no /dev/vhost-net"
	NETWORKS=$PWD
	new_bridge
	make_network_bundle one true
	printf '#!/bin/sh\nexec unshare -m sh -c "mount --bind /dev/null /dev/vhost-net; exec ./nacre-in-network \\"\\$@\\"" sh "$@"\n' > nacre-without
	chmod +x nacre-without
	NACRE_BIN=./nacre-without NACRE_CONFIG=$PWD/conf expect_refused 'vhost-net: ' run --bundle bundle nacre-e2e-one
}

run_subject "$@"
