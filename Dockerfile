# The daemon with its pinned Node and the embedded PostgreSQL, as a user without rights:
#   docker build -t starling . && docker run -p 127.0.0.1:8080:8080 -v starling:/data starling
# Without a network it plays the tape; with DATABASE_URL the embedded server is not started.
FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /opt/starling
COPY package.json package-lock.json .npmrc ./
# onnxruntime-node carries every platform's libraries (288 MB, of which one is ours), ccxt itself a second and a third time.
RUN ONNXRUNTIME_NODE_INSTALL=skip npm ci --omit=dev \
  && runtimes=node_modules/onnxruntime-node/bin/napi-v6 \
  && mv "$runtimes/$(node -p 'process.platform')/$(node -p 'process.arch')" /tmp/runtime \
  && rm -rf "$runtimes" node_modules/ccxt/dist \
  && mkdir -p "$runtimes/$(node -p 'process.platform')" \
  && mv /tmp/runtime "$runtimes/$(node -p 'process.platform')/$(node -p 'process.arch')"

FROM debian:12.12-slim
# Certificates are for the exchanges' sockets; tini reaps what a killed child leaves and passes signals on.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates libstdc++6 tini \
  && rm -rf /var/lib/apt/lists/* \
  && groupadd --gid 10001 starling \
  && useradd --uid 10001 --gid starling --home-dir /data --shell /usr/sbin/nologin starling \
  && install -d -o starling -g starling -m 0700 /data \
  && ln -s /opt/starling/ops/launch.mjs /usr/local/bin/starling
WORKDIR /opt/starling
COPY --from=packages /opt/starling/node_modules node_modules
COPY . .
# Inside, it listens on all addresses, because only then a port can be published; writing needs the token in any case.
ENV LANG=C.UTF-8 NODE_ENV=production PATH=/opt/starling/node_modules/.bin:$PATH \
  STARLING_DATA=/data STARLING_API_HOST=0.0.0.0 STARLING_API_PORT=8080
USER 10001:10001
VOLUME /data
EXPOSE 8080
# The embedded server has 25 s to end with everything written: stop with --time 30.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health/ready').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "node", "/opt/starling/ops/cli/main.ts"]
CMD ["run"]
