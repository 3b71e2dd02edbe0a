#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Networks that podman makes (netavark, aardvark-dns). NACRE_TEST_RUNTIME=crun runs the same against crun.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/podman.sh
. "$E2E_DIR/lib/podman.sh"

need_networks()
{
	local helper

	[ "$E2E_PLACE" = emulated ] || skip "makes bridges and rules of the packet filter on this machine"
	podman_is_ready
	need_command iptables busybox
	for helper in netavark aardvark-dns; do
		[ -x "/usr/lib/podman/$helper" ] || skip "$helper is not installed"
	done
}

log_has_ready()
{
	in_podman logs nacre-e2e-web > logs 2>&1
	has_line logs ready
}

# A server and a client on one bridge; the server's port published on the host.
LIMITS[test_bridge]=400
test_bridge()
{
	local programs=$E2E_BUILD/e2e/guest said

	need_networks
	podman_says nacre-e2e-bridge network create --subnet 10.98.7.0/24 --ipv6 --subnet fd98:7::/64 nacre-e2e-bridge
	podman_does run -d --name nacre-e2e-web --network nacre-e2e-bridge -p 18080:80 \
		-v "$programs:/opt:ro" "$IMAGE" \
		sh -c 'mkdir /w; echo hello from web > /w/file; httpd -p 80 -h /w; exec /opt/datagrams echo 7'
	expect_equal "status of run -d" 0 "$STATUS" || show "$ERR"
	wait_until $((10 * E2E_SLOW)) log_has_ready || failed "the server is not ready"
	expect_equal "the published port" "hello from web" \
		"$(timeout 20 busybox wget -qO - http://10.98.7.1:18080/file)"
	podman_does run --rm --network nacre-e2e-bridge --cap-add NET_RAW -v "$programs:/opt:ro" "$IMAGE" sh -c '
		timeout 10 wget -qO - http://nacre-e2e-web/file
		ping -c 1 -q -W 5 nacre-e2e-web > /dev/null && echo ping
		four=$(nslookup nacre-e2e-web | sed -n "s/^Address: \(10[.].*\)/\1/p")
		six=$(nslookup nacre-e2e-web | sed -n "s/^Address: \(fd98.*\)/\1/p")
		/opt/datagrams ask "$four" 7 1400
		/opt/datagrams ask "$six" 7 4000
		ping -6 -c 1 -q -W 5 "$six" > /dev/null && echo ping6
		timeout 10 wget -qO - "http://[$six]/file"'
	expect_equal "status of the client" 0 "$STATUS" || show "$ERR"
	said=$ERR
	expect_out "hello from web
ping
1400
4000
ping6
hello from web"
	podman_does rm -f -t 0 nacre-e2e-web
	expect_equal "status of rm" 0 "$STATUS" || show "$ERR"
	podman_does network rm nacre-e2e-bridge
	expect_equal "status of network rm" 0 "$STATUS" || show "$ERR"
	expect_equal "state of the runtime" "" "$(ls "$STORE/state")" || show "$said"
}

# Copies programs of this machine with their libraries into a tree.
copy_programs()	# TREE PROGRAM…
{
	local tree=$1 file

	shift
	for file in "$@" $(ldd "$@" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u); do
		mkdir -p "$tree${file%/*}"
		[ -e "$tree$file" ] || cp "$file" "$tree$file"
	done
}

# nginx in one container, its clients in another: 10,000 connections with --full.
LIMITS[test_requests_between_containers]=3600
test_requests_between_containers()
{
	local n=300 server=nacre-e2e-web

	[ -z "$E2E_FULL" ] || n=10000
	need_networks
	need_command nginx ab
	mount_debian
	copy_programs debian "$(command -v nginx)" "$(command -v ab)"
	mkdir -p debian/srv debian/var/lib/nginx debian/var/log/nginx
	head -c 20000 /dev/zero > debian/srv/page
	cat > debian/etc/nginx.conf <<- EOF
		daemon off; master_process off; user root; pid /tmp/pid; error_log stderr;
		events { }
		http { access_log off; server { listen 80; root /srv; } }
	EOF
	podman_does network create --subnet 10.98.8.0/24 nacre-e2e-requests
	podman_does run -d --name $server --network nacre-e2e-requests --rootfs "$PWD/debian" \
		sh -c 'echo ready; exec nginx -c /etc/nginx.conf'
	expect_equal "status of run -d" 0 "$STATUS" || show "$ERR"
	wait_until $((10 * E2E_SLOW)) log_has_ready || failed "the server is not ready"
	podman_does run --rm --network nacre-e2e-requests --rootfs "$PWD/debian" \
		ab -q -n $n -c 8 -s 60 http://$server/page
	expect_equal "status of the client" 0 "$STATUS" || show "$ERR"
	expect_equal "what the client counted" "$n 0 $((n * 20000))" "$(sed -n \
		's/^\(Complete requests\|Failed requests\|HTML transferred\): *\([0-9]*\).*/\2/p' out | xargs)"
	podman_does rm -f -t 0 $server
	podman_does network rm nacre-e2e-requests
	expect_equal "status of network rm" 0 "$STATUS" || show "$ERR"
}

# An image of Debian whose python3 serves a directory; asked from the host, from another container and from within.
LIMITS[test_python_of_a_debian_image]=900
test_python_of_a_debian_image()
{
	local image=localhost/debian url=http://nacre-e2e-web:8000

	full_only "minutes: an image of Debian is imported"
	need_networks
	mount_debian
	tar -C debian --exclude=./usr/lib/gcc --exclude=./usr/include --exclude=./usr/share -cf "$STORE/debian.tar" .
	in_podman import --quiet "$STORE/debian.tar" $image > /dev/null || give_up "podman import failed"
	rm "$STORE/debian.tar"
	podman_does network create --subnet 10.98.9.0/24 nacre-e2e-python
	podman_does run -d --name nacre-e2e-web --network nacre-e2e-python -p 18081:8000 --stop-timeout 60 $image \
		python3 -u -c '
import http.server, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
server = http.server.ThreadingHTTPServer(("", 8000), http.server.SimpleHTTPRequestHandler)
print("ready")
server.serve_forever()'
	expect_equal "status of run -d" 0 "$STATUS" || show "$ERR"
	wait_until $((30 * E2E_SLOW)) log_has_ready || failed "the server is not ready"
	expect_equal "by the published port" "$(< debian/etc/debian_version)" \
		"$(timeout 30 busybox wget -qO - http://10.98.9.1:18081/etc/debian_version)"
	podman_says "$(sha256sum < debian/usr/bin/python3.11)" run --rm --network nacre-e2e-python "$IMAGE" \
		sh -c "timeout 60 wget -qO - $url/usr/bin/python3.11 | sha256sum"
	podman_says 200 exec nacre-e2e-web python3 -c '
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:8000/etc/passwd").status)'
	podman_does stop nacre-e2e-web
	expect_equal "status of stop" 0 "$STATUS" || show "$ERR"
	podman_says 5 inspect --format '{{.State.ExitCode}}' nacre-e2e-web
	podman_does rm nacre-e2e-web
	podman_does network rm nacre-e2e-python
	podman_does rmi $image
	expect_equal "status of rmi" 0 "$STATUS" || show "$ERR"
}

run_subject "$@"
podman_is_done
