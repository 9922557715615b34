# The daemon with its pinned Node and the embedded PostgreSQL: `docker run -p 127.0.0.1:8080:8080 -v starling:/data starling`.
# Without a network it plays the tape. With DATABASE_URL the embedded server stays asleep.
FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /opt/starling
COPY package.json package-lock.json .npmrc ./
# onnxruntime-node carries every platform's libraries, 288 MB; one of them is ours.
RUN ONNXRUNTIME_NODE_INSTALL=skip npm ci --omit=dev \
  && platform="$(node -p 'process.platform')" && arch="$(node -p 'process.arch')" \
  && find node_modules/onnxruntime-node/bin -mindepth 2 -maxdepth 2 -type d ! -name "$platform" -exec rm -rf {} + \
  && find "node_modules/onnxruntime-node/bin/napi-v6/$platform" -mindepth 1 -maxdepth 1 ! -name "$arch" -exec rm -rf {} + \
  && rm -rf node_modules/node/node_modules node_modules/ccxt/dist node_modules/ccxt/js/test

FROM debian:12.12-slim
# C.UTF-8 for PostgreSQL's clusters; PostgreSQL itself needs what Debian's base lacks: nothing but certificates for feeds.
ENV LANG=C.UTF-8 NODE_ENV=production PATH=/opt/starling/node_modules/.bin:$PATH
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates tini \
  && rm -rf /var/lib/apt/lists/* \
  && groupadd --gid 10001 starling \
  && useradd --uid 10001 --gid starling --home-dir /data --shell /usr/sbin/nologin starling \
  && install -d -o starling -g starling -m 0700 /data
WORKDIR /opt/starling
COPY --from=packages /opt/starling/node_modules node_modules
COPY . .
USER starling
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health/ready').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Inside a container the port is published by whoever runs it, so it listens on all addresses; writing needs the token.
ENV STARLING_DATA=/data STARLING_API_HOST=0.0.0.0 STARLING_API_PORT=8080
ENTRYPOINT ["tini", "--", "node", "ops/cli/main.ts"]
CMD ["run"]
