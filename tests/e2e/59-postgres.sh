#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A real program's life: PostgreSQL with its data on a volume, driven by podman. With
# NACRE_TEST_RUNTIME=crun against crun.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

# shellcheck source-path=SCRIPTDIR source=lib/podman.sh
. "$E2E_DIR/lib/podman.sh"

LIMITS[test_initdb_pgbench_stop_and_start_again]=900

BIN=/usr/lib/postgresql/15/bin

in_server()	# SQL
{
	in_podman exec --user postgres pg psql -h /tmp -AtX -c "$1" postgres
}

is_up()
{
	in_podman exec --user postgres pg "$BIN/pg_isready" -q -h /tmp
}

test_initdb_pgbench_stop_and_start_again()
{
	local data

	full_only "five minutes"
	podman_is_ready
	mount_debian debian "$E2E_DEBIAN-programs"
	# on a disk, if there is one for tests
	data=${NACRE_SCRATCH:-$PWD}/postgres
	mkdir -p "$data"
	chown "$(sed -n 's/^postgres:x:\([0-9]*\):.*/\1/p' debian/etc/passwd)" "$data"

	in_podman run --rm --rootfs --user postgres --memory 512m -v "$data:/data" "$PWD/debian" \
		"$BIN/initdb" -D /data -A trust --no-locale -E UTF8 > initdb.log 2>&1
	expect_equal "status of initdb" 0 $? || show "$(tail -n 5 initdb.log)"
	in_podman run -d --name pg --rootfs --user postgres --memory 512m --stop-timeout 120 -v "$data:/data" \
		"$PWD/debian" "$BIN/postgres" -D /data -k /tmp > id 2> err
	expect_equal "status of podman run" 0 $? || show "$(< err)"
	wait_until 60 is_up || {
		show "$(in_podman logs pg 2>&1 | tail)"
		give_up "the server is not up"
	}
	in_podman exec --user postgres pg "$BIN/pgbench" -h /tmp -i -q postgres > pgbench.log 2>&1
	expect_equal "status of pgbench -i" 0 $? || show "$(tail -n 5 pgbench.log)"
	in_podman exec --user postgres pg "$BIN/pgbench" -h /tmp -c 2 -T 30 postgres > pgbench.log 2>&1
	expect_equal "status of pgbench" 0 $? || show "$(tail -n 5 pgbench.log)"
	expect_match "what pgbench says" 'number of failed transactions: 0 ' "$(< pgbench.log)"
	grep tps pgbench.log
	in_server 'CREATE TABLE kept AS SELECT count(*) AS n FROM pgbench_history' > /dev/null

	in_podman stop pg > /dev/null
	expect_equal "status of podman stop" 0 $?
	in_podman logs pg > log 2>&1
	expect_match "a clean end" 'database system is shut down' "$(tail -n 3 log)"
	expect_equal "exit code" 0 "$(in_podman inspect --format '{{.State.ExitCode}}' pg)"

	in_podman start pg > /dev/null
	expect_equal "status of podman start" 0 $?
	wait_until 60 is_up || failed "the server is not up again"
	in_podman logs pg > log 2>&1
	case $(< log) in
	*'not properly shut down'*) failed "it had to recover" ;;
	esac
	expect_equal "what was kept" t "$(in_server \
		'SELECT (SELECT n FROM kept) = (SELECT count(*) FROM pgbench_history) AND (SELECT n FROM kept) > 0')"
	in_podman rm -f -t 60 pg > /dev/null
	rm -rf "$data"
}

run_subject "$@"
podman_is_done
