# syntax=docker/dockerfile:1

# `octavo serve` as an image: docs/deployment.md says how it is built and run.

# Both stages are one release of Debian: the addon runs with the oneDNN and the Node.js that it was built with.
FROM debian:trixie-slim AS build
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates cmake g++ libdnnl-dev make nodejs npm \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/octavo
COPY package.json package-lock.json .npmrc ./
RUN npm ci
# In the order in which files rarely change: the addon takes minutes, and is built again only when it has to be.
COPY CMakeLists.txt ./
COPY script/build-native script/system-packages script/
COPY native native
RUN npm run build:native
COPY tsconfig.json tsconfig.build.json ./
COPY script/build-typescript script/bundle-report-page script/
COPY lib lib
RUN npm run build:ts
RUN npm prune --omit=dev

FROM debian:trixie-slim
RUN apt-get update \
  && apt-get install --yes --no-install-recommends libdnnl3.6 libgomp1 nodejs tini \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/octavo
COPY --from=build /opt/octavo/package.json ./
COPY --from=build /opt/octavo/node_modules node_modules
COPY --from=build /opt/octavo/build/Release/octavo.node build/Release/octavo.node
COPY --from=build /opt/octavo/dist dist

# A number, so that Kubernetes can see that it is not root. The server writes nothing: the file system may be read-only.
USER 10001:10001
EXPOSE 8000 8001
# tini is process 1 and hands signals on: the kernel would keep SIGTERM from a process 1 that still loads its models.
ENTRYPOINT ["tini", "--", "node", "/opt/octavo/dist/cli/main.js"]
CMD ["serve", "/mnt/models", "--host", "0.0.0.0"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
  CMD ["node", "--eval", "fetch('http://127.0.0.1:8000/v2/health/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
