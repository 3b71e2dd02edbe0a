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
	need_command passt
	new_host
	serve_file host 198.51.100.1 "hello from outside"
	serve_file host '[2001:db8::1]' "hello over IPv6"
	run --net passt -- sh -c '
		ip -o addr show eth0 | grep -vc fe80
		cat /sys/class/net/eth0/mtu
		wget -qO - http://198.51.100.1:8080/file
		wget -qO - "http://[2001:db8::1]:8080/file"
		wget -qO - -T 3 http://127.0.0.1:8080/file 2> /dev/null || echo own loopback'
	expect_success "2
65520
hello from outside
hello over IPv6
own loopback"
}

test_without_a_network_there_is_loopback()
{
	run -- sh -c 'ip -o link | wc -l; ping -c 1 -q 127.0.0.1 > /dev/null && echo up'
	expect_success "1
up"
}

test_bad_network_options()
{
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
