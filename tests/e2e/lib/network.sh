# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Networks for tests: namespaces that are files in the test's directory, and go with it.

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
		echo "exec nsenter --net=$PWD/$1.ns -- $(printf '%q' "$NACRE")" '"$@"'
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
