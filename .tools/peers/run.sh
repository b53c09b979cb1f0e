#!/bin/sh
# Runs the comparisons with other programs, the tests TestPeers… of all packages, and prints what each compared as one
# table, which stands in lidr/TESTING.md and is left in bin/peers.md, what the tests said in bin/peers.log. The
# environments are those of env.sh; a package that is missing is a failure.
#
#   .tools/peers/run.sh                                   # all
#   .tools/peers/run.sh TestPeersChoices ./lidr/choices   # one, of one package
set -u
cd "$(dirname "$0")/../.."
log=bin/peers.log
LIDR_PEERS=$PWD/bin/peers go test -count=1 -p 1 -timeout 3h -v -run "^${1:-TestPeers}" "${2:-./...}" >"$log" 2>&1
code=$?
{
	echo "| peer | version | what was compared | largest difference | verdict |"
	echo "|---|---|---|--:|---|"
	sed -n 's/^.*_test\.go:[0-9]*: peers: //p' "$log" | sort
} >bin/peers.md
cat bin/peers.md
if [ $code -ne 0 ]; then
	echo
	echo "some comparisons failed, see $log:"
	grep -v ': peers: ' "$log" | grep -B 30 -e '--- FAIL' -e '^FAIL' | head -n 200
fi
exit $code
