# The engine and nothing else: no shell, no libraries, no package manager.
# image/rootfs makes what is copied here, and has to be run before. Build, with any of the tools:
#   image/rootfs && docker build -t svgx-engine:staging .
#   image/rootfs && buildah build --timestamp 0 --tag svgx-engine .
FROM scratch
LABEL org.opencontainers.image.title="SVGX Engine" \
      org.opencontainers.image.description="Runs SVGX drawings inside a latency budget" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="GPL-3.0-or-later" \
      org.opencontainers.image.source="https://github.com/arx-os/svgx-engine"
COPY target/image/ /
USER 1000:1000
EXPOSE 8000 9464
ENTRYPOINT ["/svgx"]
# Refuses to start without keys: mount a configuration, or give API_KEY.
CMD ["serve", "--listen", "0.0.0.0:8000", "--internal-listen", "0.0.0.0:9464"]
