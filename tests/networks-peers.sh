#!/usr/bin/env bash
# Networks beside other programs, live: EPANET, OpenDSS, pandapower, PyNite, OpenSees and
# ngspice solve what benches/networks makes; answers have to be equal. EPANET goes through a day of
# three networks that it is published with, with their controls.
# Usage: tests/networks-peers.sh; --python prints the interpreter that has the peers.
set -euo pipefail
cd "$(dirname "$0")/.."
here=tests/networks-peers

venv=${SVGX_TEST_TOOLS:-$PWD/target/tools}/networks-$(sha256sum $here/requirements.txt | cut -c 1-16)
if [ ! -e "$venv/installed" ]; then
    { python3 -m venv "$venv" >&2 && grep -v '^#' $here/requirements.txt |
        while read -r line; do
            # The toolkit of EPANET names packages for its plots that nothing here needs; of WNTR only
            # the example networks of EPANET are wanted.
            case $line in owa-epanet* | wntr*) only=--no-deps ;; *) only= ;; esac
            "$venv/bin/pip" install --quiet $only "$line" >&2
        done && touch "$venv/installed"; } ||
        { rm -rf "$venv"; echo "the peers of networks cannot be had here (Python 3.10 with venv, and PyPI)"; exit 77; }
fi
# OpenSees wants a BLAS of the system; ngspice is a Debian package. Without them they are skipped.
if ! command -v ngspice >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ngspice libblas3 liblapack3 >&2 2>/dev/null || true
fi
if [ "${1-}" = --python ]; then
    echo "$venv/bin/python"
    exit
fi
status=0
# With the workspace, as the tests: alone the crate would have its dependencies compiled again.
cargo bench --quiet --profile dev --workspace --bench networks -- --compare || status=$?
exit $status
