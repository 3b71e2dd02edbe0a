# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Tests of the command line that another OCI runtime passes, too (NACRE_TEST_RUNTIME=crun): what they ask for is
# what the specification and engines ask for. What is nacre's alone says so, and why: a test by only_nacre, an
# expectation by of_nacre.
#
# nacre, run, start and $NACRE_BIN are then the other runtime; lib/other-runtime has it understand
# `run OPTION… -- COMMAND…`.

NACRE_BIN=$RUNTIME
if ! is_nacre; then
	export RUNTIME SPEC
	NACRE_BIN=$E2E_DIR/lib/other-runtime
fi

# An expectation, or a step, of nacre alone.
of_nacre()	# WHY COMMAND…
{
	! is_nacre || "${@:2}"
}

# That the last call failed, and says why. The status and the words are nacre's; of another runtime, whose own
# they are, no more is expected. Words that engines look for are expect_engine_reads'.
expect_failure()	# STATUS REGULAR-EXPRESSION WHAT-WAS-CALLED
{
	if is_nacre; then
		expect_equal "status $1 from: $3" "$1" "$STATUS"
		expect_one_line "$2"
		return
	fi
	[ "$STATUS" != 0 ] || failed "no failure from: $3"
	expect_match "a reason from: $3" . "$ERR"
}

# shellcheck disable=SC2034  # for the subjects
# Engines read what a runtime writes, and tell by it what to do next: these are their words, in small letters.
# Podman's are the first two, containerd's the third.
NOT_FOUND='executable file not found in|no such file or directory|open executable' \
	NOT_PERMITTED='permission denied|operation not permitted' \
	NOT_RUNNING='process already finished|container not running|no such process|does not exist'
expect_engine_reads()	# REGULAR-EXPRESSION
{
	expect_match "a word that engines look for" "$1" "${ERR,,}"
}

# Where a container's cgroup lies, below that of all, if its configuration does not say.
cgroup_of()	# ID
{
	if is_nacre; then
		echo "${OWN_CGROUPS#"$CGROUPS"}/nacre/$1"
	else
		echo "/$1"
	fi
}

# The pid of a container, which stands for its process.
pid_of()	# ID
{
	"$NACRE_BIN" "${E2E_ROOT[@]}" state "$1" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p'
}

# A member of JSON, strings as they are, all else as JSON writes it.
member()	# JSON NAME-OR-INDEX…
{
	python3 -c 'import functools, json, sys
value = functools.reduce(lambda o, n: o[int(n) if isinstance(o, list) else n], sys.argv[2:], json.loads(sys.argv[1]))
print(value if isinstance(value, str) else json.dumps(value))' "$@"
}
