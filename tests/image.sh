#!/usr/bin/env bash
# The image: built twice to one digest, small, and run as user 1000 on a read-only root, where it
# answers a drawing. It needs the release binary, so it is asked for: SVGX_TEST_IMAGE=1 ./test image
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${SVGX_TEST_IMAGE:-}" != 1 ]; then
    echo "the image needs a release build: SVGX_TEST_IMAGE=1 ./test image"
    exit 77
fi
[ -z "${SVGX_IMAGE_BINARY:-}" ] && image/rootfs || image/rootfs "$SVGX_IMAGE_BINARY"
if ! command -v buildah >/dev/null; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah podman >/dev/null 2>&1 ||
        { echo "no buildah here, and it cannot be installed"; exit 77; }
fi
scratch=$(mktemp -d)
trap 'kill "${engine:-0}" 2>/dev/null; rm -rf "$scratch"' EXIT
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
store=(--root "$scratch/store" --runroot "$scratch/run")

for n in 1 2; do
    buildah "${store[@]}" build --quiet --no-cache --timestamp 0 --tag "svgx-engine:$n" . >/dev/null
    buildah "${store[@]}" push --quiet --digestfile "$scratch/digest-$n" "svgx-engine:$n" "oci:$scratch/image-$n"
done
cmp "$scratch/digest-1" "$scratch/digest-2"
echo "two builds, one digest: $(cat "$scratch/digest-1")"

size=$(du --bytes --summarize target/image | cut -f1)
echo "the file system has $((size / 1024)) KiB, the image $(($(du --bytes --summarize "$scratch/image-1" | cut -f1) / 1024)) KiB"
[ "$size" -le $((30 * 1024 * 1024)) ] || { echo "more than 30 MiB"; exit 1; }

config=$(buildah "${store[@]}" inspect --type image svgx-engine:1)
echo "$config" | grep -q '"User": "1000:1000"'
echo "$config" | grep -q 'org.opencontainers.image.version'

# Unpacked and run without a container engine: they need rights that a test may not have.
mounted=$(buildah "${store[@]}" from svgx-engine:1)
root=$(buildah "${store[@]}" mount "$mounted")
mkdir "$scratch/ro"
mount --bind "$root" "$scratch/ro" && mount -o remount,bind,ro "$scratch/ro" ||
    { echo "a read-only root needs the right to mount"; exit 77; }
trap 'kill "${engine:-0}" 2>/dev/null; umount "$scratch/ro"; rm -rf "$scratch"' EXIT
! touch "$scratch/ro/x" 2>/dev/null || { echo "the root can be written to"; exit 1; }
chroot --userspec=1000:1000 "$scratch/ro" /svgx serve --listen 127.0.0.1:0 --internal-listen 127.0.0.1:0 \
    >"$scratch/out" 2>"$scratch/log" &
engine=$!
for _ in $(seq 100); do [ -s "$scratch/out" ] && break; sleep 0.1; done
at=$(sed -n 's/.*"public":"\([^"]*\)".*/\1/p' "$scratch/out")
[ -n "$at" ] || { cat "$scratch/log"; exit 1; }
grep -q '^Uid:.1000' "/proc/$engine/status"
answer=$(curl --silent --fail -H 'Content-Type: image/svg+xml' --data-binary @examples/room.svgx "http://$at/evaluate")
case $answer in
*'"power_factor"'*) echo "user 1000 on a read-only root answers the room" ;;
*) echo "unexpected answer: $answer"; exit 1 ;;
esac
kill "$engine"
wait "$engine"
buildah "${store[@]}" umount "$mounted" >/dev/null
