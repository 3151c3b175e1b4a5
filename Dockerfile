# All of Millrace in one image: `up` with its own database in /data, or `serve` and
# `worker` on a PostgreSQL that DATABASE_URL names (compose.yaml, deploy/kubernetes.yaml).

FROM node:24-bookworm-slim AS package
WORKDIR /src
COPY . .
RUN npm ci --no-audit --no-fund && npm run package

FROM node:24-bookworm-slim
# For workers in Python; the standard library is enough.
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
COPY --from=package /src/dist/millrace-*.tgz /tmp/
# The image has Node 24 already; the package brings it for machines that have not.
RUN npm install --global --no-audit --no-fund /tmp/millrace-*.tgz \
 && rm -rf /tmp/millrace-*.tgz /usr/local/lib/node_modules/millrace/node_modules/node-linux-* \
 && npm cache clean --force \
 && install --directory --owner=node --group=node /data
USER node
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 MILLRACE_FOLDER=/data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# What is under way is finished first.
STOPSIGNAL SIGTERM
ENTRYPOINT ["millrace"]
CMD ["up"]
