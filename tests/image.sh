#!/usr/bin/env bash
# The image: built twice to one digest, and run as user 1000 on a read-only root, where it answers a
# drawing. Only the profile made for it is small, so only its size is judged. It builds the whole
# engine once more, so it is asked for: SVGX_IMAGE_PROFILE=dist ./test image (or dev, for a quick one)
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${SVGX_IMAGE_PROFILE:-}" ]; then
    echo "the image needs a static build of its own: SVGX_IMAGE_PROFILE=dist ./test image"
    exit 77
fi
export SVGX_IMAGE_PROFILE
if ! command -v buildah >/dev/null; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah podman >/dev/null 2>&1 ||
        { echo "no buildah here, and it cannot be installed"; exit 77; }
fi
image/rootfs ${SVGX_IMAGE_BINARY:+"$SVGX_IMAGE_BINARY"}
scratch=$(mktemp -d)
engine=''
finish() {
    [ -z "$engine" ] || { kill "$engine" && wait "$engine"; } 2>/dev/null || true
    ! mountpoint --quiet "$scratch/ro" || umount --recursive "$scratch/ro"
    rm -rf "$scratch"
}
trap finish EXIT
# Plain folders: an overlay would have to be mounted, and stay so if this ends early.
store=(--storage-driver vfs --root "$scratch/store" --runroot "$scratch/run")

for n in 1 2; do
    buildah "${store[@]}" build --quiet --no-cache --timestamp 0 --tag "svgx-engine:$n" . >/dev/null
    buildah "${store[@]}" push --quiet --digestfile "$scratch/digest-$n" "svgx-engine:$n" "oci:$scratch/image-$n"
done
cmp "$scratch/digest-1" "$scratch/digest-2"
echo "two builds, one digest: $(cat "$scratch/digest-1")"

size=$(du --bytes --summarize target/image | cut -f1)
packed=$(du --bytes --summarize "$scratch/image-1" | cut -f1)
echo "profile $SVGX_IMAGE_PROFILE: the file system has $((size / 1024)) KiB, the image $((packed / 1024)) KiB"
if [ "$SVGX_IMAGE_PROFILE" = dist ] && [ "$size" -gt $((30 * 1000 * 1000)) ]; then
    echo "more than 30 MB"
    exit 1
fi
# Fault points (the feature `faults`) are for experiments, and never in an image.
if grep -qr SVGX_FAULTS target/image; then
    echo "the engine of the image has fault points"
    exit 1
fi
grep -q '"bomFormat": "CycloneDX"' target/image/usr/share/svgx/sbom.cdx.json

config=$(buildah "${store[@]}" inspect --type image svgx-engine:1)
echo "$config" | grep -q '"User": "1000:1000"'
echo "$config" | grep -q 'org.opencontainers.image.version'
# The sources are MIT or Apache-2.0; what links actix-governor is under its licence.
echo "$config" | grep -q '"org.opencontainers.image.licenses": "GPL-3.0-or-later"'
grep -q '"expression": "GPL-3.0-or-later"' target/image/usr/share/svgx/sbom.cdx.json

# Unpacked and run without a container engine: they need rights that a test may not have.
mounted=$(buildah "${store[@]}" from svgx-engine:1)
root=$(buildah "${store[@]}" mount "$mounted")
mkdir "$scratch/ro" "$root/dev"
touch "$root/dev/random" "$root/dev/urandom"
mount --bind "$root" "$scratch/ro" && mount -o remount,bind,ro "$scratch/ro" ||
    { echo "a read-only root needs the right to mount"; exit 77; }
! touch "$scratch/ro/x" 2>/dev/null || { echo "the root can be written to"; exit 1; }
# A container runtime provides the devices (OCI runtime specification, default devices).
for device in random urandom; do mount --bind /dev/$device "$scratch/ro/dev/$device"; done
# What steers this test is nothing to the engine, which refuses names it does not know.
env -u SVGX_IMAGE_BINARY -u SVGX_IMAGE_PROFILE -u SVGX_TEST_TOOLS \
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
engine=''
umount --recursive "$scratch/ro"
buildah "${store[@]}" umount "$mounted" >/dev/null
