# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Networks for tests: namespaces that are files in the test's directory, and go with it.

NACRE_BIN=$RUNTIME

new_network()	# NAME
{
	: > "$1.ns"
	unshare --net="$1.ns" true || skip "cannot make a network namespace"
	in_network "$1" ip link set lo up
}

in_network()	# NAME COMMAND…
{
	local name=$1

	shift
	nsenter --net="$name.ns" -- "$@"
}

# nacre as if the machine were this network.
nacre_in_network()	# NAME
{
	{
		echo '#!/bin/sh'
		echo "exec nsenter --net=$PWD/$1.ns -- $(printf '%q' "$RUNTIME")" '"$@"'
	} > nacre-in-network
	chmod +x nacre-in-network
	NACRE_BIN=./nacre-in-network
}

# An HTTP server for one file, at port 8080 of an address.
serve_file()	# NETWORK ADDRESS TEXT
{
	local dir

	dir=$(mktemp -d "$PWD/served.XXXX")
	printf '%s\n' "$3" > "$dir/file"
	in_network "$1" busybox httpd -f -p "$2:8080" -h "$dir" > /dev/null 2>&1 &
}

# A bridge with two containers' namespaces on it, as an engine makes them.
new_bridge()
{
	need_command unshare nsenter ip busybox
	new_network world
	new_network one
	new_network two
	in_network world sh -c '
		ip link add bridge type bridge
		ip addr add 10.99.0.1/24 dev bridge
		ip addr add fd99::1/64 dev bridge nodad
		ip link set bridge up'
	plug one 2
	plug two 3
	nacre_in_network world
}

plug()	# NAME NUMBER
{
	in_network world ip link add "veth$2" type veth peer name eth0 netns "$PWD/$1.ns"
	in_network world ip link set "veth$2" master bridge up
	in_network "$1" sh -c "
		ip link set eth0 address 02:99:00:00:00:0$2 mtu 1400 up
		ip addr add 10.99.0.$2/24 dev eth0
		ip addr add fd99::$2/64 dev eth0 nodad
		ip route add default via 10.99.0.1
		ip route add 203.0.113.0/24 via 10.99.0.9 metric 7
		ip -6 route add default via fd99::1
		ip rule add from 10.99.0.77 table 100 priority 100
		ip route add blackhole 192.0.2.0/24 table 100
		ip neigh add 10.99.0.9 lladdr 02:99:00:00:00:09 dev eth0 nud permanent"
}

# Between create and start, into the namespace of the container's pid, as containerd's CNI and Docker do it.
plug_late()	# PID
{
	in_network world ip link add late type veth peer name eth0 netns "$1"
	in_network world ip link set late master bridge up
	nsenter --net="/proc/$1/ns/net" sh -c 'ip link set lo up; ip link set eth0 address 02:99:00:00:00:07 up
		ip addr add 10.99.0.7/24 dev eth0; ip route add default via 10.99.0.1'
}

# A hook, before the process starts, that plugs two interfaces into the namespace of the container's pid.
add_plugging_hook()	# KIND
{
	cat > plugging-hook <<- 'EOF'
		#!/bin/sh -e
		pid=$(grep -o '"pid": *[0-9]*' | grep -o '[0-9]*')
		# those of a container before are gone once the kernel has taken its namespace away
		i=0
		while [ $i -lt 100 ] && { ip link show late || ip link show second; } > /dev/null 2>&1; do
			sleep 0.1
			i=$((i + 1))
		done
		ip link add late type veth peer name eth0 netns "$pid"
		ip link set late master bridge up
		ip link add second type veth peer name eth1 netns "$pid"
		ip addr add 10.97.0.1/24 dev second
		ip link set second up
		exec nsenter --net="/proc/$pid/ns/net" sh -e -c '
			ip link set lo up
			ip link set eth0 address 02:99:00:00:00:07 up
			ip addr add 10.99.0.7/24 dev eth0
			ip addr add fd99::7/64 dev eth0 nodad
			ip route add default via 10.99.0.1
			ip -6 route add default via fd99::1
			ip link set eth1 address 02:97:00:00:00:07 mtu 1400 up
			ip addr add 10.97.0.7/24 dev eth1
			ip addr add fd97::7/64 dev eth1 nodad
			ip route add 10.96.0.0/16 via 10.97.0.1'
	EOF
	chmod +x plugging-hook
	edit '"ociVersion"' "\"hooks\": {\"$1\": [{\"path\": \"$PWD/plugging-hook\", \"env\": [\"PATH=$PATH\"]}]}, \"ociVersion\""
}

# A bundle that joins a network, with ping.
make_network_bundle()	# NETWORK COMMAND…
{
	local name=$1

	shift
	make_bundle "$@"
	edit '{"type": "network"}' "{\"type\": \"network\", \"path\": \"$NETWORKS/$name.ns\"}"
	CONFIG=${CONFIG//\"CAP_KILL\"/\"CAP_KILL\", \"CAP_NET_RAW\"}
	add_mount "{\"destination\": \"/opt\", \"type\": \"bind\", \"source\": \"$E2E_BUILD/e2e/guest\", \"options\": [\"bind\", \"ro\"]}"
}

# A resolver as Docker's: in the container's namespace, found by a rule of the host's packet filter.
serve_names()	# NETWORK
{
	need_command iptables python3
	in_network "$1" sh -c '
		for protocol in udp tcp; do
			iptables -t nat -A OUTPUT -d 127.0.0.11 -p $protocol --dport 53 -j DNAT --to 127.0.0.11:5353
		done' || give_up "no iptables"
	in_network "$1" "$E2E_DIR/lib/resolver.py" 127.0.0.11 5353 > resolver.out 2>&1 &
	wait_until $((10 * E2E_SLOW)) has_line resolver.out ready || give_up "the resolver does not start"
}
