# To be sourced: `start FLAG...` builds the debug binary if it has to, serves on
# free ports of loopback until the script ends, and sets $public and $internal.
built=${CARGO_TARGET_DIR:-target}/debug/svgx
scratch=$(mktemp -d)
service=

stop() {
    [ -z "$service" ] || kill -TERM "$service" 2>/dev/null
    [ -z "$service" ] || wait "$service"
    rm -rf "$scratch"
}
trap stop EXIT

start() {
    # As `cargo test` builds it: `cargo build` would build every dependency once more.
    cargo test --quiet --test suite --no-run
    env -i "$built" serve --listen 127.0.0.1:0 --internal-listen 127.0.0.1:0 "$@" \
        >"$scratch/bound" 2>"$scratch/log" &
    service=$!
    until [ -s "$scratch/bound" ]; do
        kill -0 "$service" || { cat "$scratch/log"; exit 1; }
        sleep 0.1
    done
    public=$(sed 's/.*"public":"\([^"]*\)".*/\1/' "$scratch/bound")
    internal=$(sed 's/.*"internal":"\([^"]*\)".*/\1/' "$scratch/bound")
}
