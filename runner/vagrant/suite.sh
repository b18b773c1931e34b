#!/bin/sh
# Runs the suite inside the machine that the Vagrantfile describes, which takes what it writes back to the host.
#
#     suite.sh REPOSITORY [ARGUMENT…]      arguments are the harness's
set -u

repository=$1
shift
out=$repository/target/vagrant/out
mkdir -p "$out"
rm -f "$out"/log "$out"/results.json "$out"/status
cd "$repository" || exit 1

export INSTA_UPDATE=no INSTA_WORKSPACE_ROOT="$repository" PODCHECK_RESULTS="$out/results.json"
{
    ./target/vagrant/conformance "$@" 2>&1
    echo "$?" >"$out/status"
} | tee "$out/log"
# A harness that could not begin has written no results.
[ -e "$out/results.json" ] || echo '{}' >"$out/results.json"
