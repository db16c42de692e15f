# One image for every process: the command decides which. Bun comes with the image, so npm's copy of it stays out.
FROM oven/bun:1.4.5-slim AS packages
WORKDIR /app
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production --ignore-scripts \
 && rm -rf node_modules/bun node_modules/@oven node_modules/.bin/bun node_modules/.bin/bunx

FROM oven/bun:1.4.5-slim AS build
WORKDIR /app
COPY . .
RUN bun scripts/build.ts

FROM oven/bun:1.4.5-slim
WORKDIR /app
ENV NODE_ENV=production PORT=3000
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY sql ./sql
COPY package.json ./
USER bun
EXPOSE 3000
STOPSIGNAL SIGTERM
# Whether the process answers at all; whether it may get traffic is what /health/ready says.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["bun", "-e", "process.exit((await fetch(`http://127.0.0.1:${process.env.PORT}/health`)).ok ? 0 : 1)"]
# All three processes behind PORT. To run one: bun dist/api.js, bun dist/worker.js, bun dist/realtime.js; bun dist/migrate.js once before.
CMD ["bun", "dist/start.js"]
