#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A Debian tree with python3 and gcc: real programs, and files that look on the host as under crun.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/runtimes.sh
. "$E2E_DIR/lib/runtimes.sh"

LIMITS[test_python_with_threads_and_subprocesses]=120
LIMITS[test_compile_and_run_a_C_program]=180
LIMITS[test_files_are_as_under_crun]=240

test_python_with_threads_and_subprocesses()
{
	mount_debian
	cat > debian/root/program.py << 'END'
import hashlib, os, subprocess, sys, threading

results = {}

def work(n):
    digest = hashlib.sha256(b"x" * 100000 * n).hexdigest()
    said = subprocess.run(["/bin/sh", "-c", f"echo child {n} of $PPID"], capture_output=True, text=True)
    results[n] = (digest[:8], said.stdout.strip() == f"child {n} of {os.getpid()}")

threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(sorted(results) == list(range(8)), all(ok for _, ok in results.values()))
with open("/root/result", "w") as f:
    f.write(" ".join(results[n][0] for n in range(8)) + "\n")
os.chmod("/root/result", 0o640)
sys.exit(9)
END
	nacre run --memory 512M --cpus 2 --rootfs "$PWD/debian" -- python3 /root/program.py
	expect_status 9
	expect_out "True True"
	expect_silent
	expect_equal "the file that it made" \
		"e3b0c442 d69e6898 91e3faaf 29927e27 7ceaf864 c7adf628 34e95fe8 09f143a8" \
		"$(cat debian/root/result)"
	expect_equal "mode of the file that it made" "640 0:0" "$(stat -c '%a %u:%g' debian/root/result)"
}

test_compile_and_run_a_C_program()
{
	mount_debian
	cat > debian/root/sum.c << 'END'
#include <stdio.h>
#include <math.h>

int main(int argc, char **argv)
{
	double sum = 0;

	for (int i = 1; i <= 1000; i++)
		sum += sqrt(i) * argc;
	printf("%s %.3f\n", argv[1], sum);
	return 4;
}
END
	nacre run --memory 512M --cpus 2 --rootfs "$PWD/debian" -- \
		sh -c 'cd /root && gcc -O2 -Wall -o sum sum.c -lm && ./sum result'
	expect_status 4
	expect_out "result 42194.912"
	expect_silent
	expect_match "the program, on the host" '^755 0:0 7f454c46$' \
		"$(stat -c '%a %u:%g' debian/root/sum) $(head -c 4 debian/root/sum | od -An -tx1 | tr -d ' ')"
}

# What is seen on the host of the files that were made.
list_tree()	# TREE
{
	(
		cd "$1" || exit
		find made shared -printf '%y %m %U:%G %n %p -> %l\n' | sort
		# times are of the clock but for what the program set
		find made shared -name 'dated*' -printf '%T@ %p\n' | sort
		find made shared -type f -size +0 -exec sha256sum {} + | sort -k 2
		find made shared -type f -printf '%s %p\n' | sort
		find made shared -type f -links +1 -printf '%i\n' | sort -u | wc -l
		getfattr -R -h -d -m 'user\.' made shared 2> /dev/null
	)
}

test_files_are_as_under_crun()
{
	only_nacre "it is compared with another"
	need_command crun
	mount_debian by-nacre
	mount_debian by-crun
	for tree in by-nacre by-crun; do
		mkdir -p "$tree/shared" "$tree/made" "shared-$tree"
		cp "$E2E_DIR/guest/make-files.py" "$tree/root/"
	done
	make_bundle python3 /root/make-files.py /made /shared
	edit '"readonly": true' '"readonly": false'
	# what Docker gives: the default of runc spec has no CAP_CHOWN
	CONFIG=${CONFIG//'"CAP_KILL"'/'"CAP_KILL", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_SETUID", "CAP_SETGID", "CAP_MKNOD", "CAP_SETFCAP"'}
	edit "$ROOTFS" "$PWD/by-nacre"
	add_mount "{\"destination\": \"/shared\", \"type\": \"bind\", \"source\": \"$PWD/shared-by-nacre\", \"options\": [\"rbind\", \"rw\"]}"
	nacre run --bundle bundle nacre-e2e-files
	expect_success ""
	edit "$PWD/by-nacre" "$PWD/by-crun"
	edit "$PWD/shared-by-nacre" "$PWD/shared-by-crun"
	crun run --bundle bundle nacre-e2e-crun || failed "crun: status $?"
	for tree in by-nacre by-crun; do
		mount --bind "shared-$tree" "$tree/shared"
		list_tree "$tree" > "list-$tree"
	done
	[ "$(wc -l < list-by-crun)" -gt 130 ] || failed "crun made too little: $(wc -l < list-by-crun) lines"
	expect_equal "the same files as under crun (< nacre, > crun)" "" "$(diff list-by-nacre list-by-crun)"
}

# In a user namespace nobody has CAP_FSETID where the kernel asks for it (docs/differences.md): a write
# clears the bits, a chmod before the file is closed does not lose them.
test_setuid_bits_stay_until_a_write()
{
	mkdir v
	make_bundle sh -c 'exec 3> /v/file; echo x >&3; chmod 6755 /v/file; exec 3>&-; stat -c %a /v/file
		cp /v/file /v/written; chmod 4711 /v/written; echo y >> /v/written; stat -c %a /v/written'
	add_mount "{\"destination\": \"/v\", \"type\": \"bind\", \"source\": \"$PWD/v\", \"options\": [\"bind\"]}"
	edit '"readonly": true' '"readonly": false'
	nacre run --bundle bundle nacre-e2e-setuid
	expect_success $'6755\n711'
	expect_equal "the modes, on the host" $'6755\n711' "$(stat -c %a v/file v/written)"
	rmdir "$ROOTFS/v"
}

run_subject "$@"
